"""The edges of a city's graph, a relation a function; every one gives (source, target) rows of nodes, int64 (m,)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.ground.neighbours import nearest_within

if TYPE_CHECKING:
    from urbanbench.graph.gather import Gathered
    from urbanbench.graph.plan import GraphPlan

__all__ = ["Pairs", "bounds", "intersects", "near_areas", "near_points", "nearest_streets", "on_same_street"]

Pairs = tuple[np.ndarray, np.ndarray]

_AT_ONCE = 20_000
"""Points, areas or pairs that are worked on at once, so that memory is bounded."""


def near_points(gathered: Gathered, plan: GraphPlan) -> Pairs:
    """Join POIs and images with their nearest POIs and images; a pair that is near from either side stands once, the smaller row first."""
    rows = _point_rows(gathered)
    xy = gathered.nodes.xy[rows]
    index, _ = nearest_within(xy, radius_m=plan.near_m, cap=plan.near_most)
    here, place = np.nonzero(index >= 0)
    pairs = np.column_stack([here, index[here, place]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0).reshape(-1, 2)
    return rows[pairs[:, 0]], rows[pairs[:, 1]]


def near_areas(gathered: Gathered, plan: GraphPlan) -> Pairs:
    """Join POIs and images with the areas nearest to them; of areas that are equally near, the smaller comes first, then that of the smaller row."""
    import shapely

    rows, areas = _point_rows(gathered), gathered.areas
    if not len(rows) or not len(areas):
        return _none()
    tree, size = shapely.STRtree(areas), shapely.area(areas)
    points = shapely.points(gathered.nodes.xy[rows])
    found = []
    for start in range(0, len(rows), _AT_ONCE):
        some = points[start : start + _AT_ONCE]
        point, area = tree.query(some, predicate="dwithin", distance=plan.area_m)
        distance = shapely.distance(some[point], areas[area])
        order = np.lexsort((area, size[area], distance, point))
        point, area = point[order], area[order]
        kept = _rank(point) < plan.area_most
        found.append((point[kept] + start, area[kept]))
    point, area = (np.concatenate(some) for some in zip(*found, strict=True))
    return rows[point], gathered.nodes.rows("area")[area]


def nearest_streets(gathered: Gathered, plan: GraphPlan) -> Pairs:
    """Join POIs and images with the street nearest to them; of streets that are equally near, the one of the smallest row."""
    import shapely

    rows, streets = _point_rows(gathered), gathered.streets
    if not len(rows) or not len(streets):
        return _none()
    points = shapely.points(gathered.nodes.xy[rows])
    point, piece = shapely.STRtree(streets.pieces).query_nearest(points, max_distance=plan.nearest_m)
    street = streets.piece_street[piece]
    order = np.lexsort((street, point))
    point, street = point[order], street[order]
    first = _rank(point) == 0
    return rows[point[first]], gathered.nodes.rows("street")[street[first]]


def bounds(gathered: Gathered, plan: GraphPlan) -> Pairs:
    """Join streets with the areas along whose edge a piece of them runs."""
    import shapely

    pieces, areas = gathered.streets.pieces, gathered.areas
    if not len(pieces) or not len(areas):
        return _none()
    tree, length, found = shapely.STRtree(pieces), shapely.length(pieces), []
    step = max(_AT_ONCE // 10, 1)
    for start in range(0, len(areas), step):
        edges = shapely.boundary(areas[start : start + step])
        area, piece = tree.query(edges, predicate="dwithin", distance=plan.bounds_m)
        touched, which = np.unique(area, return_inverse=True)
        strips = shapely.buffer(edges[touched], plan.bounds_m)
        shapely.prepare(strips)
        along = _length_inside(strips, which, pieces[piece])
        kept = along >= plan.bounds_share * length[piece]
        found.append(np.column_stack([gathered.streets.piece_street[piece[kept]], area[kept] + start]))
    pairs = np.unique(np.concatenate(found), axis=0).reshape(-1, 2)
    return gathered.nodes.rows("street")[pairs[:, 0]], gathered.nodes.rows("area")[pairs[:, 1]]


def intersects(gathered: Gathered) -> tuple[Pairs, Pairs]:
    """Join crossings with their streets, and streets that meet in one, the smaller row first."""
    from scipy import sparse

    streets, nodes = gathered.streets, gathered.nodes
    crossing, street = streets.meeting.T
    met = sparse.csr_array(
        (np.ones(len(crossing), dtype=np.int32), (crossing, street)),
        shape=(len(streets.crossing_xy), len(streets)),
    )
    both = sparse.triu(met.T @ met, k=1).tocoo()
    order = np.lexsort((both.col, both.row))
    row = nodes.rows("street")
    return (nodes.rows("crossing")[crossing], row[street]), (row[both.row[order]], row[both.col[order]])


def on_same_street(gathered: Gathered) -> Pairs:
    """Join crossings that follow one another on a street."""
    row = gathered.nodes.rows("crossing")
    first, second = gathered.streets.neighbours.T
    return row[first], row[second]


def _point_rows(gathered: Gathered) -> np.ndarray:
    return np.concatenate([gathered.nodes.rows("poi"), gathered.nodes.rows("image")])


def _none() -> Pairs:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)


def _rank(group: np.ndarray) -> np.ndarray:
    """Return the place of every element within its group, from 0; groups stand together."""
    new = np.ones(len(group), dtype=bool)
    new[1:] = group[1:] != group[:-1]
    at = np.flatnonzero(new)
    return np.arange(len(group)) - np.repeat(at, np.diff(np.append(at, len(group))))


def _length_inside(strips: np.ndarray, which: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Return how much of each piece lies in its strip, metres; what lies inside whole is not cut."""
    import shapely

    along = shapely.length(pieces)
    cut = np.flatnonzero(~shapely.covers(strips[which], pieces))
    for start in range(0, len(cut), _AT_ONCE):
        some = cut[start : start + _AT_ONCE]
        along[some] = shapely.length(shapely.intersection(strips[which[some]], pieces[some]))
    return np.asarray(along)
