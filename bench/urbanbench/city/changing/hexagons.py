"""Regions as flat-top hexagons in the city's CRS, cut to the ground that the city's regions cover."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.changing.merge_plan import shared_borders
from urbanbench.city.changing.overlay import polygons_only
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["edge_of", "hexagon_regions", "hexagons_over"]

SLIVER = 0.2
"""A piece of a hexagon below this share of a whole one joins the neighbour with the longest shared border, or the nearest where it has none."""
_MOST = 1_000_000
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(m|km|m2|km2|ha)")
_IN_M = {"m": 1.0, "km": 1e3}
_IN_M2 = {"m2": 1.0, "km2": 1e6, "ha": 1e4}


def edge_of(word: str) -> float:
    """Read the size of hexagons, as the length of an edge or as an area, and return the edge in metres.

    A hexagon with edge a has the area 3/2 · √3 · a².

    Raises
    ------
    BadInput
        No size, or an edge outside of 10 m to 100 km.

    Examples
    --------
    >>> edge_of("500m"), edge_of("0.5km"), round(edge_of("1km2"))
    (500.0, 500.0, 620)
    """
    found = _SIZE.fullmatch(word.strip().lower())
    if found is None:
        msg = f"--hexagons got {word!r}. Expected the length of an edge or an area, for example 500m, 1.2km, 1km2 or 25ha."
        raise BadInput(msg)
    number, unit = float(found[1]), found[2]
    edge = number * _IN_M[unit] if unit in _IN_M else math.sqrt(number * _IN_M2[unit] / (1.5 * math.sqrt(3)))
    if not 10 <= edge <= 100_000:
        msg = f"--hexagons {word} has edges of {edge:g} m. Expected 10 m to 100 km."
        raise BadInput(msg)
    return edge


def hexagons_over(bounds: tuple[float, float, float, float], edge_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return flat-top hexagons that cover a box, and where they stand in their lattice.

    Column q and row r have the centre (1.5 a q, √3 a (r + q/2 mod 1)); the lattice hangs on the CRS and not on the city.

    Parameters
    ----------
    bounds
        (west, south, east, north) in metres.
    edge_m
        Edge a.

    Returns
    -------
    shapes, places
        Polygons, object (k,), and int64 (k, 2): column and row.

    Raises
    ------
    BadInput
        More than a million.
    """
    import shapely

    west, south, east, north = bounds
    wide, high = 1.5 * edge_m, math.sqrt(3) * edge_m
    columns = np.arange(math.floor((west - edge_m) / wide), math.ceil((east + edge_m) / wide) + 1)
    rows = np.arange(math.floor(south / high) - 1, math.ceil(north / high) + 2)
    if len(columns) * len(rows) > _MOST:
        msg = f"Hexagons with edges of {edge_m:g} m make {len(columns) * len(rows):,} cells. Expected at most {_MOST:,}. Mend: choose larger ones."
        raise BadInput(msg)
    q, r = (one.ravel() for one in np.meshgrid(columns, rows, indexing="ij"))
    centre = np.column_stack([q * wide, (r + (q % 2) / 2) * high])
    turn = np.arange(6) * (math.pi / 3)
    corners = edge_m * np.column_stack([np.cos(turn), np.sin(turn)])
    return shapely.polygons(centre[:, None, :] + corners), np.column_stack([q, r])


def hexagon_regions(regions: Any, edge_m: float) -> pd.Series:
    """Cut the ground of regions into hexagons.

    All of the ground is kept, so totals are: hexagons are cut at its edge, and small pieces join the neighbour with the longest shared border, or the nearest one.

    Parameters
    ----------
    regions
        Frame of regions in a projected CRS, as `City.regions`.
    edge_m
        Edge in metres.

    Returns
    -------
    Series
        Polygons by region_id, ``h<column>_<row>`` of the lattice, counted from its least ones, sorted.
    """
    import pandas as pd
    import shapely

    ground = shapely.union_all(np.asarray(regions.geometry))
    shapes, places = hexagons_over(ground.bounds, edge_m)
    meets = shapely.STRtree(shapes).query(ground, predicate="intersects")
    cut = shapely.intersection(shapes[np.sort(meets)], ground)
    places = places[np.sort(meets)]
    kept = shapely.area(cut) > 0
    cut, places = polygons_only(cut[kept]), places[kept]
    names = _names(places)
    owner = _owners(cut, SLIVER * 1.5 * math.sqrt(3) * edge_m**2)
    made = {names[lead]: shapely.union_all(cut[owner == lead]) for lead in sorted(set(owner.tolist()))}
    return pd.Series(made).rename_axis("region_id").sort_index()


def _owners(shapes: np.ndarray, least_m2: float) -> np.ndarray:
    """Return for each piece the row of the one it belongs to: itself, or for a small one the neighbour with the longest border, or the nearest."""
    import shapely

    area, owner = shapely.area(shapes), np.arange(len(shapes))
    small, large = np.flatnonzero(area < least_m2), np.flatnonzero(area >= least_m2)
    if not len(small) or not len(large):
        return owner
    borders = shared_borders(shapes)
    nearest = large[shapely.STRtree(shapes[large]).nearest(shapes[small])]
    for row, other in zip(small.tolist(), nearest.tolist(), strict=True):
        beside = [one for one in borders[row] if area[one] >= least_m2]
        owner[row] = beside[0] if beside else other
    return owner


def _names(places: np.ndarray) -> list[str]:
    column, row = (places - places.min(axis=0)).T
    width = max(3, len(str(max(column.max(), row.max()))))
    return [f"h{q:0{width}d}_{r:0{width}d}" for q, r in zip(column.tolist(), row.tolist(), strict=True)]
