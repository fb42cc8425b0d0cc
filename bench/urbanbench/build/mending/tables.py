"""One table of a city folder, mended: columns, geometry, rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.folder import write_geo
from urbanbench.build.mending.columns import mended_columns, put
from urbanbench.build.mending.deeds import Deeds
from urbanbench.build.mending.shapes import mended_shapes
from urbanbench.city.folder.geo import GeoColumn, geo_column
from urbanbench.city.folder.kinds import fits
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head, read_table
from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report
    from urbanbench.city.folder.columns import TableSchema

__all__ = ["MendedTable", "mend_table"]


@dataclass(frozen=True)
class MendedTable:
    """A table that was mended.

    Parameters
    ----------
    file
        Its path in the folder.
    table
        Its rows, as the format has them.
    kinds
        Kinds of geometry in it; None for a table without geometry, or one whose geometry stays as it was.
    metadata
        Metadata of the schema, where the geometry stays as it was.
    before
        How many rows it had.
    """

    file: str
    table: pa.Table
    kinds: tuple[str, ...] | None
    metadata: Mapping[bytes, bytes]
    before: int

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        import pyarrow.parquet as pq

        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.kinds is None:
            pq.write_table(self.table.replace_schema_metadata(self.metadata), path, compression="zstd")
        else:
            write_geo(path, self.table, geometry_types=list(self.kinds))


def mend_table(
    folder: Path, part: str, file: str, schema: TableSchema, named: Collection[str] | None, report: Report
) -> MendedTable | None:
    """Mend a table.

    Parameters
    ----------
    folder, file
        The city folder, which is only read, and the table's path in it.
    part
        What the report calls it.
    schema
        Its columns.
    named
        Ids that other tables name: their rows stay, geometry or not. None keeps all rows.
    report
        Told what was mended.

    Returns
    -------
    MendedTable or None
        None where there was nothing to mend, or the file cannot be read as a whole.
    """
    try:
        head = read_head(folder, file)
        if len(set(head.names)) < len(head.names):
            return None
        stored = read_table(folder, file, None, features=part.startswith("features/"))
    except FaultyTable:
        return None
    deeds = Deeds(part)
    found = _Rows(mended_columns(folder, stored, schema, deeds), np.ones(stored.num_rows, dtype=bool))
    if schema.shapes:
        found = _with_shapes(file, head, found, schema, deeds)
    ids = _ids(found.table, schema)
    keep = _with_geometry(found, named, ids, deeds)
    keep = _once(found.table, keep, ids, deeds)
    if not deeds or (found.kinds is None and head.native):
        return None
    deeds.tell(report, ids)
    import pyarrow as pa

    kept = found.table.filter(pa.array(keep)) if not keep.all() else found.table
    metadata = {b"geo": head.metadata[b"geo"]} if b"geo" in head.metadata else {}
    return MendedTable(file, kept, found.kinds, metadata, stored.num_rows)


@dataclass(frozen=True)
class _Rows:
    """A table, which of its rows have a geometry, and its kinds of geometry (None where it stays as it was)."""

    table: pa.Table
    placed: np.ndarray
    kinds: tuple[str, ...] | None = None


def _with_shapes(file: str, head: TableHead, found: _Rows, schema: TableSchema, deeds: Deeds) -> _Rows:
    """Mend the geometry, where it is known what it is."""
    geo = _geo(file, head, deeds)
    if geo is None or geo.name not in head.names or not fits("geometry", dict(head.columns)[geo.name], geo):
        return found
    made = mended_shapes(found.table[geo.name], geo, schema.shapes)
    if made is None:
        return found
    for why, rows in made.deeds.items():
        deeds.rows(why, np.flatnonzero(rows))
    if geo.encoding != "WKB":
        deeds.rows(f"geometry encoded as {geo.encoding!r}, written as WKB", np.arange(len(made.absent)))
    table = put(found.table, geo.name, made.column)
    if geo.name != "geometry":
        deeds.add("column of geometry named 'geometry'", [geo.name])
        others = [one for one in table.column_names if one != "geometry"]
        names = ["geometry" if one == geo.name else one for one in others]
        table = table.select(others).rename_columns(names)
    return _Rows(table, ~made.absent, made.kinds)


def _geo(file: str, head: TableHead, deeds: Deeds) -> GeoColumn | None:
    """Return what the table says of its geometry; where only what follows from the rows is wrong in the metadata, without it."""
    geo, faults = geo_column(file, head)
    if not faults or b"geo" not in head.metadata:
        return geo
    try:
        told = json.loads(head.metadata[b"geo"])
        columns = {
            name: {key: value for key, value in column.items() if key in {"encoding", "crs"}}
            for name, column in told["columns"].items()
        }
        text = json.dumps({"primary_column": told.get("primary_column"), "columns": columns})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    geo, faults = geo_column(file, replace(head, metadata={b"geo": text.encode()}))
    if geo is not None:
        deeds.add("metadata of the geometry written anew", [geo.name])
    return geo


def _ids(table: pa.Table, schema: TableSchema) -> list[Any]:
    """Return the ids of the rows; [] where they have none that can be read."""
    if not schema.key or schema.key not in table.column_names or not is_text(table[schema.key].type):
        return []
    try:
        return list(table[schema.key].to_pylist())
    except UnicodeDecodeError:
        return []


def _with_geometry(found: _Rows, named: Collection[str] | None, ids: list[Any], deeds: Deeds) -> np.ndarray:
    """Drop rows without geometry that no other table names; return which rows stay, bool (n,)."""
    keep = np.ones(found.table.num_rows, dtype=bool)
    if named is None or not ids:
        return keep
    for row in np.flatnonzero(~found.placed):
        keep[row] = ids[row] in named
    deeds.rows("no geometry, or an empty one", np.flatnonzero(~keep), deed="dropped")
    return keep


def _once(table: pa.Table, keep: np.ndarray, ids: list[Any], deeds: Deeds) -> np.ndarray:
    """Drop rows that repeat an earlier one with the same id in every column; return which rows stay, bool (n,)."""
    import pandas as pd
    import pyarrow as pa

    if not ids:
        return keep
    rows = np.flatnonzero(pd.Series(ids, dtype=object).duplicated(keep=False).to_numpy() & keep)
    try:
        content = [repr(one) for one in table.take(pa.array(rows)).to_pylist()]
    except (UnicodeDecodeError, pa.ArrowException):
        return keep
    twice = rows[pd.Series(content, dtype=object).duplicated().to_numpy(dtype=bool)]
    kept = keep.copy()
    kept[twice] = False
    deeds.rows("the same row before", twice, deed="dropped")
    return kept
