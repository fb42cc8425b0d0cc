"""Parquet to frames in the city's projected CRS; every fault of geometry, ids and tags is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.columns import Column, TableSchema
from urbanbench.city.folder.format import Row, row_fault
from urbanbench.city.folder.geo import WGS84, GeoColumn, geo_column
from urbanbench.city.folder.geometry import batches, decoded, projection, read_geometry
from urbanbench.city.folder.kinds import as_text
from urbanbench.city.folder.parquet import FaultyTable, read_head, read_table
from urbanbench.city.folder.tag_forms import is_tag_map, tag_maps
from urbanbench.city.folder.text import is_text, text_faults

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["column_of", "read_column", "read_frame", "read_shapes"]


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

    try:
        head = read_head(folder, file)
        geo, faults = geo_column(file, head) if schema.shapes else (None, [])
        geo = geo or GeoColumn()
        stored_as = {one.name: geo.name if one.kind == "geometry" else one.name for one in schema.columns}
        stored_as = {name: stored for name, stored in stored_as.items() if stored in head.names}
        table = read_table(folder, file, list(stored_as.values()))
        faults += text_faults(file, table, schema.key)
        if faults:
            return None, faults
        ids = _ids(file, table, schema)
        faults = _id_faults(file, schema, ids)
        columns: dict[str, Any] = {}
        for column in schema.columns:
            if column.name in stored_as and column.name != schema.key:
                place = _Place(file, column, ids, schema, crs, geo)
                columns[column.name], found = _column(place, table[stored_as[column.name]])
                faults += found
    except FaultyTable as error:
        return None, [str(error)]
    index = pd.Index(ids, name=schema.key) if schema.key else None
    return _frame({name: column_of(value, index) for name, value in columns.items()}, crs), faults


@dataclass(frozen=True)
class _Place:
    """Where a column stands: file, its description, ids of the rows, table, the city's CRS, what the file says of its geometry."""

    file: str
    column: Column
    ids: np.ndarray
    schema: TableSchema
    crs: str
    geo: GeoColumn


def _column(place: _Place, stored: pa.ChunkedArray) -> tuple[Any, list[str]]:
    kind = place.column.kind
    if kind == "tags":
        return _tags(place.file, stored, place.ids)
    if kind == "geometry":
        return read_geometry(place.file, stored, place.ids, place.schema.shapes, place.crs, place.geo)
    return _plain(place.file, place.column.name, stored, kind), []


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
    if table.column_names.count(name) != 1:
        times = table.column_names.count(name)
        return None, [
            f"{file}: column {name!r}: expected it once, found {times} columns of that name. Name one so."
        ]
    faults = text_faults(file, table, name)
    return (None, faults) if faults else (_plain(file, name, table[name], "text"), [])


def read_shapes(folder: Path, file: str) -> np.ndarray:
    """Read the geometry of a sound table in longitude and latitude, shapely (n,), in file order.

    Raises
    ------
    FaultyTable
        The table has no geometry that can be read.
    """
    import shapely

    geo, faults = geo_column(file, read_head(folder, file))
    if geo is None:
        raise FaultyTable(*faults or [f"{file}: expected a column 'geometry', found none."])
    column = read_table(folder, file, [geo.name])[geo.name]
    parts = [np.empty(0, dtype=object), *(decoded(stored, geo.encoding)[0] for stored in batches(column))]
    whole = np.concatenate(parts)
    return np.asarray(whole if geo.crs == WGS84 else shapely.transform(whole, projection(geo.crs, WGS84)))


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
        return _texts(as_text(column))
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
        maps, null, broken = tag_maps(column)
    except pa.ArrowException as error:
        msg = f"{file}: column 'tags': expected a map of text to text, found {column.type} that cannot be brought to it. Store it as pa.map_(pa.string(), pa.string())."
        raise FaultyTable(msg) from error
    faults = [] if is_tag_map(column.type) else _text_faults_of(file, maps, ids)
    if broken.any():
        expected, found = "pairs of texts", "others" if not is_text(column.type) else "other text"
        mend = 'Write an object of texts such as {"amenity": "cafe"}, or a map.'
        faults.append(
            row_fault(file, "tags", ids[broken].tolist(), expected=expected, found=found, mend=mend)
        )
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


def _text_faults_of(file: str, maps: pa.MapArray, ids: np.ndarray) -> list[str]:
    """Judge the text of tags that came in another form."""
    import pyarrow as pa

    return text_faults(file, pa.table({"id": pa.array(ids, pa.large_string()), "tags": maps}), "id")
