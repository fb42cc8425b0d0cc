"""What regions are compared by: their POIs' categories, the trips of their day, or their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused
from urbanbench.models._musecl.likeness import Cosines, Likeness, Nearness
from urbanbench.toolkit.ground.places import centres, region_rows

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._musecl.words import Places

HOURS = 24
ROUND_OFF = 1e-12
"""A column whose values differ by less is constant."""


def likeness_of(kind: str, view: View, places: Places) -> Likeness:
    """Return how alike the regions of a view are.

    Parameters
    ----------
    kind
        "poi", the cosine of counts of POIs by category (paper, Eq. 4); "mobility", the cosine of `day_of_trips` (Eq. 2); or "spatial", nearness.
    view
        Trips are read for "mobility".
    places
        POIs of its regions.

    Raises
    ------
    RunRefused
        Mobility is asked for and no trips may be seen.
    """
    if kind == "poi":
        return Cosines(places.histogram())
    if kind == "spatial":
        return Nearness(centres(np.asarray(view.regions.geometry)))
    if not view.has("flow"):
        msg = f"MuseCL with sv_positive='mobility' needs trips between regions (input 'flow'). City {view.city_name!r} shows none here. Choose --set sv_positive=poi or spatial, or auto."
        raise RunRefused(msg)
    return Cosines(day_of_trips(view))


def day_of_trips(view: View) -> np.ndarray:
    """Return log1p of the trips that reach and leave each region in every hour, as z-scores over the regions with trips.

    Returns
    -------
    numpy.ndarray
        float64 (n_regions, 48): into the region by hour, then out of it; (n_regions, 2) where trips come without their hours.
        Zeros for regions without trips.
    """
    flows = view.flows
    timed = "hour" in flows
    slots = HOURS if timed else 1
    hour = flows["hour"].to_numpy(dtype=np.int64) if timed else np.zeros(len(flows), dtype=np.int64)
    trips = flows["trips"].to_numpy(dtype=np.float64)
    counts = []
    for end in ("destination_id", "origin_id"):
        region = region_rows(view, flows[end].tolist())
        inside = region >= 0
        slot = region[inside] * slots + hour[inside]
        counts.append(
            np.bincount(slot, weights=trips[inside], minlength=len(view.region_ids) * slots).reshape(
                -1, slots
            )
        )
    return _scored(np.log1p(np.hstack(counts)))


def _scored(values: np.ndarray) -> np.ndarray:
    """Return z-scores by column over the rows that are not all zero; zeros in other rows and in columns without a spread."""
    has = np.asarray(values.any(axis=1))
    if not has.any():
        return values
    mean, deviation = values[has].mean(axis=0), values[has].std(axis=0)
    spread = deviation > ROUND_OFF
    scores = (values - mean) / np.where(spread, deviation, 1.0)
    return np.where(has[:, None] & spread, scores, 0.0)
