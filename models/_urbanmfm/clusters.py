"""DBSCAN for many groups of points at once (Ester et al. 1996; Eq. 17)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from urbanbench.errors import BadInput


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
    # A point is its own first neighbour.
    farthest = cKDTree(points).query(points, k=[min_pts])[0][:, 0]
    is_core = farthest <= eps
    core = np.flatnonzero(is_core)
    if len(core) == 0:
        return labels
    tree = cKDTree(points[core])
    labels[core] = _components(tree, eps)
    edge = np.flatnonzero(~is_core)
    labels[edge] = _first_cluster_near(tree, labels[core], points[edge], eps, max(1, min_pts - 1))
    return labels


def _components(tree: cKDTree, eps: float) -> np.ndarray:
    """Return the number of every core point's chain, in the order of the chains' first points; int64 (c,)."""
    pairs = tree.query_pairs(eps, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(tree.n, tree.n))
    _, label = connected_components(links, directed=False)
    _, first = np.unique(label, return_index=True)
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
