"""Which regions lie side by side: the edges of the global graph (Section IV-B4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.errors import BadInput
from urbanbench.models._urbanmfm.stars import StarTable

if TYPE_CHECKING:
    import geopandas as gpd


def adjacent_regions(regions: gpd.GeoDataFrame, *, gap_m: float = 100.0, cap: int = 16) -> StarTable:
    """Return for every region its neighbours: those it touches or that lie no farther off than a road is wide.

    Parameters
    ----------
    regions
        n regions in a projected CRS.
    gap_m
        Largest distance between the borders of neighbours, metres.
    cap
        Most neighbours of a region; of more, those with the nearest centres stay.

    Returns
    -------
    StarTable
        Neighbours by rising distance between centroids, which is the distance it holds.

    Raises
    ------
    BadInput
        `cap` below 1 or `gap_m` below 0.
    """
    if cap < 1 or gap_m < 0:
        msg = f"Adjacent regions were asked for with gap_m={gap_m} and cap={cap}. Expected gap_m of at least 0 and cap of at least 1."
        raise BadInput(msg)
    shapes = np.asarray(regions.geometry)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
    one, other = one[one != other], other[one != other]
    centre = shapely.centroid(shapes)
    distance = shapely.distance(centre[one], centre[other])
    order = np.lexsort((other, distance, one))
    one, other, distance = one[order], other[order], distance[order]
    count = np.bincount(one, minlength=len(shapes))
    rank = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    kept = rank < cap
    width = max(1, min(cap, int(count.max(initial=0))))
    neighbour = np.full((len(shapes), width), -1, dtype=np.int64)
    distance_m = np.full((len(shapes), width), np.inf, dtype=np.float32)
    neighbour[one[kept], rank[kept]] = other[kept]
    distance_m[one[kept], rank[kept]] = distance[kept]
    return StarTable(neighbour, distance_m)
