"""Between a network's numbers and the target's natural form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.targets import Targets

__all__ = ["largest", "natural_form"]


def largest(targets: Targets) -> float:
    """Return what regression values are divided by: the largest of all units, test units included, as CityFM's code has it."""
    return float(targets.values.max()) or 1.0


def natural_form(outputs: np.ndarray, targets: Targets) -> np.ndarray:
    """Return a network's outputs (n, k) as values in the natural unit, names of the largest class, or shares by softmax."""
    if targets.kind == "classification":
        return np.asarray(np.array(targets.classes, dtype=object)[outputs.argmax(axis=1)])
    if targets.kind == "regression":
        return np.asarray(outputs[:, 0] * largest(targets))
    odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
