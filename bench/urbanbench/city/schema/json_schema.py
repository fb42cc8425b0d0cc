"""JSON Schema (draft 2020-12) of the JSON files of a city folder, made from the fields that a check reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from urbanbench.city.folder.fields import (
    CITY_FIELDS,
    CRS,
    GEO_FIELDS,
    LABEL_FIELDS,
    LAYER_FIELDS,
    NAME,
    RASTER_FIELDS,
    REPORT_FIELDS,
    REPORT_LINE_FIELDS,
    Field,
)
from urbanbench.city.folder.format import FORMAT, RASTERS

__all__ = ["city_schema", "geo_schema", "report_schema"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_PATH = r"^(?![/~])(?![^/]*:)(?!(?:[\s\S]*/)?\.\.(?:/|$))[^\\\u0000]*\S[^\\\u0000]*$"
"""A path inside the folder: relative, forward slashes, without "..", not empty."""

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_COUNT = {"type": "integer", "minimum": 0}
_NAMED_COUNTS = {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": _COUNT}

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "path": {"type": "string", "pattern": _PATH},
    "paths": {
        "type": "array",
        "items": {"type": "string", "pattern": _PATH},
        "minItems": 1,
        "uniqueItems": True,
    },
    "name": {"type": "string", "pattern": f"^{NAME}$"},
    "crs": {"type": "string", "pattern": f"^{CRS}$"},
    "count": _COUNT,
    "truth": {"type": "boolean"},
    "number": {"type": "number"},
    "list": {"type": "array"},
    "names": _NAMES,
    "named counts": {"anyOf": [_NAMES, _NAMED_COUNTS]},
    "object": {"type": "object"},
    "null": {"type": "null"},
    "free": {},
    "entries": {"type": "object", "propertyNames": {"pattern": f"^{NAME}$"}},
}
"""What a kind of field allows."""


def city_schema() -> dict[str, Any]:
    """Return the JSON Schema of city.json."""
    schema = _document("city.json", "city.json of a city folder", CITY_FIELDS)
    fields = schema["properties"]
    fields["regions"] = _about(fields["regions"], {"$ref": "#/$defs/layer"})
    for name, kind in (("layers", "layer"), ("labels", "label")):
        fields[name]["additionalProperties"] = {"$ref": f"#/$defs/{kind}"}
    fields["layers"]["properties"] = {name: {"$ref": "#/$defs/raster"} for name in RASTERS}
    # Regions stand beside the layers, not among them.
    fields["layers"]["propertyNames"]["not"] = {"const": "regions"}
    kinds = {"layer": _object(LAYER_FIELDS), "raster": _raster(), "label": _label()}
    return schema | {"$defs": kinds}


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of build_report.json."""
    schema = _document("build_report.json", "What a build read, kept, dropped and mended", REPORT_FIELDS)
    schema["properties"]["files"]["additionalProperties"] = {"type": "string"}
    schema["properties"]["report"]["items"] = _object(REPORT_LINE_FIELDS)
    return schema


def geo_schema() -> dict[str, Any]:
    """Return the JSON Schema of what GeoParquet's metadata ("geo") say of a city's column of geometry."""
    return _document("geo", "GeoParquet metadata of a column of geometry", GEO_FIELDS)


def _document(name: str, title: str, fields: Iterable[Field]) -> dict[str, Any]:
    head = {"$schema": _DRAFT, "$id": f"urn:urbanbench:city-folder:{FORMAT}:{name}", "title": title}
    return {**head, **_object(fields)}


def _object(fields: Iterable[Field]) -> dict[str, Any]:
    """Return the schema of an object; other fields than these are allowed."""
    listed = list(fields)
    required = [field.name for field in listed if field.required]
    properties = {field.name: _about({"description": field.about}, _field(field)) for field in listed}
    return {"type": "object", **({"required": required} if required else {}), "properties": properties}


def _about(told: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": told["description"], **schema}


def _field(field: Field) -> dict[str, Any]:
    if field.kind == "word":
        return {"enum": list(field.words)}
    words = [dict(_KINDS[word]) for word in field.kind.split(" or ")]
    if len(words) > 1:
        return {"type": [word["type"] for word in words]}
    found = dict(words[0])
    if "propertyNames" in found:
        found["propertyNames"] = dict(found["propertyNames"])
    return found


def _raster() -> dict[str, Any]:
    """Return the schema of the entry of a layer of rasters: one of `files` and `file`."""
    return {**_object(RASTER_FIELDS), "oneOf": [{"required": ["files"]}, {"required": ["file"]}]}


def _label() -> dict[str, Any]:
    """Return the schema of a label's entry; a composition has two columns at least."""
    schema = _object(LABEL_FIELDS)
    schema["properties"]["unit"]["minLength"] = 1
    shares = {"required": ["columns"], "properties": {"columns": {"minItems": 2}}}
    composition = {"required": ["kind"], "properties": {"kind": {"const": "composition"}}}
    return {**schema, "if": composition, "then": shares}
