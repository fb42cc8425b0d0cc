"""Frames as Parquet that any pandas reads: geometry as well-known binary, tags as maps, and beside them the kinds of the columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_frame", "write_frame"]

_GEOMETRY = "geometry"
_NO_NAME = "__index__"
"""Column of an index that has no name."""
_KINDS, _INDEX = b"urbanbench.kinds", b"urbanbench.index"


def write_frame(frame: Any, path: Path) -> None:
    """Write a frame; one with geometry is GeoParquet.

    Parameters
    ----------
    frame
        A DataFrame or GeoDataFrame. Its index is written as a column; one that only counts rows is left out.
    path
        The file.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    index = None if isinstance(frame.index, pd.RangeIndex) else frame.index.name or _NO_NAME
    columns = {index: pa.array(frame.index)} if index is not None else {}
    kinds = {index: str(frame.index.dtype)} if index is not None else {}
    for name in frame.columns:
        columns[name] = _column(frame[name])
        kinds[name] = str(frame[name].dtype)
    told = {_KINDS: json.dumps(kinds).encode(), _INDEX: json.dumps(index).encode()}
    if _GEOMETRY in columns:
        told[b"geo"] = json.dumps(_geo(frame)).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns).replace_schema_metadata(told), path)


def _column(column: Any) -> Any:
    import pyarrow as pa
    import shapely

    if column.name == _GEOMETRY:
        return pa.array(shapely.to_wkb(np.asarray(column)), pa.binary())
    return pa.array(column)


def _geo(frame: Any) -> dict[str, Any]:
    told = {"encoding": "WKB", "geometry_types": [], "crs": frame.crs.to_json_dict()}
    return {"version": "1.0.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: told}}


def read_frame(path: Path, crs: str) -> Any:
    """Read what `write_frame` wrote, with the kinds of column that this pandas has."""
    import pandas as pd
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    told = table.schema.metadata
    kinds, index = json.loads(told[_KINDS]), json.loads(told[_INDEX])
    series = {
        name: _series(table[name], kinds[name], name) for name in table.column_names if name != _GEOMETRY
    }
    made = pd.DataFrame(series, copy=False)
    if index is not None:
        made = made.set_index(index).rename_axis(None if index == _NO_NAME else index)
    if _GEOMETRY not in table.column_names:
        return made
    import geopandas as gpd
    import shapely

    shapes = shapely.from_wkb(table[_GEOMETRY].to_numpy(zero_copy_only=False))
    order = [name for name in table.column_names if name != index]
    return gpd.GeoDataFrame(made, geometry=gpd.GeoSeries(shapes, index=made.index, crs=crs))[order]


def _series(column: pa.ChunkedArray, kind: str, name: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_map(column.type):
        return _tags(column, name)
    if kind == "object" and not pa.types.is_nested(column.type):
        return pd.Series(column.to_pylist(), dtype=object, name=name)
    made = column.to_pandas()
    made.name = name
    if str(made.dtype) == kind:
        return made
    try:
        return made.astype(kind)
    except TypeError:  # a kind that this pandas does not have
        return made


def _tags(column: pa.ChunkedArray, name: str) -> Any:
    """Return tags as a view shows them; a pandas that cannot hold maps of Arrow gets lists of pairs."""
    import pandas as pd

    if hasattr(pd, "ArrowDtype"):
        return pd.Series(pd.arrays.ArrowExtensionArray(column), name=name)
    return pd.Series(column.to_pylist(), dtype=object, name=name)
