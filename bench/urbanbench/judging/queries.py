"""Differences over the queries of a retrieval: seeds draw other candidates for the same queries, so queries are what counts."""

from __future__ import annotations

import numpy as np

from urbanbench.judging.estimate import Estimate

__all__ = ["bounded_t", "over_queries"]


def over_queries(difference: float, contributions: np.ndarray) -> Estimate:
    """Judge a mean difference by how queries differ, each taken once with its mean over seeds.

    Ten drawings of candidates for the same queries are no ten experiments: what a model makes of a query is much the same each time. So the
    standard error is that of a mean over n queries, with Student's t of n - 1 degrees of freedom; the scatter of drawings is in it. Queries count as
    independent here.

    Parameters
    ----------
    difference
        Mean over seeds and queries.
    contributions
        float64 (n,): what each query adds to it, summing to 0.
    """
    n = len(contributions)
    error = np.sqrt(n / max(n - 1, 1) * float((contributions**2).sum()))
    return Estimate(np.asarray(difference), np.asarray(error), np.asarray(max(n - 1, 1), dtype=np.float64))


def bounded_t(one: np.ndarray, other: np.ndarray, queries: int) -> Estimate:
    """Judge differences of shares without knowing single queries, towards caution.

    A number between 0 and 1 with mean m varies by m (1 - m) at most (Bhatia, Davis 2000), and two models that find the same queries easy differ by less than
    two that do not. So the variance of the difference is bounded by that of two independent shares over n queries.

    Parameters
    ----------
    one, other
        (...,): means over seeds and queries of numbers between 0 and 1.
    queries
        n.
    """
    variance = (one * (1 - one) + other * (1 - other)) / max(queries, 1)
    shape = np.broadcast_shapes(np.shape(one), np.shape(other))
    return Estimate(np.asarray(one - other), np.sqrt(variance), np.full(shape, max(queries - 1, 1.0)))
