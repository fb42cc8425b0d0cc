"""What is counted of ranks: hits among the first k, the mean reciprocal rank, and how far off the first one lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["HITS", "WITHIN_M", "WITHIN_TITLES", "by_chance", "distance_scores", "hit_scores", "of_each_query"]

HITS = (1, 3, 5, 10)
WITHIN_M: Mapping[str, float] = {"within_100m": 100.0, "within_500m": 500.0, "within_1km": 1000.0}
WITHIN_TITLES: Mapping[str, str] = {
    "within_100m": "within 100 m",
    "within_500m": "within 500 m",
    "within_1km": "within 1 km",
}


def hit_scores(ranks: np.ndarray, suffix: str = "") -> dict[str, float]:
    """Return hit@k and mrr of ranks (q,), q >= 1, with a suffix behind each name.

    Examples
    --------
    >>> import numpy as np
    >>> hit_scores(np.array([1, 2, 20, 4]))
    {'hit@1': 0.25, 'hit@3': 0.5, 'hit@5': 0.75, 'hit@10': 0.75, 'mrr': 0.45}
    """
    hits = {f"hit@{k}{suffix}": float(np.mean(ranks <= k)) for k in HITS}
    return hits | {f"mrr{suffix}": float(np.mean(1.0 / ranks))}


def of_each_query(metric: str, ranks: np.ndarray, metres: np.ndarray) -> np.ndarray:
    """Return what each query adds to a metric that is a mean over queries, in [0, 1]; NaN for those that it is not about.

    Parameters
    ----------
    metric
        hit@k, mrr or a word of `WITHIN_M`, without what stands behind the slash.
    ranks, metres
        (q,) as in `hit_scores` and `distance_scores`, NaN metres for queries about no place.

    Raises
    ------
    KeyError
        Another metric.
    """
    if metric == "mrr":
        return np.asarray(1.0 / ranks)
    if metric in WITHIN_M:
        return np.where(np.isfinite(metres), (metres <= WITHIN_M[metric]).astype(np.float64), np.nan)
    if metric not in {f"hit@{k}" for k in HITS}:
        raise KeyError(metric)
    return np.asarray(ranks <= int(metric.removeprefix("hit@")), dtype=np.float64)


def by_chance(counts: np.ndarray, suffix: str = "") -> dict[str, float]:
    """Return what one who draws lots scores on sets of so many candidates (q,): k of them, and the harmonic mean of places.

    Examples
    --------
    >>> import numpy as np
    >>> by_chance(np.array([20, 20]))["hit@5"], by_chance(np.array([2]))["mrr"]
    (0.25, 0.75)
    """
    hits = {f"hit@{k}{suffix}": float(np.mean(np.minimum(k, counts) / counts)) for k in HITS}
    harmonic = np.cumsum(1.0 / np.arange(1, counts.max() + 1))
    return hits | {f"mrr{suffix}": float(np.mean(harmonic[counts - 1] / counts))}


def distance_scores(metres: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Return the median of distances (q,), q >= 1, and the shares within 100 m, 500 m and 1 km; with weights (q,) where some count more."""
    shares = np.ones(len(metres)) if weights is None else weights
    shares = shares / shares.sum()
    within = {name: float(shares[metres <= limit].sum()) for name, limit in WITHIN_M.items()}
    middle = float(np.median(metres)) if weights is None else _median(metres, shares)
    return {"median_error_m": middle} | within


def _median(values: np.ndarray, shares: np.ndarray) -> float:
    """Return the least value at or below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    row = int(np.searchsorted(np.cumsum(shares[order]), 0.5 - 1e-12))
    return float(values[order][min(row, len(values) - 1)])
