"""Planted twins: regions of equal shape and content must have like vectors, or rows do not belong to their ids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from urbanbench.space import EmbeddingSpace

__all__ = ["MOST_NEARER", "TWINS", "rows_in_pairs", "share_nearer"]

TWINS = 12
"""Pairs that are planted."""
MOST_NEARER = 0.25
"""Largest mean share of other regions that may lie nearer to a region than its twin does.

Rows that belong to other regions give 0.5 with a standard deviation of 0.29 / sqrt(12) = 0.08. Of the built-in models the one that looks
furthest around a region gives 0.10, most give 0.
"""

_EQUAL = 0.01
"""Distance of rows that are all but equal, as a share of the usual distance of two rows."""


def share_nearer(space: EmbeddingSpace, twin_of: Mapping[str, str]) -> float:
    """Return which share of all other units lies nearer to a unit than its twin, averaged over the pairs; equals count half.

    Parameters
    ----------
    space
        Vectors of a city with planted twins.
    twin_of
        Id to the id of its twin.

    Returns
    -------
    float
        0 where every twin is the nearest of all, 0.5 for vectors that have nothing to do with their ids.
    """
    vectors = space.vectors.astype(np.float64)
    spread = vectors.std(axis=0)
    vectors = (vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    row_of = {one: row for row, one in enumerate(space.ids.tolist())}
    shares = []
    for original, twin in twin_of.items():
        here, there = row_of[original], row_of[twin]
        away = np.linalg.norm(vectors - vectors[here], axis=1)
        others = np.delete(away, [here, there])
        shares.append(float((others < away[there]).mean() + 0.5 * (others == away[there]).mean()))
    return float(np.mean(shares))


def rows_in_pairs(space: EmbeddingSpace) -> int:
    """Return how many rows have exactly one other that is all but equal to them, as the rows of twins are, under whatever ids.

    A model whose vectors tell the surroundings of a region rather than its content, such as a graph embedding, has none: there a twin
    that is not found says nothing of the order of rows.
    """
    from scipy.spatial.distance import cdist

    vectors = space.vectors[space.mask].astype(np.float64)
    spread = vectors.std(axis=0)
    away = cdist(*(2 * [vectors / np.where(spread > 0, spread, 1.0)]))
    usual = float(np.median(away[np.triu_indices(len(away), 1)])) if len(away) > 1 else 0.0
    return int(((away <= _EQUAL * usual).sum(axis=1) == 2).sum())
