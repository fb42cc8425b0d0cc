"""What trips say of a region: how many leave and reach it, and at what hours (the paper's Section V-D, "adaptability")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.city.view import View

HOURS = 24
FEATURES = 2 * (1 + HOURS)
"""Number of features: trips out and in, in total and by hour."""


@dataclass(frozen=True, eq=False)
class Flows:
    """Trip features of the regions of a view.

    Parameters
    ----------
    features
        float32 (n_regions, 50): z-scores, zeros for regions without trips, and for all hours where trips come without theirs.
    has
        bool (n_regions,): regions that any trip leaves or reaches.
    scale
        float64 (2, 50): mean and standard deviation of the z-scores; those of this city, or of the one that was learned from.
    """

    features: np.ndarray
    has: np.ndarray
    scale: np.ndarray


def flow_features(view: View, scale: np.ndarray | None = None) -> Flows | None:
    """Return log1p of trips out of and into every region, in total and in each hour, as z-scores.

    Mean and deviation are those of the regions with trips. Ends outside of the regions do not count; a trip within a region
    counts out and in. None where flows may not be seen or no trip touches a region.

    Parameters
    ----------
    view
        `flow` is read if allowed.
    scale
        Mean and deviation of the city that was learned from; this city's where left out.
    """
    if not view.has("flow"):
        return None
    frame = view.flows
    row = {one: place for place, one in enumerate(view.region_ids)}
    trips = frame["trips"].to_numpy(dtype=np.float64)
    hour = frame["hour"].to_numpy(dtype=np.int64) if "hour" in frame else None
    columns = [
        _per_region(
            np.fromiter((row.get(one, -1) for one in frame[end]), dtype=np.int64, count=len(frame)),
            trips,
            hour,
            len(row),
        )
        for end in ("origin_id", "destination_id")
    ]
    counts = np.hstack(columns)
    has = np.asarray(counts.any(axis=1))
    if not has.any():
        return None
    values = np.log1p(counts)
    used = np.stack([values[has].mean(axis=0), values[has].std(axis=0)]) if scale is None else scale
    return Flows(_scored(values, has, used), has, used)


def _per_region(region: np.ndarray, trips: np.ndarray, hour: np.ndarray | None, n: int) -> np.ndarray:
    """Sum trips by region, and by region and hour if hours are known, (n, 25)."""
    inside = region >= 0
    total = np.bincount(region[inside], weights=trips[inside], minlength=n)[:, None]
    if hour is None:
        return np.hstack([total, np.zeros((n, HOURS))])
    slot = region[inside] * HOURS + hour[inside]
    hourly = np.bincount(slot, weights=trips[inside], minlength=n * HOURS).reshape(n, HOURS)
    return np.hstack([total, hourly])


def _scored(values: np.ndarray, has: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return z-scores by column in the rows of `has`; zeros in other rows and in columns that were the same everywhere."""
    mean, deviation = scale
    scores = (values - mean) / np.where(deviation > 1e-12, deviation, 1.0)
    return np.where(has[:, None] & (deviation > 1e-12), scores, 0.0).astype(np.float32)
