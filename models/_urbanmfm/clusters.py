"""DBSCAN for many groups of points at once (Ester et al. 1996; Eq. 17)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from urbanbench.errors import BadInput

CELL_SIDE = np.sqrt(0.5) * (1.0 - 1e-6)
"""Side of a cell of the grid over `eps`: its diagonal stays below `eps`, whatever is rounded."""

LOOKED_UP = 1 << 18
"""About how many points are looked up at once."""


def density_clusters(xy: np.ndarray, group: np.ndarray, *, eps: float, min_pts: int) -> np.ndarray:
    """Cluster the points of every group by density; points of different groups never share a cluster.

    The groups are laid above one another, farther apart than `eps`, so that one tree holds all of them.

    Parameters
    ----------
    xy
        float64 (n, 2).
    group
        Integer (n,): group of every point.
    eps
        Largest distance of neighbours, in the unit of `xy`.
    min_pts
        Neighbours, itself included, that make a point a core of a cluster.

    Returns
    -------
    numpy.ndarray
        int64 (n,): number of the cluster, -1 for noise. Clusters are numbered over all groups by their first core point, and a
        point at the edge of several clusters belongs to the first of them.

    Raises
    ------
    BadInput
        `eps` is not positive or `min_pts` is below 1.
    """
    if eps <= 0 or min_pts < 1:
        msg = f"Clusters were asked for with eps {eps} and min_pts {min_pts}. Expected eps above 0 and min_pts of at least 1."
        raise BadInput(msg)
    labels = np.full(len(xy), -1, dtype=np.int64)
    if len(xy) == 0:
        return labels
    _, floor = np.unique(group, return_inverse=True)
    points = np.column_stack([xy, floor * (2.0 * eps)])
    place, cell = _grid(xy, floor, eps)
    is_core = _cores(points, cell, eps, min_pts)
    core = np.flatnonzero(is_core)
    if len(core) == 0:
        return labels
    labels[core] = _by_first(_chains(xy[core], cell[core], place, eps))
    edge = np.flatnonzero(~is_core)
    tree = cKDTree(points[core])
    labels[edge] = _first_cluster_near(tree, labels[core], points[edge], eps, max(1, min_pts - 1))
    return labels


def numbered_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an order that sorts the rows of (n, m), where in it each distinct row begins, and the number of every row."""
    order = np.lexsort(rows.T[::-1])
    ranked = rows[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return order, np.flatnonzero(new), number


def _grid(xy: np.ndarray, floor: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Lay a grid over every group whose cells are so small that points in one of them are neighbours.

    Returns
    -------
    place, cell
        float64 (c, 3): column, row and group of every cell with a point; int64 (n,): cell of every point.
    """
    steps = np.floor((xy - xy.min(axis=0)) / (eps * CELL_SIDE))
    rows = np.column_stack([steps, floor])
    order, first, cell = numbered_rows(rows)
    return rows[order[first]], cell


def _cores(points: np.ndarray, cell: np.ndarray, eps: float, min_pts: int) -> np.ndarray:
    """Return which points have `min_pts` neighbours, bool (n,); those in a cell with so many are not looked at."""
    is_core = np.asarray(np.bincount(cell)[cell] >= min_pts)
    rest = np.flatnonzero(~is_core)
    if len(rest):
        # A point is its own first neighbour.
        reach = np.nextafter(eps, np.inf)
        farthest = cKDTree(points).query(points[rest], k=[min_pts], distance_upper_bound=reach)[0][:, 0]
        is_core[rest] = farthest <= eps
    return is_core


def _chains(xy: np.ndarray, cell: np.ndarray, place: np.ndarray, eps: float) -> np.ndarray:
    """Return the chain of every core point, int64 (n,), in no order; memory grows with n however many are neighbours.

    The cores of one cell are in one chain, so it is enough to know which cells hold a pair within `eps`. Cells farther apart than
    two steps hold none. For most pairs of cells one core of each already tells.
    """
    filled, cell = np.unique(cell, return_inverse=True)
    order, first, _ = numbered_rows(np.column_stack([cell, xy]))
    distinct = order[first]
    own, at = cell[distinct], xy[distinct]
    start = np.searchsorted(own, np.arange(len(filled) + 1))
    size = np.diff(start)
    # Groups are three steps apart.
    pairs = cKDTree(place[filled] * [1.0, 1.0, 3.0]).query_pairs(2.0, p=np.inf, output_type="ndarray")
    pairs = np.where((size[pairs[:, 0]] > size[pairs[:, 1]])[:, None], pairs[:, ::-1], pairs)
    joined = ((at[start[pairs[:, 0]]] - at[start[pairs[:, 1]]]) ** 2).sum(axis=1) <= eps * eps
    chain = _linked(pairs[joined], len(filled))
    unsure = np.flatnonzero((chain[pairs[:, 0]] != chain[pairs[:, 1]]) & (size[pairs[:, 1]] > 1))
    joined[unsure] = _hold_neighbours(at, own, start, pairs[unsure], eps)
    return np.asarray(_linked(pairs[joined], len(filled))[cell])


def _hold_neighbours(
    xy: np.ndarray, cell: np.ndarray, start: np.ndarray, pairs: np.ndarray, eps: float
) -> np.ndarray:
    """Tell which pairs of cells hold two points within `eps`, bool (p,).

    Parameters
    ----------
    xy, cell
        Points and their cells, sorted by cell.
    start
        int64 (c + 1,): first point of every cell.
    pairs
        int64 (p, 2): cells; every point of the first is looked up among those of the second.
    """
    found = np.zeros(len(pairs), dtype=bool)
    tree = cKDTree(np.column_stack([xy, cell * (4.0 * eps)]))
    size = np.diff(start)[pairs[:, 0]]
    begins = np.flatnonzero(np.diff(np.cumsum(size) // LOOKED_UP, prepend=-1))
    for block in np.split(np.arange(len(pairs)), begins[1:]):
        pair = np.repeat(block, size[block])
        before = np.repeat(np.cumsum(size[block]) - size[block], size[block])
        point = start[pairs[pair, 0]] + np.arange(len(pair)) - before
        there = np.column_stack([xy[point], pairs[pair, 1] * (4.0 * eps)])
        _, near = tree.query(there, distance_upper_bound=np.nextafter(eps, np.inf))
        known = np.flatnonzero(near < len(xy))
        close = ((xy[point[known]] - xy[near[known]]) ** 2).sum(axis=1) <= eps * eps
        found[pair[known[close]]] = True
    return found


def _linked(pairs: np.ndarray, n: int) -> np.ndarray:
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1])


def _by_first(label: np.ndarray) -> np.ndarray:
    """Return the labels numbered anew, in the order of their first points."""
    _, first, label = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[label])


def _first_cluster_near(
    tree: cKDTree, label: np.ndarray, points: np.ndarray, eps: float, most: int
) -> np.ndarray:
    """Return the lowest label among the core points within `eps` of each point, -1 where there is none.

    A point that is no core has fewer than `min_pts` neighbours, so its `most` nearest core points are all there can be.
    """
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    _, near = tree.query(points, k=np.arange(1, most + 1), distance_upper_bound=np.nextafter(eps, np.inf))
    found = np.append(label, len(label))[near].min(axis=1)
    return np.where(found < len(label), found, -1)
