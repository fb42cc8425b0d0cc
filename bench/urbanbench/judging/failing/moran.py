"""Moran's I: whether near units are wrong in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.seeds import generator

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["NEAREST", "Moran", "moran", "nearest_neighbours", "touching_neighbours"]

NEAREST = 8
"""Neighbours of a point."""
PERMUTATIONS = 999


@dataclass(frozen=True)
class Moran:
    """What Moran's I says.

    Parameters
    ----------
    value
        I; about `expected` without any pattern, towards 1 where near units are alike, below `expected` where they differ.
    expected
        -1 / (n - 1).
    p
        Share of permutations whose I is at least as large, the observed one among them; small where errors cluster.
    permutations
        How many were drawn.
    """

    value: float
    expected: float
    p: float
    permutations: int


def moran(
    values: np.ndarray, weights: csr_array, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> Moran | None:
    """Return Moran's I of values (n,) with its one-sided permutation p-value; None where values do not vary or no unit has a neighbour.

    I = n / S0 * sum_ij w_ij z_i z_j / sum_i z_i², z the values less their mean and S0 the sum of all weights (Moran 1950, Biometrika 37,
    17; Cliff and Ord 1981). For p the values are dealt to the units at random, as esda and PySAL do.

    Parameters
    ----------
    values
        float64 (n,).
    weights
        Of `touching_neighbours` or `nearest_neighbours`, rows that add up to 1.
    permutations
        How many times values are dealt.
    seed
        Of the permutations.
    """
    away = values - values.mean()
    total = float(away @ away)
    if weights.nnz == 0 or total <= 1e-24 * max(float(values @ values), 1e-300):
        return None
    scale = len(values) / float(weights.sum()) / total
    found = scale * float(away @ (weights @ away))
    rng, larger = generator(seed, "moran"), 1
    for _ in range(permutations):
        dealt = rng.permutation(away)
        larger += scale * float(dealt @ (weights @ dealt)) >= found
    return Moran(found, -1.0 / (len(values) - 1), larger / (permutations + 1), permutations)


def touching_neighbours(shapes: Sequence[object] | np.ndarray, slack_m: float = 1.0) -> csr_array:
    """Return weights (n, n) of areas that touch: each row adds up to 1; an area that touches none has its nearest neighbour.

    Parameters
    ----------
    shapes
        Shapely polygons (n,) in metres.
    slack_m
        Gap up to which two areas touch, for borders that were drawn twice.
    """
    import shapely

    areas = np.asarray(shapes, dtype=object)
    one, other = shapely.STRtree(areas).query(areas, predicate="dwithin", distance=slack_m)
    return _rows_of_one(len(areas), one, other, shapely.get_coordinates(shapely.centroid(areas)))


def nearest_neighbours(xy: np.ndarray, k: int = NEAREST) -> csr_array:
    """Return weights (n, n) of the k nearest other points, each row adding up to 1.

    Parameters
    ----------
    xy
        float64 (n, 2) in metres.
    """
    from scipy.spatial import cKDTree

    most = min(k, len(xy) - 1)
    found = np.atleast_2d(cKDTree(xy).query(xy, k=most + 1)[1]) if most > 0 else np.empty((len(xy), 0), int)
    one = np.repeat(np.arange(len(xy)), found.shape[1])
    return _rows_of_one(len(xy), one, found.ravel(), xy)


def _rows_of_one(n: int, one: np.ndarray, other: np.ndarray, xy: np.ndarray) -> csr_array:
    """Return pairs of neighbours as weights; a unit without any gets its nearest other one."""
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    apart = one != other
    one, other = one[apart], other[apart]
    alone = np.setdiff1d(np.arange(n), one)
    if len(alone) and n > 1:
        near = cKDTree(xy).query(xy[alone], k=2)[1]
        other = np.append(other, np.where(near[:, 0] == alone, near[:, 1], near[:, 0]))
        one = np.append(one, alone)
    weights = 1.0 / np.bincount(one, minlength=n)[one] if len(one) else np.empty(0)
    return csr_array((weights, (one, other)), shape=(n, n))
