"""Which region a point lies in."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["region_of_points"]


def region_of_points(points: np.ndarray, regions: Any) -> np.ndarray:
    """Give every point the id of the region that holds it.

    Parameters
    ----------
    points
        Shapely points (n,), in the CRS of the regions.
    regions
        Frame of regions, indexed by region_id.

    Returns
    -------
    numpy.ndarray
        object (n,): region_id, or None outside of all regions. A point on a shared border goes to the first region in order.
    """
    import shapely

    # The regions ask the tree, not the points: shapely prepares the asking geometry, and coasts have thousands of corners.
    region, point = shapely.STRtree(points).query(np.asarray(regions.geometry), predicate="intersects")
    first = np.full(len(points), len(regions), dtype=np.int64)
    np.minimum.at(first, point, region)
    names = np.array([*regions.index, None], dtype=object)
    return np.asarray(names[first])
