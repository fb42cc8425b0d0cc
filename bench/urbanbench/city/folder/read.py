"""Parquet to frames in the city's projected CRS; every fault of geometry, ids and tags is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import Column, TableSchema, row_fault
from urbanbench.city.folder.geometry import read_geometry

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["column_of", "read_column", "read_frame", "unreadable"]


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
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / file) as parquet:
            names = [column.name for column in schema.columns if column.name in parquet.schema_arrow.names]
            table = parquet.read(columns=names)
    except (pa.ArrowException, OSError, ValueError) as error:
        return None, [unreadable(file, error)]
    ids = _ids(table, schema)
    faults = _id_faults(file, schema, ids)
    columns: dict[str, Any] = {}
    for column in schema.columns:
        if column.name in names and column.name != schema.key:
            columns[column.name], found = _column(file, column, table[column.name], ids, schema, crs)
            faults += found
    index = pd.Index(ids, name=schema.key) if schema.key else None
    return _frame({name: column_of(value, index) for name, value in columns.items()}, crs), faults


def _column(
    file: str, column: Column, stored: pa.ChunkedArray, ids: np.ndarray, schema: TableSchema, crs: str
) -> tuple[Any, list[str]]:
    if column.kind == "tags":
        return _tags(file, stored, ids)
    if column.kind == "geometry":
        return read_geometry(file, stored, ids, schema.shapes, crs)
    return _plain(stored, column.kind), []


def _frame(columns: Mapping[str, pd.Series], crs: str) -> Any:
    if "geometry" in columns:
        import geopandas as gpd

        return gpd.GeoDataFrame(columns, geometry="geometry", crs=crs, copy=False)
    import pandas as pd

    return pd.DataFrame(columns, copy=False)


def read_column(folder: Path, file: str, name: str) -> tuple[np.ndarray | None, list[str]]:
    """Read one text column, object (n,), without anything else of the table; None and a fault when that fails."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / file) as parquet:
            return _plain(parquet.read(columns=[name])[name], "text"), []
    except (pa.ArrowException, OSError, ValueError) as error:
        return None, [unreadable(file, error)]


def unreadable(file: str, error: Exception) -> str:
    """Tell that the data pages of a Parquet file cannot be decoded."""
    reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return f"{file}: expected readable Parquet data, found a fault ({reason})."


def column_of(value: Any, index: pd.Index | None) -> pd.Series:
    """Make a column that cannot be written into, not even through `column.array[0] = ...`; text stays objects, with None for null."""
    import pandas as pd

    if not isinstance(value, np.ndarray):
        return pd.Series(value, index=index)
    value.flags.writeable = False
    return pd.Series(value, index=index, dtype="object" if value.dtype.kind == "O" else None, copy=False)


def _plain(column: pa.ChunkedArray, kind: str) -> np.ndarray:
    """Give numbers as floats with NaN for null; text as object with None for null."""
    import pyarrow as pa

    if kind in {"number", "integer"}:
        wanted = pa.float32() if column.type == pa.float32() else pa.float64()
        return np.asarray(column.cast(wanted, safe=False).to_numpy())
    return np.array(column.cast(pa.large_string()).to_numpy(zero_copy_only=False), dtype=object)


def _ids(table: pa.Table, schema: TableSchema) -> np.ndarray:
    """Return what names a row in a fault: its id, or its number."""
    if schema.key:
        return _plain(table[schema.key], "text")
    return np.arange(table.num_rows)


def _id_faults(file: str, schema: TableSchema, ids: np.ndarray) -> list[str]:
    import pandas as pd

    if not schema.key:
        return []
    faults = []
    absent = np.array([one is None or not one for one in ids.tolist()], dtype=bool)
    if absent.any():
        rows = [f"row {row}" for row in np.flatnonzero(absent)]
        faults.append(row_fault(file, schema.key, rows, expected="an id", found="null or empty text"))
    twice = pd.Series(ids).duplicated().to_numpy() & ~absent
    if twice.any():
        names = list(dict.fromkeys(ids[twice].tolist()))
        faults.append(row_fault(file, schema.key, names, expected="every id once", found="duplicate ids"))
    return faults


def _tags(file: str, column: pa.ChunkedArray, ids: np.ndarray) -> tuple[Any, list[str]]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = column.cast(pa.map_(pa.string(), pa.string()))
    maps = plain.combine_chunks() if plain.num_chunks != 1 else plain.chunk(0)
    faults = []
    null = pc.is_null(maps).to_numpy(zero_copy_only=False)
    if null.any():
        rows = ids[null].tolist()
        faults.append(
            row_fault(file, "tags", rows, expected="a map, empty where there are no tags", found="null")
        )
    offsets = maps.offsets.to_numpy()
    bare = pc.is_null(maps.items).to_numpy(zero_copy_only=False)
    if bare.any():
        places = np.unique(np.searchsorted(offsets, np.flatnonzero(bare), side="right") - 1)
        rows = ids[places].tolist()
        faults.append(row_fault(file, "tags", rows, expected="text for every key", found="null values"))
    return pd.arrays.ArrowExtensionArray(maps), faults
