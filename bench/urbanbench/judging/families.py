"""Families of comparisons: p values that stay honest when many are looked at."""

from __future__ import annotations

import numpy as np

__all__ = ["holm"]


def holm(p: np.ndarray) -> np.ndarray:
    """Return Holm's adjusted p values: below alpha for those rejected when the chance of any false rejection is at most alpha.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than one before it (Holm 1979). No assumption on how the tests depend
    on each other.

    Parameters
    ----------
    p
        (m,); NaN stays NaN and is no member of the family.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0) if len(order) else []
    return adjusted
