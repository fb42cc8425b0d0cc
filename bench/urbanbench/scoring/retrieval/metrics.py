"""What is counted of ranks: hits among the first k, the mean reciprocal rank, and how far off the first one lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["HITS", "WITHIN_M", "by_chance", "distance_scores", "hit_scores"]

HITS = (1, 3, 5, 10)
WITHIN_M: Mapping[str, float] = {"within_100m": 100.0, "within_500m": 500.0, "within_1km": 1000.0}


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
