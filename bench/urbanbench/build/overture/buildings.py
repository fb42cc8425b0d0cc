"""Overture's buildings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.build.overture.words import names_of, text_of

__all__ = ["BUILDING_COLUMNS", "building_tags"]

_KEYS = {
    "height": "height",
    "num_floors": "building:levels",
    "num_floors_underground": "building:levels:underground",
    "min_height": "min_height",
    "min_floor": "building:min_level",
    "facade_color": "building:colour",
    "facade_material": "building:material",
    "roof_shape": "roof:shape",
    "roof_material": "roof:material",
    "roof_color": "roof:colour",
    "roof_height": "roof:height",
    "roof_direction": "roof:direction",
    "roof_orientation": "roof:orientation",
    "level": "layer",
}
"""OpenStreetMap's keys of what Overture took from there."""

_BOTH = frozenset(
    {"civic", "commercial", "industrial", "military", "religious", "residential", "service", "transportation"}
)
"""Subtypes that are values of `building` as well."""

BUILDING_COLUMNS = ("id", "names", "subtype", "class", "is_underground", *_KEYS, "sources")


def building_tags(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a building's tags: `building` is its class, else its subtype where that is a value of `building`, else "yes"."""
    kind, group = text_of(row.get("class")), text_of(row.get("subtype"))
    tags = {"building": kind or (group if group in _BOTH else "yes"), **names_of(row)}
    if group and group != tags["building"]:
        tags["overture:subtype"] = group
    tags |= {key: text_of(row.get(column)) for column, key in _KEYS.items()}
    if row.get("is_underground"):
        tags["location"] = "underground"
    return {key: value for key, value in tags.items() if value and (key != "layer" or value != "0")}
