"""Trips between the regions of toyville: a gravity model with the daily rhythm of commuting."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from urbanbench.datasets._toyville_latents import Latents
from urbanbench.datasets._toyville_plan import BLOCK_M, Floats, Plan, stream

TRIPS_A_REGION = 400.0
REACH_M = 2_500.0
"""Distance over which trips fall by a factor of e."""


def build_flows(plan: Plan, latents: Latents) -> pa.Table:
    """Draw trips from each region to its most attractive neighbours.

    What a region sends grows with the density it shows to this layer, what it attracts with the access it shows.
    """
    from scipy.spatial import cKDTree

    rng = stream(plan.seed, "flows")
    size = plan.size
    near = min(len(plan.region_xy), 3 * size.partners)
    distance, other = cKDTree(plan.region_xy).query(plan.region_xy, k=near)
    pull = np.exp(0.7 * latents.shown["flow_in"])[other] * np.exp(-(distance + BLOCK_M) / REACH_M)
    best = np.argsort(-pull, axis=1, kind="stable")[:, : size.partners]
    pull, other = (np.take_along_axis(table, best, axis=1) for table in (pull, other))
    # Attraction enters the level as well: a region near attractive ones travels more.
    level = TRIPS_A_REGION * np.exp(0.7 * latents.shown["flow_out"]) / pull.mean()
    expected = level[:, None] * pull / size.partners
    origin = np.repeat(np.arange(len(other)), other.shape[1])
    rate = expected.ravel()[:, None] * (_hours() if size.hourly else np.ones((1, 1)))
    trips = rng.poisson(rate)
    pair, hour = np.nonzero(trips)
    names = np.array(plan.region_ids, dtype=object)
    columns = {
        "origin_id": pa.array(names[origin[pair]], pa.string()),
        "destination_id": pa.array(names[other.ravel()[pair]], pa.string()),
    }
    if size.hourly:
        columns["hour"] = pa.array(hour, pa.int32())
    columns["trips"] = pa.array(trips[pair, hour].astype(np.float64), pa.float64())
    return pa.table(columns)


def _hours() -> Floats:
    """Return the share of the day's trips in each hour, (1, 24), with peaks at 8 and 18 o'clock."""
    hour = np.arange(24)
    rhythm = (
        0.15
        + np.exp(-((hour - 8) ** 2) / 4)
        + 0.8 * np.exp(-((hour - 18) ** 2) / 6)
        + 0.4 * (abs(hour - 13) < 5)
    )
    return np.asarray(rhythm / rhythm.sum())[None]
