"""Location vectors of any place: the mean of the node vectors of the nearest entities elsewhere, nearer ones counting more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

__all__ = ["encode_places"]

BLOCK = 1 << 15
"""Places that are encoded at once."""

SPARE = 8
"""Neighbours looked up beyond those wanted, for entities at the place itself, which do not count."""


def encode_places(
    xy: np.ndarray, node_xy: np.ndarray, node_vectors: np.ndarray, *, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Encode places by the k nearest entities that are not at the very place, with weights ln(1 + 1 / km).

    Parameters
    ----------
    xy
        float64 (n, 2): the places, metres.
    node_xy
        float64 (m, 2): the entities, metres, from the same corner.
    node_vectors
        float32 (m, dim).
    k
        Most entities of a place.

    Returns
    -------
    vectors, known
        float32 (n, dim) and bool (n,); zeros and False where there is no entity elsewhere.
    """
    from scipy.spatial import cKDTree

    vectors = np.zeros((len(xy), node_vectors.shape[1]), dtype=np.float32)
    known = np.zeros(len(xy), dtype=bool)
    if len(node_xy) == 0:
        return vectors, known
    tree = cKDTree(node_xy)
    for first in range(0, len(xy), BLOCK):
        rows = slice(first, first + BLOCK)
        vectors[rows], known[rows] = _encoded(xy[rows], tree, node_vectors, k)
    return vectors, known


def _encoded(
    xy: np.ndarray, tree: cKDTree, node_vectors: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    from scipy import sparse

    row, node, distance = _elsewhere(xy, tree, k, k + SPARE)
    weight = np.log1p(1000 / distance)
    total = np.bincount(row, weights=weight, minlength=len(xy))
    shares = sparse.csr_array((weight / total[row], (row, node)), shape=(len(xy), len(node_vectors)))
    return np.asarray(shares @ node_vectors, dtype=np.float32), total > 0


def _elsewhere(
    xy: np.ndarray, tree: cKDTree, k: int, probe: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (place, entity, distance) of the k nearest entities at a distance above 0, looking at `probe` of them first."""
    probe = min(probe, tree.n)
    distance, index = tree.query(xy, k=list(range(1, probe + 1)))
    away = distance > 0
    crowded = (away.sum(axis=1) < k) & (probe < tree.n)
    chosen = away & (np.cumsum(away, axis=1) <= k) & ~crowded[:, None]
    row, slot = np.nonzero(chosen)
    found = (row, index[row, slot], distance[row, slot])
    if not crowded.any():
        return found
    again, node, apart = _elsewhere(xy[crowded], tree, k, 4 * probe)
    more = (np.flatnonzero(crowded)[again], node, apart)
    return tuple(np.concatenate(pair) for pair in zip(found, more, strict=True))  # type: ignore[return-value]
