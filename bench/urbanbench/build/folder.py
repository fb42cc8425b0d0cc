"""Writing a city folder: GeoParquet tables and city.json, the same bytes for the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import FORMAT, TABLES

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa

__all__ = ["Manifest", "write_geo", "write_layer", "write_regions", "write_rows"]

_AT_ONCE = 100_000
"""Shapes decoded at a time."""


def write_layer(folder: Path, name: str, table: pa.Table) -> None:
    """Write a layer as GeoParquet.

    Parameters
    ----------
    folder, name
        The city folder and the layer.
    table
        `id`, `wkb` (longitude and latitude) and further columns; the first gets the layer's own name for ids.
    """
    renamed = {"id": TABLES[name].key, "wkb": "geometry"}
    plain = table.rename_columns([renamed.get(one, one) for one in table.column_names])
    kinds, bounds = _glance(table["wkb"])
    write_geo(folder / f"{name}.parquet", plain, geometry_types=kinds, bbox=bounds)


def write_geo(path: Path, table: pa.Table, **told: Any) -> None:
    """Write a table with WKB in longitude and latitude in its column `geometry` as GeoParquet.

    Parameters
    ----------
    path, table
        The file, and its rows; metadata of the schema are replaced.
    **told
        Further fields of the metadata: `geometry_types`, `bbox`.
    """
    import pyarrow.parquet as pq

    about = {"encoding": "WKB", "geometry_types": [], "crs": _wgs84(), **told}
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": about}}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path, compression="zstd")


def _glance(column: pa.ChunkedArray) -> tuple[list[str], list[float]]:
    """Return the kinds of shapes and the box around all of them, a part of the column at a time."""
    import shapely

    kinds: set[str] = set()
    boxes = []
    for chunk in column.iterchunks():
        for start in range(0, len(chunk), _AT_ONCE):
            shapes = shapely.from_wkb(chunk.slice(start, _AT_ONCE).to_numpy(zero_copy_only=False))
            rows = np.unique(shapely.get_type_id(shapes), return_index=True)[1]
            kinds |= {shape.geom_type for shape in shapes[rows]}
            boxes.append(shapely.total_bounds(shapes))
    west, south, east, north = np.array(boxes).T
    return sorted(kinds), [float(edge) for edge in (west.min(), south.min(), east.max(), north.max())]


def _wgs84() -> dict[str, Any]:
    from pyproj import CRS

    return dict(CRS("EPSG:4326").to_json_dict())


def write_regions(folder: Path, regions: gpd.GeoDataFrame) -> None:
    """Write the regions: index region_id, name, geometry in longitude and latitude."""
    import pyarrow as pa
    import shapely

    columns = {
        "id": pa.array(regions.index.tolist(), pa.string()),
        "name": pa.array(regions["name"].tolist(), pa.string()),
        "wkb": pa.array(shapely.to_wkb(regions.geometry.to_numpy()).tolist(), pa.binary()),
    }
    write_layer(folder, "regions", pa.table(columns))


def write_rows(folder: Path, file: str, frame: pd.DataFrame) -> None:
    """Write a table without geometry, such as a label."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False, compression="zstd")


class Manifest:
    """city.json while it grows.

    Parameters
    ----------
    name, title, crs
        As in the format.
    """

    def __init__(self, name: str, title: str, crs: str) -> None:
        self._raw: dict[str, Any] = {"format": FORMAT, "name": name, "title": title or name, "crs": crs}
        self._layers: dict[str, Any] = {}
        self._labels: dict[str, Any] = {}

    def regions(self, count: int, told: Mapping[str, str]) -> None:
        """Name the regions."""
        self._raw["regions"] = {"file": "regions.parquet", "count": count, **_filled(told)}

    def layer(self, name: str, count: int, told: Mapping[str, str], **more: Any) -> None:
        """Name a layer."""
        self._layers[name] = {"file": f"{name}.parquet", "count": count, **more, **_filled(told)}

    def raster(self, name: str, entry: Mapping[str, Any], told: Mapping[str, str]) -> None:
        """Name a layer of rasters."""
        self._layers[name] = {**entry, **_filled(told)}

    def label(self, name: str, entry: Mapping[str, Any]) -> None:
        """Name a label."""
        self._labels[name] = {"file": f"labels/{name}.parquet", **entry}

    def write(self, folder: Path) -> None:
        """Write city.json."""
        raw = {**self._raw, "layers": self._layers, "labels": self._labels}
        text = json.dumps(raw, indent=1, ensure_ascii=False) + "\n"
        (folder / "city.json").write_text(text, encoding="utf-8")


def _filled(told: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in told.items() if text}
