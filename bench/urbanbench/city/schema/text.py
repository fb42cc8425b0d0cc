"""The format for people: one line for each field and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["COLUMN_HEADS", "FIELD_HEADS", "column_rows", "field_rows", "tables_in"]

FIELD_HEADS = ("field", "is", "what")
COLUMN_HEADS = ("column", "type", "null", "range", "unit", "what")


def field_rows(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the fields of an object, those of its entries behind them: name, type (* where it has to be there), meaning."""
    yield from _fields(schema, "")
    for name, inner in schema.get("$defs", {}).items():
        yield from _fields(inner, f"<{name}>.")


def _fields(schema: Mapping[str, Any], before: str) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        mark = "*" if name in required else ""
        yield f"{before}{name}{mark}", _type(field), field.get("description", "")


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return "one of " + ", ".join(str(one) for one in field["enum"])
    if "$ref" in field:
        return f"<{field['$ref'].rpartition('/')[2]}>"
    if "anyOf" in field:
        return " or ".join(str(one["type"]) for one in field["anyOf"])
    kind = field.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def column_rows(table: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Give the columns of a table: name (* where it has to be there), type, null, range, unit, meaning."""
    kinds = table.get("geometry", {}).get("kinds", ())
    for column in table["columns"]:
        mark = "*" if column["required"] else ""
        kind = " or ".join(kinds) if column["type"] == "geometry" else column["type"]
        ids = f" of {column['ids_of']}" if "ids_of" in column else ""
        bounds = f"{column.get('least', ''):g} to {column.get('most', ''):g}" if "most" in column else ""
        null = "may be null" if column["null"] else ""
        yield f"{column['name']}{mark}", f"{kind}{ids}", null, bounds, column.get("unit", ""), column["about"]


def tables_in(part: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the tables in a part of the format, by their place in it."""
    if isinstance(part.get("columns"), list):
        yield name, part
        return
    for key, inner in part.items():
        if isinstance(inner, Mapping):
            yield from tables_in(inner, f"{name} {key}".strip())
