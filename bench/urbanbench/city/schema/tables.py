"""The tables of a city folder for machines: columns, types, units, rules of null, kinds of geometry, CRS."""

from __future__ import annotations

from typing import Any

from urbanbench.card import LABEL_KINDS
from urbanbench.city.faults.label_content import SHARE_TOLERANCE
from urbanbench.city.folder.columns import Column, TableSchema
from urbanbench.city.folder.format import FORMAT, TABLES, UNIT_LAYER, LabelInfo
from urbanbench.city.folder.geo import ENCODINGS, WGS84
from urbanbench.city.folder.kinds import ALSO, ARROW
from urbanbench.city.folder.limits import MAX_ROWS, MAX_TAG_BYTES, MAX_TEXT_BYTES

__all__ = ["feature_schema", "label_schema", "layer_schema", "table_schemas"]

_FEATURE_KEYS = {"view_id": "street_views", "region_id": "satellite"}
_BYTES = {"tags": MAX_TAG_BYTES, "text": MAX_TEXT_BYTES, "id": MAX_TEXT_BYTES, "group": MAX_TEXT_BYTES}


def table_schemas() -> dict[str, Any]:
    """Return every table: layers by name, labels by kind and level, feature tables by key."""
    return {
        "format": FORMAT,
        "layers": {name: layer_schema(name) for name in TABLES},
        "labels": {kind: {level: label_schema(kind, level) for level in UNIT_LAYER} for kind in LABEL_KINDS},
        "features": {key: feature_schema(key) for key in _FEATURE_KEYS},
    }


def layer_schema(name: str) -> dict[str, Any]:
    """Return the description of a layer, "regions" too."""
    schema, most = TABLES[name], MAX_ROWS.get(name, MAX_ROWS[""])
    rows = {"at_least": schema.least_rows, "at_most": most}
    return {"file": f"{name}.parquet", "about": schema.about, "rows": rows, **_table(schema)}


def label_schema(kind: str, level: str) -> dict[str, Any]:
    """Return the description of a label; the share columns of a composition are those that its entry in city.json lists.

    Parameters
    ----------
    kind
        "regression", "classification" or "composition".
    level
        "region", "building", "poi" or "street_view".
    """
    columns = ("<columns>",) if kind == "composition" else ()
    unit = {"classification": "class", "composition": "share"}.get(kind, "<unit>")
    info = LabelInfo("<name>", "labels/<name>.parquet", unit, level, kind, columns=columns)
    rows = {"at_least": 0, "at_most": MAX_ROWS[""]}
    told = {"file": info.file, "about": info.schema.about, "rows": rows, **_table(info.schema)}
    if kind == "composition":
        told["sum"] = {"columns": "<columns>", "equals": 1, "within": SHARE_TOLERANCE}
    return told


def feature_schema(key: str) -> dict[str, Any]:
    """Return the description of a feature table; what stands beside its key is free, lists of numbers are vectors of one length."""
    layer = _FEATURE_KEYS[key]
    column = Column(key, "id", filled=True, layer=layer, about="The row's id, once in the table.")
    about = f"What was worked out about a picture of {layer}."
    return {
        "file": "features/<name>.parquet",
        "about": about,
        "layer": layer,
        **_table(TableSchema((column,), key)),
    }


def _table(schema: TableSchema) -> dict[str, Any]:
    told: dict[str, Any] = {"columns": [_column(one, schema) for one in schema.columns]}
    if schema.key:
        told["key"] = schema.key
    if schema.some_of:
        told["some_of"] = list(schema.some_of)
    if schema.order or schema.key:
        told["order"] = list(schema.order or (schema.key,))
    if schema.shapes:
        told["geometry"] = {
            "column": "geometry",
            "kinds": list(schema.shapes),
            "crs": WGS84,
            "axes": ["longitude", "latitude"],
            "encoding": "WKB",
            "also": list(ENCODINGS[1:]),
        }
    return told


def _column(column: Column, schema: TableSchema) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": column.name,
        "type": "id" if column.kind == "group" else column.kind,
        "arrow": ARROW[column.kind],
        "also": list(ALSO[column.kind]),
        "required": column.required,
        "null": column.null,
    }
    if column.name == schema.key:
        told["unique"] = True
    if column.filled:
        told["least_length"] = 1
    if column.kind in _BYTES:
        told["most_bytes"] = _BYTES[column.kind]
    told |= {name: word for name, word in (("unit", column.unit), ("ids_of", column.layer)) if word}
    bounds = (("least", column.low), ("most", column.high))
    return {**told, **{name: bound for name, bound in bounds if bound is not None}, "about": column.about}
