"""Stacking: how much of a floor's and of a model's say goes into one prediction, learned from rows that neither was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["AS_IT_IS", "Stack", "fit_classes", "fit_numbers"]

_PRIOR_UNITS = 5.0
"""How many units speak for the floor as it is before any has been seen; each weighs as much as the label varies."""
_LEAST_CONFIDENCE = 0.05


@dataclass(frozen=True, eq=False)
class Stack:
    """A rule that makes one prediction of two; with ``model=0`` it gives what the floor alone gives.

    Parameters
    ----------
    alone
        Weight of the floor's numbers where they stand alone.
    floor, model
        Weights of the floor's and of the model's numbers together, not negative.
    centre, floor_centre, model_centre
        float64 (k,) or 0: what is added, and what is taken from either's numbers before they are weighed.
    overlap
        How much of the floor's numbers is taken from the model's; of classes only.
    """

    alone: float
    floor: float
    model: float
    centre: np.ndarray | float = 0.0
    floor_centre: np.ndarray | float = 0.0
    model_centre: np.ndarray | float = 0.0
    overlap: float = 0.0

    def of_floor(self, floor: np.ndarray) -> np.ndarray:
        """Return numbers (m, k) from the floor's alone."""
        return np.asarray(self.centre + self.alone * (floor - self.floor_centre))

    def of_both(self, floor: np.ndarray, model: np.ndarray) -> np.ndarray:
        """Return numbers (m, k) from the floor's and the model's."""
        own = floor - self.floor_centre
        beyond = model - self.model_centre - self.overlap * own
        return np.asarray(self.centre + self.floor * own + self.model * beyond)


AS_IT_IS = Stack(1.0, 1.0, 0.0)
"""Leaves the floor as it is: for training parts in which nothing can be held out."""


def fit_numbers(wanted: np.ndarray, floor: np.ndarray, model: np.ndarray) -> Stack:
    """Learn weights for values or shares: least squares with an intercept, drawn a little towards the floor as it is.

    Parameters
    ----------
    wanted, floor, model
        float64 (m, k): true and predicted numbers of the same rows, predicted by heads that were not fitted on them.
    """
    centres = [numbers.mean(axis=0) for numbers in (wanted, floor, model)]
    y, f, m = (numbers - centre for numbers, centre in zip((wanted, floor, model), centres, strict=True))
    prior = _PRIOR_UNITS * float((y * y).sum()) / len(y)
    if prior == 0:
        return Stack(1.0, 1.0, 0.0, *centres)
    ff, fm, mm = float((f * f).sum()) + prior, float((f * m).sum()), float((m * m).sum()) + prior
    fy, my = float((f * y).sum()) + prior, float((m * y).sum())
    alone = max(fy / ff, 0.0)
    both = np.array([fy * mm - my * fm, my * ff - fy * fm]) / (ff * mm - fm * fm)
    if both.min() < 0:
        edges = np.array([[alone, 0.0], [0.0, max(my / mm, 0.0)]])
        errors = [ff * a * a + mm * b * b - 2 * (fy * a + my * b) for a, b in edges]
        both = edges[int(np.argmin(errors))]
    return Stack(alone, float(both[0]), float(both[1]), *centres)


def fit_classes(wanted: np.ndarray, floor: np.ndarray, model: np.ndarray) -> Stack:
    """Learn weights for classes by logistic regression on logarithms of belief, without an intercept per class.

    An intercept would shift predictions towards some classes whatever the model says. For the same reason only that part of the model's
    numbers counts which a multiple of the floor's and a constant per class do not give. Alone, the floor predicts what it does anyway.

    Parameters
    ----------
    wanted
        float64 (m, k): 1 at the right class, else 0.
    floor, model
        float64 (m, k): logarithms of belief, by heads that were not fitted on these rows.
    """
    from scipy.optimize import minimize

    f, m = floor - floor.mean(axis=0), model - model.mean(axis=0)
    spread = float((f * f).sum())
    overlap = float((f * m).sum()) / spread if spread > 0 else 0.0
    parts = np.stack([floor, m - overlap * f])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = np.tensordot(weights, parts, axes=1)
        odds = odds - odds.max(axis=1, keepdims=True)
        total = np.log(np.exp(odds).sum(axis=1, keepdims=True))
        slope = ((np.exp(odds - total) - wanted) * parts).sum(axis=(1, 2))
        away = weights - (1.0, 0.0)
        return float(
            (wanted * (total - odds)).sum() + _PRIOR_UNITS * (away @ away) / 2
        ), slope + _PRIOR_UNITS * away

    bounds = [(_LEAST_CONFIDENCE, None), (0.0, None)]
    ends = {"ftol": 1e-15, "gtol": 1e-9}
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds, options=ends).x
    centre = model.mean(axis=0) - overlap * floor.mean(axis=0)
    return Stack(float(found[0]), float(found[0]), float(found[1]), model_centre=centre, overlap=overlap)
