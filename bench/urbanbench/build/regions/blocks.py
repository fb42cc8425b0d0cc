"""Regions as blocks: the ground between roads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["BLOCK_ROADS", "block_regions"]

BLOCK_ROADS = frozenset(
    {
        *("motorway", "trunk", "primary", "secondary", "tertiary"),
        *(f"{name}_link" for name in ("motorway", "trunk", "primary", "secondary", "tertiary")),
        *("residential", "unclassified", "living_street", "road"),
    }
)
"""Values of `highway` that bound a block: what cars go through on, without service roads, tracks and paths."""


def block_regions(area: Any, roads: pa.Table, crs: str, report: Report) -> gpd.GeoDataFrame:
    """Cut an area along its roads.

    Parameters
    ----------
    area
        Polygon in longitude and latitude; its border bounds blocks too.
    roads
        `tags` and `wkb` (longitude and latitude); see `BLOCK_ROADS`. Tunnels bound nothing.
    crs
        The city's CRS.
    report
        Told how many roads were used.

    Returns
    -------
    GeoDataFrame
        Index region_id, ``b<number>`` from north to south and west to east; name, geometry in longitude and latitude.

    Raises
    ------
    BadInput
        The roads enclose nothing.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    used = [_bounds(dict(tags)) for tags in roads["tags"].to_pylist()]
    lines = shapely.from_wkb(roads["wkb"].filter(used).to_numpy())
    report.add("regions", "read", "pieces of roads that bound blocks", count=len(lines))
    placed = gpd.GeoSeries([area, *lines], crs=4326).to_crs(crs)
    ground = placed.iloc[0]
    mesh = shapely.union_all([ground.boundary, *placed.iloc[1:]], grid_size=0.01)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(mesh)))
    faces = faces[shapely.contains(ground.buffer(1.0), faces)]
    if not len(faces):
        msg = "--regions blocks finds no ground that roads enclose. Expected roads in the area. Mend: choose a larger --within."
        raise BadInput(msg)
    middle = shapely.point_on_surface(faces)
    order = np.lexsort([shapely.get_x(middle).round(2), -shapely.get_y(middle).round(2)])
    width = max(6, len(str(len(faces))))
    names = [f"b{row:0{width}d}" for row in range(len(faces))]
    shapes = gpd.GeoSeries(faces[order], crs=crs).to_crs(4326)
    index = pd.Index(names, name="region_id")
    return gpd.GeoDataFrame({"name": names}, geometry=np.asarray(shapes), index=index, crs=4326)


def _bounds(tags: dict[str, str]) -> bool:
    return tags.get("highway") in BLOCK_ROADS and tags.get("tunnel", "no") == "no"
