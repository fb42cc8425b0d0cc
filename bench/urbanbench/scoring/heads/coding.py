"""Between a target's natural form and what a head fits; everything learned comes from training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.splits import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["LogLimits", "modelled_values", "natural_shares", "natural_values", "train_limits"]

_HEADROOM = 1.5


@dataclass(frozen=True)
class LogLimits:
    """Range [0, upper] that predictions are clipped to when a head models log1p.

    Without it one extrapolated log value becomes an astronomic natural value and decides the RMSE alone. `upper` is
    1.5 times the largest training value.
    """

    upper: float


def train_limits(targets: Targets, split: Split) -> LogLimits:
    """Return the limits learned from the training rows."""
    return LogLimits(_HEADROOM * float(targets.values[split.train].max()))


def modelled_values(targets: Targets) -> np.ndarray:
    """Return regression values on the scale heads model, float64 (n,): themselves or log1p(value * scale)."""
    if targets.log1p_scale is None:
        return np.asarray(targets.values, dtype=np.float64)
    return np.log1p(targets.values * targets.log1p_scale)


def natural_values(targets: Targets, split: Split, modelled: np.ndarray) -> np.ndarray:
    """Return modelled predictions (m,) in the natural unit; clipped to `LogLimits` in the log case only."""
    modelled = np.asarray(modelled, dtype=np.float64)
    if targets.log1p_scale is None:
        return modelled
    upper = train_limits(targets, split).upper
    ceiling = np.log1p(upper * targets.log1p_scale)
    return np.clip(np.expm1(np.minimum(modelled, ceiling)) / targets.log1p_scale, 0.0, upper)


def natural_shares(targets: Targets, split: Split, raw: np.ndarray) -> np.ndarray:
    """Return raw predictions (m, k) as shares: clipped at 0, rows scaled to 1.

    Rows without any positive number become the mean shares of the training rows.
    """
    shares = np.clip(np.asarray(raw, dtype=np.float64), 0.0, None)
    totals = shares.sum(axis=1, keepdims=True)
    mean = targets.values[split.train].mean(axis=0)
    shares = np.where(totals > 0, shares / np.where(totals > 0, totals, 1.0), mean)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
