"""What an OpenStreetMap object counts as: a place, a building, a road, land use, or several of these."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "AREA_KEYS",
    "BUS_ROUTES",
    "PLACE_KEYS",
    "is_area",
    "is_building",
    "is_landuse",
    "is_place_area",
    "says_something",
]

PLACE_KEYS = (
    "aeroway",
    "amenity",
    "club",
    "craft",
    "emergency",
    "healthcare",
    "historic",
    "leisure",
    "man_made",
    "military",
    "office",
    "public_transport",
    "railway",
    "shop",
    "sport",
    "tourism",
)
"""An area with one of these keys is a place as well: it becomes a point of interest at a point inside it."""

_LANDUSE_KEYS = ("landuse", "leisure", "natural")
AREA_KEYS = tuple(sorted({*PLACE_KEYS, *_LANDUSE_KEYS, "building"}))
"""An area without any of these keys is not read."""

_LINES: Mapping[str, frozenset[str]] = {
    "natural": frozenset({"arete", "cliff", "coastline", "ridge", "tree_row", "valley"}),
    "leisure": frozenset({"slipway", "track"}),
}
"""Values that mean a line, even where its ends meet."""

_META_KEYS = frozenset(
    {"attribution", "comment", "created_by", "fixme", "import", "note", "odbl", "source", "todo"}
)
"""Keys that speak of the mapping, not of the place."""

BUS_ROUTES = frozenset({"bus", "minibus", "share_taxi", "trolleybus"})
"""Values of `route` that count as bus routes."""


def says_something(tags: Mapping[str, str]) -> bool:
    """Tell whether tags say anything of the place itself.

    Examples
    --------
    >>> says_something({"source": "survey", "note": "check"}), says_something({"natural": "tree"})
    (False, True)
    """
    return any(key.lower() not in _META_KEYS and not key.startswith("source:") for key in tags)


def is_building(tags: Mapping[str, str]) -> bool:
    """Tell whether an area is a building; ``building=no`` is none."""
    return tags.get("building", "no") != "no"


def is_landuse(tags: Mapping[str, str]) -> bool:
    """Tell whether an area is land use: it has `landuse`, `natural` or `leisure` and is no building."""
    if is_building(tags):
        return False
    return any(key in tags and tags[key] not in _LINES.get(key, ()) for key in _LANDUSE_KEYS)


def is_area(tags: Mapping[str, str]) -> bool:
    """Tell whether an area is anything that a layer holds."""
    return is_building(tags) or is_landuse(tags) or is_place_area(tags)


def is_place_area(tags: Mapping[str, str]) -> bool:
    """Tell whether an area is a place as well; lines whose ends meet are none."""
    return any(key in tags and tags[key] not in {"no", *_LINES.get(key, ())} for key in PLACE_KEYS)
