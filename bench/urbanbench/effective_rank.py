"""How many of their dimensions vectors fill; asks no label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.space import EmbeddingSpace

__all__ = ["effective_rank"]

_LEAST_SPREAD = 1e-6
"""A column whose standard deviation is below this part of its largest entry is constant but for rounding."""

_CHUNK = 8192


def effective_rank(space: EmbeddingSpace) -> float | None:
    """Return the effective rank of vectors as heads see them, rounded to two decimals.

    Columns are standardised over all units that have data (heads take the training units, and clip), constant ones left out. The rank is exp(H), H the entropy of the shares of the
    variance that the principal components explain: the number of equally strong components with the same entropy, from 1 to the smaller of dim
    and n - 1. A contrastive loss that answers from a few directions leaves few (Jing, Vincent, LeCun, Tian: Understanding Dimensional
    Collapse in Contrastive Self-supervised Learning, ICLR 2022).

    Source: Roy, Vetterli: The effective rank (EUSIPCO 2007), with variances in place of singular values, which would count weak
    directions for more.

    Returns
    -------
    float or None
        None where fewer than two units have data, or all have the same vector.

    Examples
    --------
    >>> from urbanbench.space import EmbeddingSpace
    >>> corners = np.array([[-1, -1, 5], [-1, 1, 5], [1, -1, 5], [1, 1, 5]], dtype=np.float32)
    >>> effective_rank(EmbeddingSpace("region", np.array(list("abcd")), corners))
    2.0
    """
    rows = space.vectors[space.mask]
    if len(rows) < 2:
        return None
    mean = rows.mean(axis=0, dtype=np.float64)
    spread = np.sqrt(sum(((part - mean) ** 2).sum(axis=0) for part in _parts(rows)) / len(rows))
    varies = spread > _LEAST_SPREAD * np.abs(rows).max(axis=0)
    if not varies.any():
        return None
    variances = np.maximum(_spectrum(rows[:, varies], mean[varies], spread[varies]), 0.0)
    shares = variances[variances > 0] / variances.sum()
    return round(float(np.exp(-(shares * np.log(shares)).sum())), 2)


def _spectrum(rows: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the eigenvalues of the covariance of standardised rows (n, dim), up to a factor: of the smaller of the two products."""
    if len(rows) < rows.shape[1]:
        columns = (rows - mean) / spread
        return np.linalg.eigvalsh(columns @ columns.T)
    product = np.zeros((rows.shape[1], rows.shape[1]))
    for part in _parts(rows):
        columns = (part - mean) / spread
        product += columns.T @ columns
    return np.linalg.eigvalsh(product)


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some rows at a time, which alone exist in double precision."""
    for first in range(0, len(rows), _CHUNK):
        yield rows[first : first + _CHUNK].astype(np.float64)
