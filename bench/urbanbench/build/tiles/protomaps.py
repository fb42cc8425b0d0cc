"""The basemap schema of Protomaps (docs.protomaps.com/basemaps/layers), versions 2, 3 and 4."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from urbanbench.build.tiles.decode import Value
from urbanbench.build.tiles.osm_keys import AREA_KEYS, POINT_KEYS
from urbanbench.build.tiles.schema import Skipped, meant_names, plain

__all__ = ["Protomaps"]

_LAYERS = {
    "pois": "pois",
    "buildings": "buildings",
    "roads": "roads",
    "landuse": "landuse",
    "natural": "landuse",
}
_STRANGERS = frozenset({"streets", "street_polygons", "street_labels", "transportation", "poi", "building"})

_RAW_KEYS = (
    *(
        "aeroway",
        "amenity",
        "attraction",
        "boundary",
        "craft",
        "cuisine",
        "highway",
        "historic",
        "iata",
        "landuse",
        "leisure",
    ),
    *("man_made", "natural", "place", "railway", "religion", "shop", "sport", "tourism", "wetland"),
)
"""Keys of OpenStreetMap that version 2 writes as they are, and later ones some of."""

_ROADS = {
    "highway": "motorway",
    "major_road": "primary",
    "medium_road": "secondary",
    "minor_road": "road",
    "path": "path",
}
"""`highway` by kind, where no detail is told (version 3)."""

_NO_ROADS = frozenset({"aerialway", "aeroway", "ferry", "pier", "rail", "railway"})
_SERVICES = frozenset({"alley", "drive-through", "driveway", "emergency_access", "parking_aisle"})
_FOOTWAYS = frozenset({"crossing", "sidewalk"})
_FIRST_KIND = 44
"""Bits of a feature's number below those that say whether it was a node, a way or a relation."""


class Protomaps:
    """See `urbanbench.build.tiles.schema.Schema`."""

    name = "Protomaps basemap"
    layers: Mapping[str, str] = _LAYERS
    credit = "© Protomaps"

    def claims(self, names: Collection[str]) -> bool:
        """Tell whether there is one of its layers, and none that is another schema's alone."""
        return bool({"pois", "buildings", "roads"} & set(names)) and not _STRANGERS & set(names)

    def tags(self, layer: str, attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
        """Return tags by layer."""
        if layer == "buildings":
            return _building(attributes)
        if layer == "roads":
            return _road(attributes)
        return _placed(attributes, POINT_KEYS if layer == "pois" else AREA_KEYS)

    def object_id(self, layer: str, number: int) -> str:
        """Return OpenStreetMap's id with `n`, `w` or `r` before it, which the number holds."""
        kind, one = number >> _FIRST_KIND, number & (2**_FIRST_KIND - 1)
        return f"{'nwr'[kind - 1]}{one}" if 1 <= kind <= 3 else f"{layer}-{number}"


def _kind(attributes: Mapping[str, Value], detail: str = "") -> str:
    for key in (f"kind{detail}", f"pmap:kind{detail}"):
        if key in attributes:
            return plain(attributes[key])
    return ""


def _raw(attributes: Mapping[str, Value]) -> dict[str, str]:
    return {key: plain(attributes[key]) for key in _RAW_KEYS if key in attributes}


def _placed(attributes: Mapping[str, Value], keys: Mapping[str, str]) -> dict[str, str] | Skipped:
    tags = _raw(attributes) | meant_names(attributes)
    kind = _kind(attributes)
    if kind and kind != "other" and kind not in tags.values():
        key = keys.get(kind, "protomaps:kind")
        tags.setdefault(key, kind)
    if kind == "other" and set(tags) <= {"name"}:
        return "of the kind other, which says nothing"
    detail = _kind(attributes, "_detail")
    if detail and detail not in tags.values():
        tags["protomaps:kind_detail"] = detail
    return tags or "no kind"


def _building(attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
    kind = _kind(attributes)
    if kind == "address":
        return "address points"
    tags = {"building": "yes", **meant_names(attributes)}
    tags |= {key: plain(attributes[key]) for key in ("height", "min_height", "layer") if key in attributes}
    part = kind == "building_part" or "building:part" in attributes
    return tags | ({"building:part": _kind(attributes, "_detail") or "yes"} if part else {})


def _road(attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
    kind, detail = _kind(attributes), _kind(attributes, "_detail")
    value = plain(attributes.get("highway", "")) or detail or _ROADS.get(kind, "road")
    if (
        kind in _NO_ROADS
        or value == "pier"
        or (kind == "other" and "highway" not in attributes and not detail)
    ):
        return f"{kind}: no road"
    tags = {"highway": value}
    if value in _SERVICES:
        tags = {"highway": "service", "service": value}
    elif value in _FOOTWAYS:
        tags = {"highway": "footway", "footway": value}
    if _flag(attributes, "is_link", "pmap:link") and value in {
        "motorway",
        "trunk",
        "primary",
        "secondary",
        "tertiary",
    }:
        tags["highway"] += "_link"
    tags |= meant_names(attributes)
    known = ("access", "bridge", "layer", "network", "oneway", "ref", "service", "tunnel")
    tags |= {key: plain(attributes[key]) for key in known if key in attributes and key not in tags}
    level = attributes.get("pmap:level")
    if _flag(attributes, "is_bridge") or level == 1:
        tags.setdefault("bridge", "yes")
    if _flag(attributes, "is_tunnel") or level == -1:
        tags.setdefault("tunnel", "yes")
    return tags


def _flag(attributes: Mapping[str, Value], *names: str) -> bool:
    return any(attributes.get(name) in {1, "yes", "true"} for name in names)
