"""Metrics of predictions in the target's natural unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.scoring.retrieval.metrics import HITS, WITHIN_TITLES

__all__ = ["MAIN_METRIC", "METRICS", "METRICS_VERSION", "Metric", "compute_metrics", "metric_info"]


@dataclass(frozen=True)
class Metric:
    """Name card of a metric.

    Parameters
    ----------
    name
        Key in results.
    title
        Column title in tables.
    higher_is_better
        Direction.
    follows_unit
        Whether the number carries the target's unit.
    of_queries
        Whether it is of the queries of a retrieval, which are the same for every seed.
    share
        Whether it is a mean of numbers between 0 and 1, of a retrieval.
    """

    name: str
    title: str
    higher_is_better: bool
    follows_unit: bool
    of_queries: bool = False
    share: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rmse", "RMSE", higher_is_better=False, follows_unit=True),
        Metric("mae", "MAE", higher_is_better=False, follows_unit=True),
        Metric("r2", "R²", higher_is_better=True, follows_unit=False),
        Metric("r2_log", "R² (log)", higher_is_better=True, follows_unit=False),
        Metric("f1_macro", "macro F1", higher_is_better=True, follows_unit=False),
        Metric("f1_weighted", "weighted F1", higher_is_better=True, follows_unit=False),
        Metric("accuracy", "accuracy", higher_is_better=True, follows_unit=False),
        Metric("l1", "L1", higher_is_better=False, follows_unit=False),
        Metric("kl", "KL", higher_is_better=False, follows_unit=False),
        Metric("cosine", "cosine", higher_is_better=True, follows_unit=False),
        *(
            Metric(
                f"{name}{of}",
                f"{title}{of}",
                higher_is_better=True,
                follows_unit=False,
                of_queries=True,
                share=True,
            )
            for of in ("", "/100")
            for name, title in (*((f"hit@{k}", f"hit@{k}") for k in HITS), ("mrr", "MRR"))
        ),
        *(
            Metric(name, title, higher_is_better=True, follows_unit=False, of_queries=True, share=True)
            for name, title in WITHIN_TITLES.items()
        ),
        Metric(
            "median_error_m", "median error (m)", higher_is_better=False, follows_unit=False, of_queries=True
        ),
    )
}
MAIN_METRIC: dict[str, str] = {
    "regression": "r2",
    "classification": "f1_macro",
    "composition": "r2",
    "retrieval": "hit@5",
}
METRICS_VERSION = 1
"""Raised whenever the same predictions give other numbers; results of an earlier version are computed again."""
_SMOOTHING = 1e-6


def metric_info(name: str) -> Metric:
    """Return the card of a metric; ``f1[<class>]`` is made on the fly.

    Raises
    ------
    KeyError
        No such metric.
    """
    if name.startswith("f1[") and name.endswith("]"):
        return Metric(name, f"F1 {name[3:-1]}", higher_is_better=True, follows_unit=False)
    return METRICS[name]


def compute_metrics(
    kind: str, true: np.ndarray, predicted: np.ndarray, classes: Sequence[str], *, log_scale: float = 1.0
) -> dict[str, float]:
    """Return all metrics of a kind.

    Parameters
    ----------
    kind
        "regression", "classification" or "composition".
    true, predicted
        Values (m,), class names (m,) or shares (m, k), m >= 1.
    classes
        The target's class or column names.
    log_scale
        Scale s of r2_log = R² of log1p(max(y, 0) * s); left out when a true value is negative.

    Returns
    -------
    dict
        Regression: rmse, mae, r2, r2_log. Classification: f1_macro, f1_weighted, accuracy and f1[<class>] for each class
        of `classes` that occurs in `true` or `predicted` (scikit-learn's meaning with ``labels=`` these classes; macro
        is their plain mean). Composition: rmse, mae and r2 as means over columns (r2 over those whose truth varies), l1 (mean over units of the summed
        absolute difference, [0, 2]), kl (mean KL divergence of predicted from true after adding 1e-6 to every share),
        cosine (mean cosine similarity). R² is NaN where the truth does not vary.
    """
    if kind == "regression":
        return _regression(true, predicted, log_scale)
    if kind == "classification":
        return _classification(true, predicted, classes)
    return _composition(true, predicted)


def _r2(true: np.ndarray, predicted: np.ndarray) -> float:
    total = float(((true - true.mean()) ** 2).sum())
    varies = total > 1e-12 * float((true**2).sum())  # the mean of equal numbers is not always that number
    return 1.0 - float(((true - predicted) ** 2).sum()) / total if varies else float("nan")


def _mean_r2(true: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean R² over the columns whose truth varies; a class absent from all test units has none."""
    columns = [_r2(t, p) for t, p in zip(true.T, predicted.T, strict=True)]
    varying = [value for value in columns if not np.isnan(value)]
    return float(np.mean(varying)) if varying else float("nan")


def _regression(true: np.ndarray, predicted: np.ndarray, log_scale: float) -> dict[str, float]:
    error = predicted - true
    scores = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.abs(error).mean()),
        "r2": _r2(true, predicted),
    }
    if (true >= 0).all():
        scores["r2_log"] = _r2(np.log1p(true * log_scale), np.log1p(np.maximum(predicted, 0.0) * log_scale))
    return scores


def _classification(true: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    f1, support = {}, {}
    for name in classes:
        is_true, is_predicted = true == name, predicted == name
        seen = int(is_true.sum()) + int(is_predicted.sum())
        if seen:
            f1[name] = 2.0 * int((is_true & is_predicted).sum()) / seen
            support[name] = int(is_true.sum())
    scores = {
        "f1_macro": float(np.mean(list(f1.values()))),
        "f1_weighted": float(np.average(list(f1.values()), weights=list(support.values()))),
        "accuracy": float(np.mean(true == predicted)),
    }
    return scores | {f"f1[{name}]": value for name, value in f1.items()}


def _composition(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    error = predicted - true
    p, q = true + _SMOOTHING, predicted + _SMOOTHING
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    norms = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
    return {
        "rmse": float(np.sqrt((error**2).mean(axis=0)).mean()),
        "mae": float(np.abs(error).mean()),
        "r2": _mean_r2(true, predicted),
        "l1": float(np.abs(error).sum(axis=1).mean()),
        "kl": float((p * np.log(p / q)).sum(axis=1).mean()),
        "cosine": float(((true * predicted).sum(axis=1) / norms).mean()),
    }
