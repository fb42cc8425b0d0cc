"""Points of interest of toyville: how many, where, of which kind, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanbench.datasets._toyville_buildings import Buildings
from urbanbench.datasets._toyville_latents import Latents, choose
from urbanbench.datasets._toyville_plan import Floats, Ints, Plan, stream
from urbanbench.datasets._toyville_words import (
    CATEGORIES,
    CATEGORY_ODDS,
    CUISINE,
    FIRST,
    HOURS,
    KINDS,
    LAST,
    NAMED,
    TIERS,
)
from urbanbench.datasets._toyville_writing import TagColumn, only_where

BUSY = np.array([1.0, 2.0, 2.4, 0.7, 1.2, 1.3, 2.0, 0.6])
"""Relative number of places on a block of each type."""
INDOORS = 0.5
"""Share of the places that lie in a building, on blocks that have one."""


@dataclass(frozen=True)
class Pois:
    """One row per place.

    Attributes
    ----------
    block
        Row of the block, (n,).
    building
        Row of the building that the place lies in, or -1, (n,).
    category, tier
        Rows in `CATEGORIES` and `TIERS`, (n,).
    xy
        Position, (n, 2), metres.
    block_rate
        Expected number of places of each block if it were of each type, (b, types).
    """

    block: Ints
    building: Ints
    category: Ints
    tier: Ints
    xy: Floats
    block_rate: Floats


def build_pois(plan: Plan, latents: Latents, buildings: Buildings) -> Pois:
    """Scatter the size's number of places over blocks and buildings."""
    rng = stream(plan.seed, "pois")
    region = plan.block_region
    appeal = np.where(latents.missing["poi"][region], 0.0, np.exp(0.7 * latents.shown["poi_count"][region]))
    rate = appeal * BUSY[latents.block_type]
    block = np.repeat(np.arange(len(rate)), rng.multinomial(plan.size.pois, rate / rate.sum()))
    building = _pick_buildings(block, buildings, len(rate), rng)
    function = np.where(building >= 0, buildings.function[building], latents.block_type[block])
    category = choose(CATEGORY_ODDS[function], rng)
    tier = _tiers(latents.shown["poi_tier"][region[block]], rng)
    block_rate = plan.size.pois / rate.sum() * appeal[:, None] * BUSY
    return Pois(
        block, building, category, tier, _positions(plan, block, building, buildings, rng), block_rate
    )


def _pick_buildings(block: Ints, buildings: Buildings, blocks: int, rng: np.random.Generator) -> Ints:
    """Choose a building of the block for about half of the places; -1 is the open air."""
    many = np.bincount(buildings.block, minlength=blocks)
    first = np.cumsum(many) - many
    indoors = (rng.random(len(block)) < INDOORS) & (many[block] > 0)
    pick = first[block] + (rng.random(len(block)) * many[block]).astype(np.int64)
    return np.where(indoors, pick, -1)


def _tiers(shown: Floats, rng: np.random.Generator) -> Ints:
    """Draw plain, middle or fine for each place by what its region shows of wealth."""
    score = 1.1 * shown + rng.logistic(0, 1, len(shown))
    return (score > -0.8).astype(np.int64) + (score > 0.8)


def _positions(
    plan: Plan, block: Ints, building: Ints, buildings: Buildings, rng: np.random.Generator
) -> Floats:
    """Place outdoor points between the street and the block's middle, indoor points within their building."""
    u, v = rng.uniform(0.06, 0.94, (2, len(block), 1))
    corners = plan.corners[block]
    outside = (corners[:, 0] * (1 - u) + corners[:, 1] * u) * (1 - v) + (
        corners[:, 3] * (1 - u) + corners[:, 2] * u
    ) * v
    inside = buildings.anchor[building] + rng.uniform(-1.2, 1.2, (len(block), 2))
    return np.where((building >= 0)[:, None], inside, outside)


def poi_tags(plan: Plan, pois: Pois) -> list[TagColumn]:
    """Return the tag columns: the kind, name, cuisine and opening hours."""
    rng = stream(plan.seed, "poi tags")
    key, value = _kinds(pois, rng)
    named = rng.random(len(key)) < NAMED[pois.category]
    eats = np.isin(value, ["restaurant", "cafe", "fast_food"]) & (rng.random(len(key)) < 0.6)
    opens = (pois.category < CATEGORIES.index("office")) & (rng.random(len(key)) < 0.35)
    return [
        (key, value),
        ("name", only_where(named, _names(pois, rng))),
        ("cuisine", only_where(eats, _by_tier(CUISINE, pois.tier, rng))),
        ("opening_hours", only_where(opens, _by_tier(HOURS, pois.tier, rng))),
    ]


def _kinds(pois: Pois, rng: np.random.Generator) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Draw key and value: within a category, wealth tilts the odds."""
    key, value = np.empty((2, len(pois.block)), dtype=object)
    drawn = rng.random(len(pois.block))
    for number, category in enumerate(CATEGORIES):
        kinds = KINDS[category]
        keys, values = (
            np.array([getattr(kind, part) for kind in kinds], dtype=object) for part in ("key", "value")
        )
        for tier in range(len(TIERS)):
            rows = np.flatnonzero((pois.category == number) & (pois.tier == tier))
            odds = np.array([kind.weight * np.exp(kind.tilt * (tier - 1)) for kind in kinds])
            pick = np.searchsorted(np.cumsum(odds / odds.sum())[:-1], drawn[rows])
            key[rows], value[rows] = keys[pick], values[pick]
    return key, value


def _by_tier(
    words: Mapping[str, tuple[str, ...]], tier: Ints, rng: np.random.Generator
) -> NDArray[np.object_]:
    """Draw a word of each place's tier."""
    width = min(len(row) for row in words.values())
    table = np.array([words[name][:width] for name in TIERS], dtype=object)
    return np.asarray(table[tier, rng.integers(0, width, len(tier))])


def _names(pois: Pois, rng: np.random.Generator) -> NDArray[np.object_]:
    """Make names of a first word that follows wealth and a last word that follows the category."""
    width = max(len(words) for words in LAST.values())
    table = np.array(
        [[LAST[name][k % len(LAST[name])] for k in range(width)] for name in CATEGORIES], dtype=object
    )
    last = table[pois.category, rng.integers(0, width, len(pois.block))]
    return np.asarray(_by_tier(FIRST, pois.tier, rng) + " " + last)
