"""What can be judged of a city's tables without reading them: Parquet footers, column types, numbers of rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.folder.columns import Column, TableSchema
from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.city.folder.geo import GeoColumn, geo_column
from urbanbench.city.folder.kinds import EXPECTED, fits
from urbanbench.city.folder.limits import FREE_ROWS, MAX_ROWS
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head
from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.city.folder.manifest import Manifest

__all__ = ["structure_faults"]

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
    geo, faults = geo_column(file, head) if schema.shapes else (None, [])
    return _column_faults(file, schema, head, geo) + faults


def _column_faults(file: str, schema: TableSchema, head: TableHead, geo: GeoColumn | None) -> list[str]:
    faults = []
    kinds = dict(head.columns)
    for column in schema.columns:
        name, expected = column.name, EXPECTED[column.kind]
        if geo and column.kind == "geometry":
            name = geo.name
            expected = expected if geo.encoding == "WKB" else f"coordinates encoded as {geo.encoding!r}"
        times, where = head.names.count(name), f"{file}: column {name!r}"
        if times > 1:
            faults.append(
                f"{where}: expected it once, found {times} columns of that name. Rename or drop the others."
            )
        elif not times and column.required:
            listed = ", ".join(head.names[:12])[:200] or "none"
            faults.append(
                f"{where}: expected {expected}, found no such column among {listed}. Add it, or rename the column that holds it."
            )
        elif times and not fits(column.kind, kinds[name], geo):
            found = str(kinds[name])[:80]
            faults.append(
                f"{where}: expected {expected}, found {found}. {_stored(column, name, kinds[name], expected)}"
            )
    if schema.some_of and not set(schema.some_of) & set(head.names):
        faults.append(
            f"{file}: columns {', '.join(schema.some_of[:-1])} or {schema.some_of[-1]}: expected one at least, found none. Add a column of paths of pictures."
        )
    return faults


def _stored(column: Column, name: str, found: pa.DataType, expected: str) -> str:
    """Say how a column of another type is stored as it should be."""
    from pyarrow import types

    if column.kind in {"id", "group"} and types.is_floating(found):
        return f"Store whole numbers: frame[{name!r}] = frame[{name!r}].astype('Int64')."
    if column.kind == "geometry" and is_text(found):
        return f"Decode it: geopandas.GeoSeries.from_wkt(frame[{name!r}], crs=4326)."
    return f"Store the column as {expected}."


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
