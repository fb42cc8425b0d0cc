"""Writing a city folder, format 1: Parquet tables with fixed settings, so the same content is the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from urbanbench.datasets._toyville_plan import Flags, Floats

CITY_CRS = "EPSG:32631"
TagColumn = tuple[str | NDArray[np.object_], NDArray[np.object_]]
"""Key, or a key for each row, and the value for each row (None where the row has no such tag)."""
_KINDS = {0: "Point", 1: "LineString", 3: "Polygon", 6: "MultiPolygon"}
"""Type numbers of shapely."""


@cache
def _to_degrees() -> Transformer:
    return Transformer.from_crs(CITY_CRS, "EPSG:4326", always_xy=True)


def to_lonlat(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Turn geometries in metres into longitude, latitude, rounded to 1e-7 degrees (about 1 cm)."""

    def project(xy: Floats) -> Floats:
        return np.stack(_to_degrees().transform(xy[:, 0], xy[:, 1]), axis=1).round(7)

    return np.asarray(shapely.transform(geometry, project))


def tag_array(columns: Sequence[TagColumn]) -> pa.MapArray:
    """Make an Arrow map<string, string> of tag columns, leaving out the None values."""
    values = np.stack([column for _, column in columns], axis=1)
    keys = np.empty(values.shape, dtype=object)
    for place, (key, _) in enumerate(columns):
        keys[:, place] = key
    there = np.array([value is not None for value in values.ravel()]).reshape(values.shape)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(
        pa.array(offsets), pa.array(keys[there], pa.string()), pa.array(values[there], pa.string())
    )


def only_where(there: Flags, values: NDArray[np.object_] | str) -> NDArray[np.object_]:
    """Return tag values, or one value for all, with None where a row has no such tag."""
    kept = np.full(len(there), values, dtype=object) if isinstance(values, str) else values.copy()
    kept[~there] = None
    return kept


def ids(letter: str, count: int) -> pa.Array:
    """Make sorted ids of one width for numbered rows, for example b000017."""
    width = max(6, len(str(count)))
    return pa.array([f"{letter}{row:0{width}d}" for row in range(count)], pa.string())


def write_geo(path: Path, columns: dict[str, pa.Array], metres: NDArray[np.object_]) -> None:
    """Write columns and a WKB geometry column as GeoParquet 1.0 in EPSG:4326."""
    shapes = to_lonlat(metres)
    kinds = sorted({_KINDS[number] for number in np.unique(shapely.get_type_id(shapes)).tolist()})
    about: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": kinds,
        "crs": CRS("EPSG:4326").to_json_dict(),
    }
    if len(shapes):
        about["bbox"] = [float(edge) for edge in shapely.total_bounds(shapes)]
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": about}}
    table = pa.table({**columns, "geometry": pa.array(shapely.to_wkb(shapes), pa.binary())})
    write_table(path, table.replace_schema_metadata({"geo": json.dumps(geo)}))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, zstd-compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", compression_level=3)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write indented JSON with a newline at the end."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
