"""Between a target's natural form and what a head fits; everything learned comes from training rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["dense_values", "fitted_values", "modelled_values", "natural_predictions", "whole_belief"]

_HEADROOM = 1.5


def modelled_values(targets: Targets) -> np.ndarray:
    """Return regression values on the scale heads model, float64 (n,): themselves or log1p(value * scale)."""
    if targets.log1p_scale is None:
        return np.asarray(targets.values, dtype=np.float64)
    return np.asarray(np.log1p(targets.values * targets.log1p_scale))


def fitted_values(targets: Targets) -> np.ndarray:
    """Return what a scikit-learn model fits: modelled values (n,), class names (n,) or shares (n, k)."""
    return modelled_values(targets) if targets.kind == "regression" else targets.values


def dense_values(targets: Targets) -> np.ndarray:
    """Return numbers that can be averaged, float64 (n, k): modelled values (k = 1), one-hot classes or shares."""
    if targets.kind == "regression":
        return modelled_values(targets)[:, None]
    if targets.kind == "classification":
        return np.asarray(targets.codes[:, None] == np.arange(len(targets.classes)), dtype=np.float64)
    return np.asarray(targets.values)


def natural_predictions(targets: Targets, split: Split, raw: np.ndarray) -> np.ndarray:
    """Return a model's answers in the target's natural form.

    Parameters
    ----------
    targets, split
        Give the scales, and limits learned from training rows.
    raw
        Regression: modelled values (m,) or (m, 1). Classes: names (m,) or scores (m, classes), the largest wins.
        Composition: (m, k), any numbers.

    Returns
    -------
    np.ndarray
        Regression: float64 (m,) in the natural unit; where log1p is modelled, clipped to [0, 1.5 x the largest
        training value], for else one extrapolated log value becomes astronomic and decides the RMSE alone. Classes: names (m,).
        Composition: shares (m, k), clipped at 0 and scaled to 1; the training mean where nothing is positive.
    """
    if targets.kind == "classification":
        return raw if raw.ndim == 1 else np.array(targets.classes, dtype=object)[raw.argmax(axis=1)]
    raw = np.asarray(raw, dtype=np.float64)
    if targets.kind == "composition":
        return _shares(raw, targets.values[split.train].mean(axis=0))
    raw = raw.reshape(len(raw))
    if targets.log1p_scale is None:
        return raw
    upper = _HEADROOM * float(targets.values[split.train].max())
    ceiling = np.log1p(upper * targets.log1p_scale)
    return np.asarray(np.clip(np.expm1(np.minimum(raw, ceiling)) / targets.log1p_scale, 0.0, upper))


def whole_belief(targets: Targets, shares: np.ndarray, known: Iterable[str]) -> np.ndarray:
    """Return how much speaks for each class of the targets, float64 (m, classes), rows scaled to 1.

    Parameters
    ----------
    targets
        Of classes.
    shares
        float (m, k), not negative, positive somewhere in each row; a column for each class that the model has met in training.
    known
        The k class names; the others get 0.
    """
    belief = np.zeros((len(shares), len(targets.classes)))
    belief[:, [targets.classes.index(name) for name in known]] = shares
    return np.asarray(belief / belief.sum(axis=1, keepdims=True))


def _shares(raw: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    positive = np.clip(raw, 0.0, None)
    positive[positive.sum(axis=1) == 0] = otherwise
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))
