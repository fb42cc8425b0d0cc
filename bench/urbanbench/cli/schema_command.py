"""``urbanbench data schema``: the format of city folders, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import print_json, print_table, say

__all__ = ["schema"]


def schema(
    part: Annotated[
        str,
        typer.Argument(
            help="A layer, 'labels', a kind of label, 'features', 'tables', 'city.json', 'build_report.json' or 'geo'; all when left out."
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Print the format of city folders: fields of city.json, and columns, types, units and rules of every table; * has to be there."""
    from urbanbench.city.schema.document import JSON_FILES, part_of_schema, schema_document

    found = part_of_schema(part) if part else schema_document()
    if as_json:
        print_json(found)
    elif part in JSON_FILES:
        _say_fields(part, found)
    else:
        _say_tables(part, found)
        for name, inner in found.get("json", {}).items():
            _say_fields(name, inner)


def _say_fields(name: str, found: Mapping[str, Any]) -> None:
    from urbanbench.city.schema.text import FIELD_HEADS, field_rows

    say(f"{name}: {found['title']}\n")
    print_table(field_rows(found), FIELD_HEADS)
    say("")


def _say_tables(part: str, found: Mapping[str, Any]) -> None:
    from urbanbench.city.schema.text import COLUMN_HEADS, column_rows, tables_in

    for name, table in tables_in(found, part):
        say(f"{name}: {table['file']}. {table['about']}\n")
        print_table(column_rows(table), COLUMN_HEADS)
        say("")
