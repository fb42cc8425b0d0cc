"""The whole format, and its parts by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from urbanbench.card import LABEL_KINDS
from urbanbench.city.folder.format import REPORT_FILE, TABLES, UNIT_LAYER
from urbanbench.city.schema.json_schema import city_schema, geo_schema, report_schema
from urbanbench.city.schema.tables import feature_schema, label_schema, layer_schema, table_schemas
from urbanbench.errors import UnknownName

__all__ = ["JSON_FILES", "part_of_schema", "schema_document"]

JSON_FILES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "city.json": city_schema,
    REPORT_FILE: report_schema,
    "geo": geo_schema,
}
"""JSON of a city folder, and what makes the schema of each; "geo" stands in the metadata of Parquet files."""


def schema_document() -> dict[str, Any]:
    """Return everything: the tables, and JSON Schemas by file."""
    return {**table_schemas(), "json": {name: make() for name, make in JSON_FILES.items()}}


def part_of_schema(name: str) -> dict[str, Any]:
    """Return one part.

    Parameters
    ----------
    name
        A layer, "regions"; "labels" or a kind of label; "features"; a file of JSON; "tables" for all tables.

    Raises
    ------
    UnknownName
        No such part.
    """
    parts: dict[str, Callable[[], dict[str, Any]]] = dict(JSON_FILES)
    parts |= {layer: partial(layer_schema, layer) for layer in TABLES}
    parts |= {kind: partial(_levels, kind) for kind in LABEL_KINDS}
    parts["labels"] = lambda: {kind: _levels(kind) for kind in LABEL_KINDS}
    parts["features"] = lambda: {key: feature_schema(key) for key in ("view_id", "region_id")}
    parts["tables"] = table_schemas
    if name not in parts:
        raise UnknownName("part of the format", name, parts)
    return parts[name]()


def _levels(kind: str) -> dict[str, Any]:
    return {level: label_schema(kind, level) for level in UNIT_LAYER}
