"""Metrics as functions of sums over test units: what a unit contributes to a score, and scores of resampled units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Sums", "mean_of", "metric_sums"]

_SMOOTHING = 1e-6
"""Of the metric kl, as in `urbanbench.scoring.metrics`."""
_STEP = 1e-30
"""Of complex differentiation, which has no cancellation, so it may be as small as this."""


@dataclass(frozen=True, eq=False)
class Sums:
    """A metric that depends on its units through sums only.

    Parameters
    ----------
    parts
        float64 (m, k): what each unit adds to each sum; the first column is 1.
    value
        From sums (..., k) to the metric (...).
    """

    parts: np.ndarray
    value: Callable[[np.ndarray], np.ndarray]

    @property
    def score(self) -> float:
        """The metric on all units, each once."""
        return float(self.value(self.parts.sum(axis=0)))

    def contributions(self) -> np.ndarray:
        """Return what each unit adds to the score, (m,), summing to 0: the empirical influence function over m (Hampel 1974)."""
        total = self.parts.sum(axis=0).astype(np.complex128)
        steps = total + 1j * _STEP * np.eye(len(total))
        return np.asarray(self.parts @ (self.value(steps).imag / _STEP))


def metric_sums(
    kind: str,
    metric: str,
    true: np.ndarray,
    predicted: np.ndarray,
    classes: Sequence[str] = (),
    *,
    log_scale: float = 1.0,
) -> Sums:
    """Return a metric of `urbanbench.scoring.metrics.compute_metrics` as a function of sums.

    Parameters
    ----------
    kind, true, predicted, classes, log_scale
        As there.
    metric
        Any of the kind's metrics.

    Raises
    ------
    KeyError
        The kind has no such metric.
    """
    if kind == "regression":
        return _regression(metric, true, predicted, log_scale)
    if kind == "classification":
        return _classification(metric, true, predicted, classes)
    return _composition(metric, true, predicted)


def mean_of(values: np.ndarray) -> Sums:
    """Return the mean of values (m,) as a function of sums."""
    return Sums(np.column_stack([np.ones(len(values)), values]), lambda sums: sums[..., 1] / sums[..., 0])


def _regression(metric: str, true: np.ndarray, predicted: np.ndarray, log_scale: float) -> Sums:
    if metric == "r2_log":
        return _r2(
            np.log1p(true * log_scale)[:, None], np.log1p(np.maximum(predicted, 0.0) * log_scale)[:, None]
        )
    if metric == "r2":
        return _r2(true[:, None], predicted[:, None])
    if metric == "rmse":
        return _rmse(true[:, None], predicted[:, None])
    if metric == "mae":
        return mean_of(np.abs(predicted - true))
    raise KeyError(metric)


def _rmse(true: np.ndarray, predicted: np.ndarray) -> Sums:
    """Return the mean over columns of the root of the mean squared error."""
    return Sums(
        np.column_stack([np.ones(len(true)), (predicted - true) ** 2]),
        lambda sums: np.sqrt(sums[..., 1:] / sums[..., :1]).mean(axis=-1),
    )


def _r2(true: np.ndarray, predicted: np.ndarray) -> Sums:
    """Return the mean R² over the columns whose truth varies; NaN where none does."""
    centred = true - true.mean(axis=0)
    columns = true.shape[1]

    def value(sums: np.ndarray) -> np.ndarray:
        count, first, second, error = sums[..., :1], *np.split(sums[..., 1:], [columns, 2 * columns], axis=-1)
        spread = second - first**2 / count
        varies = spread.real > 1e-12 * np.maximum(second.real, 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(varies, 1.0 - error / np.where(varies, spread, 1.0), 0.0)
            return np.asarray(each.sum(axis=-1) / varies.sum(axis=-1))

    return Sums(np.column_stack([np.ones(len(true)), centred, centred**2, (predicted - true) ** 2]), value)


def _classification(metric: str, true: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Sums:
    if metric == "accuracy":
        return mean_of((true == predicted).astype(np.float64))
    names = list(classes)
    is_true = np.asarray(true)[:, None] == np.array(names, dtype=object)
    is_predicted = np.asarray(predicted)[:, None] == np.array(names, dtype=object)
    parts = np.column_stack([np.ones(len(true)), is_true & is_predicted, is_true, is_predicted]).astype(
        np.float64
    )
    weigh = _f1_weights(metric, names)

    def value(sums: np.ndarray) -> np.ndarray:
        both, held, said = np.split(sums[..., 1:], 3, axis=-1)
        seen = (held + said).real > 0
        f1 = np.where(seen, 2.0 * both / np.where(seen, held + said, 1.0), 0.0)
        weights = weigh(held, seen)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((weights * f1).sum(axis=-1) / weights.sum(axis=-1))

    return Sums(parts, value)


def _f1_weights(metric: str, names: Sequence[str]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the weights of the classes' F1, from true counts and whether a class is seen."""
    if metric == "f1_macro":
        return lambda held, seen: seen * np.ones_like(held)
    if metric == "f1_weighted":
        return lambda held, seen: held * seen
    if metric.startswith("f1[") and metric[3:-1] in names:
        alone = np.array([name == metric[3:-1] for name in names])
        return lambda held, seen: (seen & alone) * np.ones_like(held)
    raise KeyError(metric)


def _composition(metric: str, true: np.ndarray, predicted: np.ndarray) -> Sums:
    if metric == "r2":
        return _r2(true, predicted)
    if metric == "rmse":
        return _rmse(true, predicted)
    if metric == "mae":
        return mean_of(np.abs(predicted - true).mean(axis=1))
    if metric == "l1":
        return mean_of(np.abs(predicted - true).sum(axis=1))
    if metric == "cosine":
        norms = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
        return mean_of((true * predicted).sum(axis=1) / norms)
    if metric == "kl":
        p, q = (side + _SMOOTHING for side in (true, predicted))
        p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
        return mean_of((p * np.log(p / q)).sum(axis=1))
    raise KeyError(metric)
