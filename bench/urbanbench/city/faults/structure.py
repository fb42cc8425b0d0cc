"""What can be judged of a city's tables without reading them: Parquet footers, column types, numbers of rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.faults.geo_metadata import geo_faults
from urbanbench.city.folder.format import DIRECTIONS, TABLES, UNIT_LAYER, TableSchema
from urbanbench.city.folder.limits import FREE_ROWS, MAX_ROWS
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head
from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.city.folder.manifest import Manifest

__all__ = ["structure_faults"]

_EXPECTED = {
    "text": "text",
    "number": "numbers",
    "integer": "integers",
    "group": "text or integers",
    "tags": "a map of text to text",
    "geometry": "WKB (binary)",
}

_SHORTEN = "Leave rows out, or split the city."


def structure_faults(folder: Path, manifest: Manifest) -> dict[str, list[str]]:
    """Judge every table that city.json names.

    Returns
    -------
    dict
        Faults by table: a layer's name, or "labels/<name>". Sound tables have an empty list.
    """
    tables = {name: (info.file, TABLES[name]) for name, info in manifest.tables.items()}
    tables |= {f"labels/{name}": (info.file, info.schema) for name, info in manifest.labels.items()}
    found: dict[str, list[str]] = {}
    heads: dict[str, TableHead] = {}
    for name, (file, schema) in tables.items():
        try:
            heads[name] = read_head(folder, file)
        except FaultyTable as error:
            found[name] = [str(error)]
        else:
            found[name] = _table_faults(file, schema, heads[name])
    for name, head in heads.items():
        found[name] += _row_faults(tables[name][0], head, tables[name][1], _most_rows(manifest, name, heads))
        found[name] += _count_faults(manifest, name, head)
    return found


def _table_faults(file: str, schema: TableSchema, head: TableHead) -> list[str]:
    faults = _column_faults(file, schema, head)
    if schema.shapes and "geometry" in head.names:
        faults += geo_faults(file, head.metadata)
    return faults


def _column_faults(file: str, schema: TableSchema, head: TableHead) -> list[str]:
    faults = []
    kinds = dict(head.columns)
    for column in schema.columns:
        times = head.names.count(column.name)
        where, expected = f"{file}: column {column.name!r}", _EXPECTED[column.kind]
        if times > 1:
            faults.append(
                f"{where}: expected it once, found {times} columns of that name. Rename or drop the others."
            )
        elif not times and column.required:
            listed = ", ".join(head.names[:12])[:200] or "none"
            faults.append(
                f"{where}: expected {expected}, found no such column among {listed}. Add it, or rename the column that holds it."
            )
        elif times and not _fits(column.kind, kinds[column.name]):
            found = str(kinds[column.name])[:80]
            faults.append(f"{where}: expected {expected}, found {found}. Store the column as {expected}.")
    if schema is TABLES["street_views"] and not {"image", *DIRECTIONS} & set(head.names):
        faults.append(
            f"{file}: columns {', '.join(DIRECTIONS)} or image: expected one at least, found none. Add a column of paths of pictures."
        )
    return faults


def _fits(kind: str, found: pa.DataType) -> bool:
    from pyarrow import types

    if kind == "tags":
        return bool(types.is_map(found) and is_text(found.key_type) and is_text(found.item_type))
    if kind == "geometry":
        stored = getattr(found, "storage_type", found)
        return bool(types.is_binary(stored) or types.is_large_binary(stored))
    if kind == "text":
        return is_text(found)
    if kind == "integer":
        return bool(types.is_integer(found))
    if kind == "group":
        return is_text(found) or bool(types.is_integer(found))
    return bool(types.is_floating(found) or types.is_integer(found))


def _most_rows(manifest: Manifest, name: str, heads: Mapping[str, TableHead]) -> tuple[int, str]:
    """Return how many rows a table may have, and why: labels and pictures by region at most one a unit, trips one a pair and hour."""
    most, reason = MAX_ROWS.get(name, MAX_ROWS[""]), ""
    label = manifest.labels.get(name.removeprefix("labels/")) if name.startswith("labels/") else None
    layer = UNIT_LAYER[label.level] if label else "regions" if name in {"satellite", "flows"} else ""
    if layer in heads:
        units = heads[layer].rows
        units = 24 * units * units if name == "flows" else units
        if units < most:
            most, reason = units, f" ({'every pair and hour' if name == 'flows' else 'every unit'} once)"
    return most, reason


def _row_faults(file: str, head: TableHead, schema: TableSchema, most: tuple[int, str]) -> list[str]:
    if head.rows > most[0]:
        mend = "Leave rows that repeat a unit out." if most[1] else _SHORTEN
        return [f"{file}: expected at most {most[0]} rows{most[1]}, found {head.rows}. {mend}"]
    if schema.shapes and head.rows > max(FREE_ROWS, head.file_bytes):
        return [
            f"{file}: expected at least a byte for each of {head.rows} places, found a file of {head.file_bytes} bytes. The rows repeat one another: write each object once."
        ]
    return []


def _count_faults(manifest: Manifest, name: str, head: TableHead) -> list[str]:
    """Tell a table whose number of rows is not the `count` or `units` of city.json."""
    entry = manifest.entries[name]
    word = "units" if name.startswith("labels/") else "count"
    if entry.get(word, head.rows) == head.rows:
        return []
    return [
        f"{entry['file']}: expected {entry[word]} rows as city.json says, found {head.rows}. Correct {word!r} in city.json, or the file."
    ]
