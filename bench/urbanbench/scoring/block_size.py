"""Block size: how far a label is like itself, from its empirical variogram."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["autocorrelation_range_m", "empirical_variogram", "fit_range_m", "resolve_block_size"]

_MAX_UNITS = 2000
_LAGS = 30
_CANDIDATES = 200
_MIN_BLOCKS = 25
_SHRINK = 0.97
_SKEWED = 1.0

_RANGES: WeakKeyDictionary[Targets, float] = WeakKeyDictionary()
"""Ranges of targets that are still in use: several rungs ask for the same."""


def resolve_block_size(targets: Targets, protocol: Protocol) -> float:
    """Return the side of the blocks in metres: the protocol's, else the label's autocorrelation range within limits.

    The range is lowered until at least 25 blocks hold units (with a corner at the units' south-west), for fewer could
    not be split fairly; it is never lower than the median distance from a unit to its nearest neighbour.
    """
    if protocol.block_size_m is not None:
        return float(protocol.block_size_m)
    spacing = _median_spacing(targets.xy)
    size = autocorrelation_range_m(targets)
    offset = targets.xy - targets.xy.min(axis=0)
    while size > spacing and len(np.unique(np.floor(offset / size), axis=0)) < _MIN_BLOCKS:
        size *= _SHRINK
    return float(max(size, spacing))


def autocorrelation_range_m(targets: Targets) -> float:
    """Return the distance in metres beyond which two units' labels are no longer alike.

    Skewed non-negative values (skewness above 1) enter as log1p; classes as one column of 0 and 1 per class,
    compositions as their columns, and the columns' ranges are averaged with their variances as weights. At most 2,000
    units are used, drawn with a fixed seed. The result lies between the median nearest-neighbour distance and half
    the diagonal of the units' bounding box.
    """
    if targets not in _RANGES:
        _RANGES[targets] = _range_m(targets)
    return _RANGES[targets]


def _range_m(targets: Targets) -> float:
    rows = np.arange(len(targets))
    if len(rows) > _MAX_UNITS:
        rows = np.sort(generator(0, "variogram").choice(np.argsort(targets.ids), _MAX_UNITS, replace=False))
    xy, columns = targets.xy[rows], _variogram_columns(targets)[rows]
    variances = columns.var(axis=0)
    spacing, reach = _median_spacing(targets.xy), float(np.hypot(*np.ptp(targets.xy, axis=0))) / 2
    if variances.sum() == 0 or reach <= spacing:
        return spacing
    ranges = [
        fit_range_m(*empirical_variogram(xy, column, reach_m=reach)) if variance > 0 else 0.0
        for column, variance in zip(columns.T, variances, strict=True)
    ]
    return float(np.clip(np.average(ranges, weights=variances), spacing, reach))


def empirical_variogram(
    xy: np.ndarray, values: np.ndarray, *, reach_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean distance (m), semivariance and number of pairs per lag, each (lags,), of the occupied lags.

    Matheron's estimator: half the mean squared difference over the pairs of a lag; 30 lags of equal width up to
    `reach_m`.

    Parameters
    ----------
    xy
        Positions (n, 2) in metres.
    values
        Values (n,).
    reach_m
        Longest distance looked at, in metres.
    """
    from scipy.spatial.distance import pdist

    distance, half_square = pdist(xy), pdist(values[:, None], "sqeuclidean") / 2
    near = (distance > 0) & (distance <= reach_m)
    lag = np.minimum((distance[near] / reach_m * _LAGS).astype(np.int64), _LAGS - 1)
    pairs = np.bincount(lag, minlength=_LAGS)
    used = pairs > 0
    mean_distance = np.bincount(lag, weights=distance[near], minlength=_LAGS)[used] / pairs[used]
    return (
        mean_distance,
        np.bincount(lag, weights=half_square[near], minlength=_LAGS)[used] / pairs[used],
        pairs[used],
    )


def fit_range_m(distance_m: np.ndarray, semivariance: np.ndarray, pairs: np.ndarray) -> float:
    """Fit nugget + sill * model(distance / range) by weighted least squares and return the practical range in metres.

    The models are the exponential one, ``1 - exp(-3 h / a)`` (95 % of the sill at the range a), and the spherical one,
    ``1.5 h/a - 0.5 (h/a)³`` up to a. Weights are pairs / distance² (Cressie 1985, as in gstat), so the short lags count
    most. The range is searched on 200 values from a fifth of the first lag to the last lag, nugget and sill follow in
    closed form with both >= 0. Without any rise the first value is returned.
    """
    weights = pairs / distance_m**2
    best, lowest = 0.0, np.inf
    for candidate in np.geomspace(distance_m[0] / 5, distance_m[-1], _CANDIDATES):
        ratio = distance_m / candidate
        clipped = np.minimum(ratio, 1.0)
        for shape in (1 - np.exp(-3 * ratio), 1.5 * clipped - 0.5 * clipped**3):
            error = _line_error(shape, semivariance, weights)
            if error < lowest * (1 - 1e-9):
                best, lowest = float(candidate), error
    return best


def _line_error(shape: np.ndarray, semivariance: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted squared error of semivariance ~ nugget + sill * shape with nugget, sill >= 0."""
    total = weights.sum()
    x, y = (weights @ shape) / total, (weights @ semivariance) / total
    spread = weights @ (shape - x) ** 2
    sill = max(float(weights @ ((shape - x) * (semivariance - y)) / spread), 0.0) if spread > 0 else 0.0
    if y - sill * x < 0:
        sill = float((weights @ (shape * semivariance)) / (weights @ shape**2))
        return float(weights @ (semivariance - sill * shape) ** 2)
    return float(weights @ (semivariance - y - sill * (shape - x)) ** 2)


def _variogram_columns(targets: Targets) -> np.ndarray:
    if targets.kind == "classification":
        return np.asarray(targets.codes[:, None] == np.arange(len(targets.classes)), dtype=np.float64)
    if targets.kind == "composition":
        return np.asarray(targets.values)
    values = np.asarray(targets.values)
    spread = values.std()
    skewed = spread > 0 and values.min() >= 0 and np.mean(((values - values.mean()) / spread) ** 3) > _SKEWED
    return (np.log1p(values * targets.report_log_scale) if skewed else values)[:, None]


def _median_spacing(xy: np.ndarray) -> float:
    from scipy.spatial import cKDTree

    places = np.unique(xy, axis=0)
    if len(places) < 2:
        return 1.0
    return float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))
