"""The schema of OpenMapTiles (openmaptiles.org/schema), versions 3.x, as tilemaker and planetiler write it too."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from urbanbench.build.tiles.decode import Value
from urbanbench.build.tiles.osm_keys import AREA_KEYS, POINT_KEYS
from urbanbench.build.tiles.schema import Skipped, meant_names, plain

__all__ = ["OpenMapTiles"]

_LAYERS = {
    "poi": "pois",
    "building": "buildings",
    "transportation": "roads",
    "transportation_name": "names",
    "landuse": "landuse",
    "landcover": "landuse",
    "park": "landuse",
}
_STRANGERS = frozenset({"streets", "street_polygons", "road", "poi_label", "pois", "buildings", "roads"})
"""Layers of other schemas that share names with this one."""

_UNKNOWN_HEIGHT = 5
"""What `render_height` is where neither a height nor storeys are mapped."""

_NO_SUBCLASS = {"information": "tourism", "place_of_worship": "amenity", "pitch": "leisure"}
_SUBCLASS_IS = {"information": "information", "place_of_worship": "religion", "pitch": "sport"}
"""Classes whose subclass is a tag of its own."""

_RAMPS = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})
_ROADS = frozenset({*_RAMPS, "service", "track", "raceway", "busway", "bus_guideway"})
_ROAD_KEYS = (
    "access",
    "bicycle",
    "foot",
    "horse",
    "indoor",
    "layer",
    "level",
    "mtb_scale",
    "service",
    "surface",
)
_ICE = {"ice_shelf": "glacier"}


class OpenMapTiles:
    """See `urbanbench.build.tiles.schema.Schema`."""

    name = "OpenMapTiles"
    layers: Mapping[str, str] = _LAYERS
    credit = "© OpenMapTiles"

    def claims(self, names: Collection[str]) -> bool:
        """Tell whether there is one of its layers that no other schema has."""
        known = {"poi", "transportation", "transportation_name", "building"} & set(names)
        return bool(known) and not _STRANGERS & set(names)

    def tags(self, layer: str, attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
        """Return tags by layer."""
        if layer == "poi":
            return _poi(attributes)
        if layer == "building":
            return _building(attributes)
        if layer in {"transportation", "transportation_name"}:
            return _road(attributes)
        return _ground(attributes)

    def object_id(self, layer: str, number: int) -> str:
        """Return the layer's name and the number; makers of tiles derive it from OpenStreetMap's in different ways."""
        return f"{layer}-{number}"


def _poi(attributes: Mapping[str, Value]) -> dict[str, str]:
    group, kind = plain(attributes.get("class", "")), plain(attributes.get("subclass", ""))
    tags = meant_names(attributes)
    if group in _NO_SUBCLASS:
        tags[_NO_SUBCLASS[group]] = group
        if kind:
            tags[_SUBCLASS_IS[group]] = kind
    elif kind == "subway":
        tags |= {"railway": "station", "station": "subway"}
    else:
        value = kind or group
        key = group if group in {"shop", "office", "aerialway"} else POINT_KEYS.get(value, "")
        tags |= {key: value} if key else {"openmaptiles:subclass": value}
        if group and group not in {value, key}:
            tags["openmaptiles:class"] = group
    return tags | {key: plain(attributes[key]) for key in ("layer", "level") if key in attributes}


def _building(attributes: Mapping[str, Value]) -> dict[str, str]:
    tags = {"building": "yes", **meant_names(attributes)}
    height = attributes.get("render_height")
    if height is not None and height != _UNKNOWN_HEIGHT:
        tags["height"] = plain(height)
    if attributes.get("render_min_height"):
        tags["min_height"] = plain(attributes["render_min_height"])
    if "colour" in attributes:
        tags["building:colour"] = plain(attributes["colour"])
    if attributes.get("hide_3d"):
        tags["openmaptiles:hide_3d"] = "yes"
    return tags


def _road(attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
    group, kind = plain(attributes.get("class", "")), plain(attributes.get("subclass", ""))
    built = group.removesuffix("_construction")
    value = {"minor": "road", "path": kind or "path"}.get(built, built)
    if built not in {*_ROADS, "minor", "path"}:
        return f"{group or 'no class'}: no road"
    if attributes.get("ramp") == 1 and value in _RAMPS:
        value += "_link"
    tags = {"highway": value}
    if built != group:
        tags = {"highway": "construction", "construction": value}
    tags |= meant_names(attributes)
    tags |= {key: plain(attributes[key]) for key in (*_ROAD_KEYS, "ref", "network") if key in attributes}
    if "brunnel" in attributes:
        tags[plain(attributes["brunnel"])] = "yes"
    if attributes.get("oneway") in {1, -1}:
        tags["oneway"] = "yes" if attributes["oneway"] == 1 else "-1"
    for key in ("toll", "expressway"):
        if attributes.get(key):
            tags[key] = "yes"
    return tags


def _ground(attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
    group, kind = plain(attributes.get("class", "")), plain(attributes.get("subclass", ""))
    value = _ICE.get(kind or group, kind or group)
    if not value:
        return "no class"
    key = AREA_KEYS.get(value, "")
    tags = {key: value} if key else {"openmaptiles:subclass": value}
    if key == "wetland":
        tags["natural"] = "wetland"
    if group and kind and group not in {value, tags.get("natural")}:
        tags["openmaptiles:class"] = group
    return tags | meant_names(attributes)
