"""Overture's land use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.build.overture.words import names_of, text_of

__all__ = ["LAND_USE_COLUMNS", "land_use_tags"]

LAND_USE_COLUMNS = ("id", "names", "subtype", "class", "surface", "source_tags", "sources")

_KEYS = {
    "landuse": """allotments animal_keeping aquaculture brownfield cemetery commercial construction education farmland farmyard flowerbed forest
        garages grass greenfield greenhouse_horticulture highway industrial institutional landfill logging meadow military orchard peat_cutting
        plant_nursery quarry recreation_ground religious residential retail salt_pond village_green vineyard winter_sports""",
    "leisure": "beach_resort dog_park garden golf_course marina nature_reserve park pitch playground schoolyard stadium track water_park",
    "amenity": "clinic college doctors grave_yard hospital school university",
    "tourism": "camp_site theme_park zoo",
    "boundary": "aboriginal_land national_park",
    "military": "airfield barracks base bunker danger_area naval_base nuclear_explosion_site obstacle_course range training_area trench",
    "golf": "driving_range fairway green lateral_water_hazard rough tee water_hazard",
    "highway": "pedestrian",
    "place": "plaza",
    "man_made": "works",
}
_KEY_OF = {value: key for key, values in _KEYS.items() for value in values.split()}
"""OpenStreetMap's key that a class is a value of; Overture derives classes from these tags."""


def land_use_tags(row: Mapping[str, Any]) -> dict[str, str] | str:
    """Return the tags of the source where the file has them, else the tag that the class stands for."""
    known = row.get("source_tags") or ()
    pairs = known.items() if isinstance(known, Mapping) else known
    tags = {text_of(key): text_of(value) for key, value in pairs if text_of(key) and text_of(value)}
    kind, group = text_of(row.get("class")), text_of(row.get("subtype"))
    if not tags and kind in _KEY_OF:
        tags = {
            _KEY_OF[kind]: kind,
            **({"surface": text_of(row.get("surface"))} if row.get("surface") else {}),
        }
    elif not tags:
        tags = {"overture:class": kind, "overture:subtype": group}
    tags = names_of(row) | {key: value for key, value in tags.items() if value}
    return tags if set(tags) - {"name"} else "no class"
