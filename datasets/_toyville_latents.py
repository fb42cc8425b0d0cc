"""What toyville hides: region latents, block types, and the statistics each layer shows of them.

Every region has a density, a wealth and an access (about standard normal: a smooth trend over the city plus a local
part) and a character (suburb, quarter, centre, ...), from which the types of its blocks are drawn. A layer never
sees a latent itself: it is drawn from *shown* statistics, latent + Gaussian noise of known standard deviation
(`SHOWN`), and from the block types. So the best possible use of a layer can be computed (see `_toyville_ceiling`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.datasets._toyville_plan import BLOCK_M, CENTRE, Flags, Floats, Ints, Plan, stream

TYPES = (
    "residential",
    "mixed",
    "commercial",
    "industrial",
    "educational",
    "civic",
    "transport",
    "recreation",
)
"""Block types and building functions."""
CHARACTERS = ("suburb", "quarter", "centre", "works", "campus", "green", "hub")

TREND_SHARE = {"density": 0.45, "wealth": 0.35, "access": 0.6}
"""Share of each latent's variance that is smooth over the city."""

SHOWN = {
    "cover": ("density", 0.55),
    "height": ("density", 0.55),
    "poi_count": ("density", 0.8),
    "poi_tier": ("wealth", 1.1),
    "road_density": ("density", 0.9),
    "road_access": ("access", 0.7),
    "green": ("wealth", 0.5),
    "facade": ("wealth", 0.5),
    "cars": ("wealth", 0.9),
    "storeys": ("density", 1.0),
    "canopy": ("wealth", 1.4),
    "flow_out": ("density", 0.9),
    "flow_in": ("access", 0.9),
}
"""Shown statistic -> (latent, standard deviation of the noise)."""

# Rows: characters; columns: block types.
TYPE_GIVEN_CHARACTER = np.array(
    [
        [0.74, 0.08, 0.02, 0.01, 0.05, 0.03, 0.01, 0.06],
        [0.30, 0.42, 0.10, 0.02, 0.04, 0.05, 0.02, 0.05],
        [0.06, 0.24, 0.50, 0.02, 0.03, 0.07, 0.04, 0.04],
        [0.06, 0.03, 0.12, 0.68, 0.02, 0.02, 0.05, 0.02],
        [0.16, 0.07, 0.06, 0.02, 0.42, 0.18, 0.02, 0.07],
        [0.05, 0.02, 0.01, 0.01, 0.03, 0.03, 0.01, 0.84],
        [0.08, 0.12, 0.20, 0.12, 0.02, 0.06, 0.36, 0.04],
    ]
)
# Rows: type of the block; columns: function of a building on it.
FUNCTION_GIVEN_TYPE = np.array(
    [
        [0.84, 0.06, 0.02, 0.01, 0.02, 0.02, 0.01, 0.02],
        [0.22, 0.60, 0.10, 0.01, 0.02, 0.03, 0.01, 0.01],
        [0.03, 0.16, 0.72, 0.02, 0.01, 0.03, 0.02, 0.01],
        [0.03, 0.02, 0.12, 0.77, 0.01, 0.01, 0.03, 0.01],
        [0.07, 0.02, 0.02, 0.01, 0.74, 0.08, 0.01, 0.05],
        [0.08, 0.05, 0.05, 0.01, 0.10, 0.67, 0.01, 0.03],
        [0.02, 0.04, 0.14, 0.08, 0.01, 0.02, 0.68, 0.01],
        [0.06, 0.02, 0.05, 0.01, 0.05, 0.08, 0.01, 0.72],
    ]
)
MISSING = ("poi", "polygon", "street_view")
MISSING_SHARE = 0.02
"""Share of the regions without any data of a layer, for each layer in `MISSING`; at least two regions."""


@dataclass(frozen=True)
class Latents:
    """The hidden truth of a city.

    Attributes
    ----------
    hidden
        density, wealth, access -> (r,), about standard normal.
    trend
        The smooth part of each, (r,): all that place alone can tell.
    character_odds
        Probability of each character by place, (r, characters).
    character
        Row in `CHARACTERS` of each region, (r,).
    block_type
        Row in `TYPES` of each block, (b,).
    shown
        Statistics that the layers are drawn from, name of `SHOWN` -> (r,).
    missing
        Layer -> regions without its data, (r,).
    """

    hidden: dict[str, Floats]
    trend: dict[str, Floats]
    character_odds: Floats
    character: Ints
    block_type: Ints
    shown: dict[str, Floats]
    missing: dict[str, Flags]


def draw_latents(plan: Plan) -> Latents:
    """Draw latents, block types and shown statistics for a plan."""
    odds = _character_odds(plan, stream(plan.seed, "zones"))
    rng = stream(plan.seed, "types")
    character = choose(odds, rng)
    block_type = choose(TYPE_GIVEN_CHARACTER[character][plan.block_region], rng)
    trend = _trends(plan, block_type, stream(plan.seed, "trends"))
    rng = stream(plan.seed, "locals")
    values = {
        name: trend[name] + np.sqrt(1 - share) * rng.standard_normal(len(odds))
        for name, share in TREND_SHARE.items()
    }
    rng = stream(plan.seed, "shown")
    shown = {name: values[latent] + rng.normal(0, sd, len(odds)) for name, (latent, sd) in SHOWN.items()}
    return Latents(
        values, trend, odds, character, block_type, shown, _missing(plan, stream(plan.seed, "missing"))
    )


def choose(odds: Floats, rng: np.random.Generator) -> Ints:
    """Draw one column for each row of probabilities (n, k)."""
    steps = np.cumsum(odds, axis=1)
    drawn = rng.random((len(odds), 1)) * steps[:, -1:]
    return np.asarray((steps < drawn).sum(axis=1), dtype=np.int64)


def field(xy: Floats, radius_m: float, rng: np.random.Generator) -> Floats:
    """Draw a smooth random field at points (n, 2), standardised over them.

    The field is a sum of 16 plane waves of 0.6 to 2.5 city radii.
    """
    length = np.exp(rng.uniform(np.log(0.6), np.log(2.5), 16)) * radius_m
    angle, phase = rng.uniform(0, 2 * np.pi, (2, 16))
    waves = 2 * np.pi / length * np.stack([np.cos(angle), np.sin(angle)])
    return standardise(np.cos((xy - np.array(CENTRE)) @ waves + phase) @ np.sqrt(length))


def standardise(values: Floats) -> Floats:
    """Shift and scale to mean 0 and variance 1."""
    return np.asarray((values - values.mean()) / values.std())


def shares(plan: Plan, block_type: Ints) -> Floats:
    """Return the share of each block type in the blocks of each region, (r, types)."""
    count = len(plan.region_xy)
    key = plan.block_region * len(TYPES) + block_type
    table = np.bincount(key, minlength=count * len(TYPES)).reshape(count, len(TYPES))
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _character_odds(plan: Plan, rng: np.random.Generator) -> Floats:
    """Return the probability of each character by distance to the centre and three zoning fields."""
    xy, radius = plan.region_xy, plan.radius_m
    core = np.exp(-((np.hypot(*(xy - np.array(CENTRE)).T) / (0.45 * radius)) ** 2))
    works, green, campus = (field(xy, radius, rng) for _ in range(3))
    score = np.stack(
        [
            1.6 - 1.6 * core,
            0.2 + 1.3 * core,
            -1.6 + 3.2 * core,
            -1.1 + 1.2 * works - 1.5 * core,
            -1.4 + 0.8 * campus,
            -1.2 + 1.0 * green,
            -2.0 + 0.5 * works,
        ],
        axis=1,
    )
    score[plan.pocket] = np.where(np.arange(len(CHARACTERS)) == CHARACTERS.index("green"), 9.0, -9.0)
    odds = np.exp(score)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _trends(plan: Plan, block_type: Ints, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the smooth parts: density falls from the centre, access with the way to centre and stations."""
    from scipy.spatial import cKDTree

    xy, radius = plan.region_xy, plan.radius_m
    centre_m = np.hypot(*(xy - np.array(CENTRE)).T)
    stations = plan.corners[block_type == TYPES.index("transport")].mean(axis=1)
    station_m = cKDTree(np.concatenate([stations, [CENTRE]])).query(xy)[0]
    raw = {
        "density": 1.1 * standardise(np.exp(-centre_m / (0.5 * radius))) + field(xy, radius, rng),
        "wealth": field(xy, radius, rng) + 0.3 * standardise(centre_m),
        "access": standardise(-centre_m) + 0.7 * standardise(-np.log(station_m + 2 * BLOCK_M)),
    }
    return {name: np.sqrt(TREND_SHARE[name]) * standardise(values) for name, values in raw.items()}


def _missing(plan: Plan, rng: np.random.Generator) -> dict[str, Flags]:
    """Choose the regions that have no data of a layer."""
    count = len(plan.region_xy)
    blank = {}
    for layer in MISSING:
        rows = rng.choice(count, max(2, round(MISSING_SHARE * count)), replace=False)
        blank[layer] = np.isin(np.arange(count), rows)
    return blank
