"""Parquet to frames in the city's projected CRS; every fault of geometry, ids and tags is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import Column, Row, TableSchema, row_fault
from urbanbench.city.folder.geometry import read_geometry
from urbanbench.city.folder.parquet import FaultyTable, read_head, read_table
from urbanbench.city.folder.text import text_faults

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["column_of", "read_column", "read_frame"]


def read_frame(folder: Path, file: str, schema: TableSchema, crs: str) -> tuple[Any, list[str]]:
    """Read one table.

    Parameters
    ----------
    folder, file
        The city folder and the table's path in it.
    schema
        Its columns; others in the file are not read.
    crs
        Projected CRS to which geometry in longitude and latitude is brought.

    Returns
    -------
    frame
        GeoDataFrame (with geometry) or DataFrame, indexed by the key column where there is one; None when unreadable.
    faults
        One sentence per fault of ids, tags and geometry.
    """
    import pandas as pd

    wanted = [column.name for column in schema.columns]
    try:
        names = [name for name in wanted if name in read_head(folder, file).names]
        table = read_table(folder, file, names)
        faults = text_faults(file, table, schema.key)
        if faults:
            return None, faults
        ids = _ids(file, table, schema)
        faults = _id_faults(file, schema, ids)
        columns: dict[str, Any] = {}
        for column in schema.columns:
            if column.name in names and column.name != schema.key:
                columns[column.name], found = _column(file, column, table[column.name], ids, schema, crs)
                faults += found
    except FaultyTable as error:
        return None, [str(error)]
    index = pd.Index(ids, name=schema.key) if schema.key else None
    return _frame({name: column_of(value, index) for name, value in columns.items()}, crs), faults


def _column(
    file: str, column: Column, stored: pa.ChunkedArray, ids: np.ndarray, schema: TableSchema, crs: str
) -> tuple[Any, list[str]]:
    if column.kind == "tags":
        return _tags(file, stored, ids)
    if column.kind == "geometry":
        return read_geometry(file, stored, ids, schema.shapes, crs)
    return _plain(file, column.name, stored, column.kind), []


def _frame(columns: Mapping[str, pd.Series], crs: str) -> Any:
    if "geometry" in columns:
        import geopandas as gpd

        return gpd.GeoDataFrame(columns, geometry="geometry", crs=crs, copy=False)
    import pandas as pd

    return pd.DataFrame(columns, copy=False)


def read_column(folder: Path, file: str, name: str) -> tuple[np.ndarray | None, list[str]]:
    """Read one text column, object (n,), without anything else of the table; None and faults when that fails."""
    try:
        table = read_table(folder, file, [name])
    except FaultyTable as error:
        return None, [str(error)]
    faults = text_faults(file, table, name)
    return (None, faults) if faults else (_plain(file, name, table[name], "text"), [])


def column_of(value: Any, index: pd.Index | None) -> pd.Series:
    """Make a column that cannot be written into, not even through `column.array[0] = ...`; text stays objects, with None for null."""
    import pandas as pd

    if not isinstance(value, np.ndarray):
        return pd.Series(value, index=index)
    value.flags.writeable = False
    return pd.Series(value, index=index, dtype="object" if value.dtype.kind == "O" else None, copy=False)


def _plain(file: str, name: str, column: pa.ChunkedArray, kind: str) -> np.ndarray:
    """Give numbers as floats with NaN for null; text as object with None for null, equal texts as one object."""
    import pyarrow as pa

    try:
        if kind in {"number", "integer"}:
            wanted = pa.float32() if column.type == pa.float32() else pa.float64()
            return np.asarray(column.cast(wanted, safe=False).to_numpy())
        return _texts(column.cast(pa.large_string()))
    except pa.ArrowException as error:
        msg = f"{file}: column {name!r}: expected {kind}, found {column.type} that cannot be brought to it. Store the column as {kind}."
        raise FaultyTable(msg) from error


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    coded = column.dictionary_encode().combine_chunks()
    words = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    return np.asarray(words[coded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)])


def _ids(file: str, table: pa.Table, schema: TableSchema) -> np.ndarray:
    """Return what names a row in a fault: its id, or its number."""
    if schema.key:
        return _plain(file, schema.key, table[schema.key], "text")
    return np.arange(table.num_rows)


def _id_faults(file: str, schema: TableSchema, ids: np.ndarray) -> list[str]:
    import pandas as pd

    if not schema.key:
        return []
    faults = []
    absent = np.array([one is None or not one for one in ids.tolist()], dtype=bool)
    if absent.any():
        rows = [Row(f"row {row}") for row in np.flatnonzero(absent)]
        mend = "Give every row an id of its own."
        faults.append(
            row_fault(file, schema.key, rows, expected="an id", found="null or empty text", mend=mend)
        )
    twice = pd.Series(ids).duplicated().to_numpy() & ~absent
    if twice.any():
        names = list(dict.fromkeys(ids[twice].tolist()))
        mend = f"Keep one row of each with frame.drop_duplicates({schema.key!r}), or number the ids anew."
        faults.append(
            row_fault(file, schema.key, names, expected="every id once", found="duplicate ids", mend=mend)
        )
    return faults


def _tags(file: str, column: pa.ChunkedArray, ids: np.ndarray) -> tuple[Any, list[str]]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        plain = column.cast(pa.map_(pa.string(), pa.string()))
        maps = plain.combine_chunks() if plain.num_chunks != 1 else plain.chunk(0)
    except pa.ArrowException as error:
        msg = f"{file}: column 'tags': expected a map of text to text, found {column.type} that cannot be brought to it. Store it as pa.map_(pa.string(), pa.string())."
        raise FaultyTable(msg) from error
    faults = []
    null = pc.is_null(maps).to_numpy(zero_copy_only=False)
    if null.any():
        rows = ids[null].tolist()
        expected, mend = "a map, empty where there are no tags", "Write [] for an object without tags."
        faults.append(row_fault(file, "tags", rows, expected=expected, found="null", mend=mend))
    offsets = maps.offsets.to_numpy()
    bare = pc.or_(pc.is_null(maps.keys), pc.is_null(maps.items)).to_numpy(zero_copy_only=False)
    if bare.any():
        places = np.unique(np.searchsorted(offsets, np.flatnonzero(bare), side="right") - 1)
        rows = ids[places].tolist()
        expected, mend = "text for every key", "Leave keys without a value out."
        faults.append(
            row_fault(file, "tags", rows, expected=expected, found="null keys or values", mend=mend)
        )
    return pd.arrays.ArrowExtensionArray(maps), faults
