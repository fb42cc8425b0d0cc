"""Who is near whom: points near points, points near lines, points in polygons, polygons side by side. All distances in metres of a projected CRS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "Groups",
    "adjacent_pairs",
    "containing_polygon",
    "groups_near_lines",
    "groups_near_points",
    "groups_of_nearest",
    "nearest_centres",
    "nearest_within",
]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of rows in compressed form: group g holds ``member[start[g]:start[g + 1]]``.

    Parameters
    ----------
    start
        int64 (g + 1,), rising from 0.
    member
        int64 (m,): rows of the grouped table.
    """

    start: np.ndarray
    member: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Number of members per group, int64 (g,)."""
        return np.diff(self.start)

    @classmethod
    def from_pairs(cls, group: np.ndarray, member: np.ndarray, n_groups: int) -> Groups:
        """Build groups from (group, member) pairs; members of a group come sorted."""
        order = np.lexsort((member, group))
        start = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=n_groups))])
        return cls(start.astype(np.int64), member[order].astype(np.int64))

    def at_least(self, size: int) -> Groups:
        """Return the groups with at least so many members, in order."""
        kept = self.sizes >= size
        return Groups(
            np.concatenate([[0], np.cumsum(self.sizes[kept])]), self.member[np.repeat(kept, self.sizes)]
        )

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return members and the position in `rows` they belong to, both int64 (sum of sizes,)."""
        sizes = self.sizes[rows]
        owner = np.repeat(np.arange(len(rows)), sizes)
        inside = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.member[self.start[rows][owner] + inside], owner


def nearest_within(xy: np.ndarray, *, radius_m: float, cap: int) -> tuple[np.ndarray, np.ndarray]:
    """Find for every point its nearest other points, at most `cap` and none farther than `radius_m`.

    Parameters
    ----------
    xy
        float64 (n, 2): (easting, northing), metres.
    radius_m
        Largest distance, metres.
    cap
        Most neighbours of a point.

    Returns
    -------
    index, distance
        int64 (n, cap), nearest first, -1 where there is none; float32 (n, cap) in metres, infinite where there is none.
    """
    from scipy.spatial import cKDTree

    n = len(xy)
    if n == 0:
        return np.full((0, cap), -1, dtype=np.int64), np.full((0, cap), np.inf, dtype=np.float32)
    distance, index = cKDTree(xy).query(xy, k=cap + 1, distance_upper_bound=np.nextafter(radius_m, np.inf))
    itself = index == np.arange(n)[:, None]
    # Among more than `cap` points at one place the point itself may be missing from its own list: drop the last then.
    itself[~itself.any(axis=1), -1] = True
    index, distance = index[~itself].reshape(n, cap), distance[~itself].reshape(n, cap)
    return np.where(index < n, index, -1).astype(np.int64), distance.astype(np.float32)


def nearest_centres(
    xy: np.ndarray, centres: np.ndarray, *, radius_m: float, cap: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find for every point the nearest of other places, at most `cap` and none farther than `radius_m`.

    Parameters
    ----------
    xy
        float64 (n, 2): (easting, northing), metres.
    centres
        float64 (g, 2): where the places are, metres.
    radius_m
        Largest distance, metres.
    cap
        Most places of a point.

    Returns
    -------
    index, distance
        int64 (n, cap), rows of `centres`, nearest first, -1 where there is none; float32 (n, cap) in metres, infinite where
        there is none.
    """
    from scipy.spatial import cKDTree

    if len(xy) == 0 or len(centres) == 0:
        return np.full((len(xy), cap), -1, dtype=np.int64), np.full((len(xy), cap), np.inf, dtype=np.float32)
    # A list of ranks, unlike a number, always gives two axes.
    distance, index = cKDTree(centres).query(
        xy, k=list(range(1, cap + 1)), distance_upper_bound=np.nextafter(radius_m, np.inf)
    )
    return np.where(index < len(centres), index, -1).astype(np.int64), distance.astype(np.float32)


def groups_near_lines(xy: np.ndarray, lines: Sequence[object] | np.ndarray, *, radius_m: float) -> Groups:
    """Group points by line: one group per line, holding the points within `radius_m` of it.

    Parameters
    ----------
    xy
        float64 (n, 2): (easting, northing), metres.
    lines
        Shapely geometries (g,).
    radius_m
        Largest distance from the line itself (not from its vertices), metres.
    """
    import shapely

    shapes = np.asarray(lines, dtype=object)
    tree = shapely.STRtree(shapely.points(xy))
    line, point = tree.query(shapes, predicate="dwithin", distance=radius_m)
    return Groups.from_pairs(line, point, len(shapes))


def groups_near_points(xy: np.ndarray, centres: np.ndarray, *, radius_m: float) -> Groups:
    """Group points by centre: one group per row of `centres` (g, 2), holding the points of `xy` within `radius_m`."""
    from scipy.spatial import cKDTree

    if len(xy) == 0 or len(centres) == 0:
        return Groups(np.zeros(len(centres) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))
    lists = cKDTree(xy).query_ball_point(centres, radius_m)
    sizes = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    member = np.concatenate([np.asarray(one, dtype=np.int64) for one in lists])
    return Groups.from_pairs(np.repeat(np.arange(len(lists)), sizes), member, len(lists))


def groups_of_nearest(xy: np.ndarray, *, k: int, radius_m: float) -> Groups:
    """Group every point with its k nearest others: one group per point, the point itself among its members."""
    index, _ = nearest_within(xy, radius_m=radius_m, cap=k)
    rows = np.arange(len(xy))
    members = np.column_stack([rows, index])
    present = members >= 0
    return Groups.from_pairs(np.repeat(rows, present.sum(axis=1)), members[present], len(xy))


def containing_polygon(xy: np.ndarray, polygons: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return for every point the row of the smallest polygon that holds it (edges count), -1 where none does; int64 (n,)."""
    import shapely

    shapes = np.asarray(polygons, dtype=object)
    found = np.full(len(xy), -1, dtype=np.int64)
    polygon, point = shapely.STRtree(shapely.points(xy)).query(shapes, predicate="intersects")
    # Written from the largest to the smallest, so that the smallest polygon stays.
    order = np.lexsort((-polygon, -shapely.area(shapes)[polygon]))
    found[point[order]] = polygon[order]
    return found


def adjacent_pairs(polygons: Sequence[object] | np.ndarray, *, gap_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which polygons lie side by side, both directions: no farther than `gap_m` from one another, at borders or corners."""
    import shapely

    shapes = np.asarray(polygons, dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
    return one[one != other], other[one != other]
