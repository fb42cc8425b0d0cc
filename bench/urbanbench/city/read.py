"""Parquet to frames in the city's projected CRS; every fault of geometry, ids and tags is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.format import TableSchema, row_fault

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["read_column", "read_frame"]


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
        return None, [
            f"{file}: expected readable Parquet data, found a fault ({(str(error).splitlines() or [''])[0][:160]})."
        ]
    ids = _ids(table, schema)
    faults = _id_faults(file, schema, ids)
    columns: dict[str, Any] = {}
    for column in schema.columns:
        if column.name == schema.key or column.name not in names:
            continue
        if column.kind == "tags":
            columns[column.name], found = _tags(file, table[column.name], ids)
        elif column.kind == "geometry":
            columns[column.name], found = _geometry(file, table[column.name], ids, schema.shapes, crs)
        else:
            columns[column.name], found = _plain(table[column.name], column.kind), []
        faults += found
    index = pd.Index(ids, name=schema.key or None) if schema.key else None
    frame = pd.DataFrame({name: _series(value, index) for name, value in columns.items()}, copy=False)
    if not schema.shapes:
        return frame, faults
    import geopandas as gpd

    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs), faults


def read_column(folder: Path, file: str, name: str) -> np.ndarray:
    """Read one text column, object (n,), without anything else of the table.

    Raises
    ------
    OSError, ValueError, pyarrow.ArrowException
        The file cannot be read.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(folder / file) as parquet:
        return _plain(parquet.read(columns=[name])[name], "text")


def _series(value: Any, index: pd.Index | None) -> pd.Series:
    """Keep text as objects: pandas would turn None into NaN in its own text dtype."""
    import pandas as pd

    text = isinstance(value, np.ndarray) and value.dtype.kind == "O"
    return pd.Series(value, index=index, dtype="object" if text else None)


def _plain(column: pa.ChunkedArray, kind: str) -> np.ndarray:
    """Numbers as float64 with NaN for null; text as object with None for null."""
    import pyarrow as pa

    if kind in {"number", "integer"}:
        dtype = np.float32 if column.type == pa.float32() else np.float64
        return np.asarray(
            column.cast(pa.float64() if dtype is np.float64 else pa.float32()).to_numpy(), dtype=dtype
        )
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
        faults.append(
            row_fault(
                file,
                "tags",
                ids[null].tolist(),
                expected="a map, empty where there are no tags",
                found="null",
            )
        )
    offsets = maps.offsets.to_numpy()
    bare = pc.is_null(maps.items).to_numpy(zero_copy_only=False)
    if bare.any():
        rows = np.unique(np.searchsorted(offsets, np.flatnonzero(bare), side="right") - 1)
        faults.append(
            row_fault(file, "tags", ids[rows].tolist(), expected="text for every key", found="null values")
        )
    return pd.arrays.ArrowExtensionArray(maps), faults


def _geometry(
    file: str, column: pa.ChunkedArray, ids: np.ndarray, shapes: Sequence[str], crs: str
) -> tuple[Any, list[str]]:
    """Decode, judge and project chunk by chunk, so that a million buildings never lie in memory twice."""
    import geopandas as gpd
    from pyproj import Transformer

    project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    found: dict[tuple[str, str], list[object]] = {}
    parts = []
    start = 0
    for chunk in column.iterchunks():
        stored = getattr(chunk, "storage", chunk)
        for begin in range(0, len(stored), _BATCH):
            part = stored.slice(begin, _BATCH).to_numpy(zero_copy_only=False)
            parts.append(_batch(part, ids[start : start + len(part)], shapes, project, found))
            start += len(part)
    faults = [
        row_fault(file, "geometry", rows, expected=expected, found=what)
        for (expected, what), rows in found.items()
    ]
    whole = np.concatenate(parts) if parts else np.empty(0, dtype=object)
    return gpd.array.from_shapely(whole, crs=crs), faults


_BATCH = 100_000


def _batch(
    wkb: np.ndarray,
    ids: np.ndarray,
    shapes: Sequence[str],
    project: Any,
    found: dict[tuple[str, str], list[object]],
) -> np.ndarray:
    import shapely

    shape = " or ".join(shapes)

    def note(bad: np.ndarray, expected: str, what: str) -> None:
        if bad.any():
            found.setdefault((expected, what), []).extend(ids[bad].tolist())

    null = np.array([one is None for one in wkb], dtype=bool)
    note(null, f"a {shape}", "null")
    geometry = _single(shapely.from_wkb(wkb, on_invalid="ignore"), shapes)
    broken = shapely.is_missing(geometry) & ~null
    note(broken, f"a {shape} in WKB", "bytes that cannot be decoded")
    there = ~null & ~broken
    empty = shapely.is_empty(geometry) & there
    note(empty, f"a {shape}", "empty geometry")
    kind = np.array([*_KINDS, ""], dtype=object)[shapely.get_type_id(geometry)]
    other = there & ~empty & ~np.isin(kind.astype(str), shapes)
    for name in np.unique(kind[other].astype(str)):
        note(other & (kind == name), f"a {shape}", str(name))
    sound = there & ~empty & ~other
    invalid = sound & ~shapely.is_valid(geometry)
    if invalid.any():
        reason = shapely.is_valid_reason(geometry[invalid][0]).partition("[")[0].lower().strip()
        note(invalid, "valid geometry", f"invalid geometry ({reason})")
    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        outside = sound & ~((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    note(outside, "longitude in [-180, 180] and latitude in [-90, 90]", "coordinates outside of them")
    good = geometry.copy()
    good[~sound | outside] = None
    placed = shapely.transform(good, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    lost = (sound & ~outside) & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
    note(lost, "coordinates that the city's CRS can hold", "coordinates it cannot project")
    return np.asarray(placed, dtype=object)


_KINDS = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)


def _single(geometry: np.ndarray, shapes: Sequence[str]) -> np.ndarray:
    """Take the one part out of Multi geometries that hold just one, where the table wants single ones."""
    import shapely

    kinds = [
        _KINDS.index(f"Multi{name}")
        for name in shapes
        if f"Multi{name}" not in shapes and not name.startswith("Multi")
    ]
    alone = np.isin(shapely.get_type_id(geometry), kinds) & (shapely.get_num_geometries(geometry) == 1)
    if alone.any():
        geometry[alone] = shapely.get_geometry(geometry[alone], 0)
    return geometry
