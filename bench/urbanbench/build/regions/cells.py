"""Regions as cells of one size: squares of a grid, or H3 hexagons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.shapes import ground_km2
from urbanbench.errors import BadInput, ExtraMissing

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["grid_regions", "h3_regions"]

_MOST_CELLS = 1_000_000
_FINEST_H3 = 15


def grid_regions(area: Any, side_m: float, crs: str) -> gpd.GeoDataFrame:
    """Cut an area into squares of a grid whose lines lie at multiples of the side in the city's CRS.

    Parameters
    ----------
    area
        Polygon in longitude and latitude; squares whose centre lies in it are kept, whole.
    side_m
        Side in metres.
    crs
        The city's CRS.

    Returns
    -------
    GeoDataFrame
        Index region_id, ``g<row>_<column>`` counted from the south-west; name, geometry in longitude and latitude.

    Raises
    ------
    BadInput
        A side outside of 10 m to 100 km, more than a million squares, or none.
    """
    import geopandas as gpd
    import shapely

    if not 10 <= side_m <= 100_000:
        msg = f"--regions grid:{side_m:g} has squares of {side_m:g} m. Expected 10 to 100000, for example grid:500."
        raise BadInput(msg)
    placed = gpd.GeoSeries([area], crs=4326).to_crs(crs).iloc[0]
    west, south, east, north = (float(edge) for edge in placed.bounds)
    columns = np.arange(np.floor(west / side_m), np.ceil(east / side_m))
    rows = np.arange(np.floor(south / side_m), np.ceil(north / side_m))
    _check_count(len(columns) * len(rows), f"grid:{side_m:g}")
    row, column = (
        one.ravel() for one in np.meshgrid(np.arange(len(rows)), np.arange(len(columns)), indexing="ij")
    )
    x, y = columns[column] * side_m, rows[row] * side_m
    inside = shapely.contains_xy(placed, x + side_m / 2, y + side_m / 2)
    width = max(4, len(str(max(len(rows), len(columns)))))
    names = [f"g{r:0{width}d}_{c:0{width}d}" for r, c in zip(row[inside], column[inside], strict=True)]
    squares = shapely.box(x[inside], y[inside], x[inside] + side_m, y[inside] + side_m)
    return _frame(names, gpd.GeoSeries(squares, crs=crs).to_crs(4326), f"grid:{side_m:g}")


def h3_regions(area: Any, resolution: int) -> gpd.GeoDataFrame:
    """Cover an area with H3 hexagons; those whose centre lies in it are kept, whole.

    Parameters
    ----------
    area
        Polygon or MultiPolygon in longitude and latitude.
    resolution
        0 to 15; 9 has hexagons of about 0.1 km2, 8 of 0.7 km2.

    Returns
    -------
    GeoDataFrame
        Index region_id, the cell's number in hexadecimal as H3 writes it; name, geometry in longitude and latitude.

    Raises
    ------
    ExtraMissing
        The package h3 is not installed.
    BadInput
        No such resolution, more than a million hexagons, or none.
    """
    import geopandas as gpd
    import shapely

    try:
        import h3
    except ImportError as error:
        msg = "H3 hexagons need the package h3, which is not installed. Mend: pip install 'urbanbench[h3]'"
        raise ExtraMissing(msg) from error
    if not 0 <= resolution <= _FINEST_H3:
        msg = f"--regions h3:{resolution} has no such resolution. Expected 0 to 15, for example h3:9."
        raise BadInput(msg)
    area_km2 = ground_km2(np.array([area], dtype=object))[0]
    _check_count(int(area_km2 / h3.average_hexagon_area(resolution, unit="km^2")), f"h3:{resolution}")
    cells = sorted(h3.geo_to_cells(area, resolution))
    shapes = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in cells]
    return _frame(cells, gpd.GeoSeries(shapes, crs=4326), f"h3:{resolution}")


def _check_count(count: int, word: str) -> None:
    if count > _MOST_CELLS:
        msg = f"--regions {word} makes {count:,} cells. Expected at most {_MOST_CELLS:,}. Mend: choose larger cells or a smaller --within."
        raise BadInput(msg)


def _frame(names: list[str], shapes: Any, word: str) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    if not names:
        msg = f"--regions {word} has no cell whose centre lies in the area. Expected one at least. Mend: choose smaller cells or a larger --within."
        raise BadInput(msg)
    index = pd.Index(names, name="region_id")
    return gpd.GeoDataFrame({"name": names}, geometry=np.asarray(shapes), index=index, crs=4326).sort_index()
