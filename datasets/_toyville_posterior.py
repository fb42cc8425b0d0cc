"""The exact posterior of toyville's hidden truth given a set of inputs.

Density, wealth and access: a Gaussian prior (trend and local variance) and one Gaussian observation for each shown
statistic. Block types: a finite sum over the characters of the region, with the likelihoods of `_toyville_evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.datasets._toyville_evidence import Evidence, Sample, log_sum
from urbanbench.datasets._toyville_latents import (
    FUNCTION_GIVEN_TYPE,
    SHOWN,
    TREND_SHARE,
    TYPE_GIVEN_CHARACTER,
    TYPES,
)
from urbanbench.datasets._toyville_plan import Flags, Floats, Ints, stream
from urbanbench.datasets._toyville_town import Town

STATISTICS = {
    "poi": ("poi_count", "poi_tier"),
    "polygon": ("cover", "height"),
    "road": ("road_density", "road_access"),
    "street_view": ("green", "facade", "cars", "storeys", "road_access"),
    "satellite": ("cover", "height", "road_density", "road_access", "canopy"),
    "flow": ("flow_out", "flow_in"),
    "coordinates": (),
}
"""Input -> shown statistics that it carries."""
DRAWS = 200
"""Posterior draws for each region."""


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the latents of some regions; arrays (regions, draws) and shares (regions, draws, types)."""

    density: Floats
    wealth: Floats
    access: Floats
    share: Floats


def draw_posterior(town: Town, sample: Sample, evidence: Evidence, inputs: frozenset[str]) -> Draws:
    """Draw the latents of the sampled regions given the trend and what a set of inputs shows."""
    rng = stream(
        town.seed, "ceiling"
    )  # The same numbers for every set: differences between sets are then less noisy.
    names = ("density", "wealth", "access")
    latents = {name: _gaussian(town, name, inputs, sample.regions, rng) for name in names}
    return Draws(**latents, share=_draw_shares(town, sample, evidence, rng))


def _gaussian(
    town: Town, name: str, inputs: frozenset[str], regions: Ints, rng: np.random.Generator
) -> Floats:
    """Draw one latent: the prior is the trend, each shown statistic is one observation."""
    truth = town.latents
    weight = np.full(len(regions), 1 / (1 - TREND_SHARE[name]))
    total = weight * truth.trend[name][regions]
    for statistic in sorted({part for layer in inputs for part in STATISTICS[layer]}):
        latent, sd = SHOWN[statistic]
        if latent == name:
            seen = ~_hidden(town, statistic, inputs)[regions] / sd**2
            weight, total = weight + seen, total + seen * truth.shown[statistic][regions]
    noise = rng.standard_normal((len(regions), DRAWS)) / np.sqrt(weight)[:, None]
    return np.asarray((total / weight)[:, None] + noise)


def _hidden(town: Town, statistic: str, inputs: frozenset[str]) -> Flags:
    """Tell in which regions a statistic cannot be seen because the layers that carry it have no data there."""
    blank = town.latents.missing
    never = np.zeros(len(town.plan.region_xy), dtype=bool)
    if statistic in ("cover", "height"):
        return blank["polygon"]
    carriers = [layer for layer in inputs if statistic in STATISTICS[layer]]
    return np.asarray(np.all([blank.get(layer, never) for layer in carriers], axis=0))


def _character_posterior(town: Town, sample: Sample, evidence: Evidence) -> tuple[Floats, Floats]:
    """Return log P(character | inputs) (unnormalised, by region) and the log-likelihood of each block by character."""
    by_character = log_sum(evidence.block[:, None, :] + np.log(TYPE_GIVEN_CHARACTER)[None])
    count = len(sample.regions)
    total = np.stack([np.bincount(sample.region_of, column, count) for column in by_character.T], axis=1)
    return np.log(town.latents.character_odds[sample.regions]) + total, by_character


def _draw_shares(town: Town, sample: Sample, evidence: Evidence, rng: np.random.Generator) -> Floats:
    """Draw characters, then block types, and count them: (regions, draws, types)."""
    score, _ = _character_posterior(town, sample, evidence)
    character = _choose(_normal(score), rng.random((len(score), DRAWS)))
    owner, rows = sample.region_of, np.arange(len(sample.blocks))
    steps = np.cumsum(_normal(evidence.block[:, None, :] + np.log(TYPE_GIVEN_CHARACTER)[None]), axis=-1)
    chosen = steps[rows[:, None], character[owner]]
    kind = (chosen[..., :-1] < rng.random((len(rows), DRAWS, 1))).sum(axis=-1)
    key = (owner[:, None] * DRAWS + np.arange(DRAWS)) * len(TYPES) + kind
    table = np.bincount(key.ravel(), minlength=len(score) * DRAWS * len(TYPES))
    table = table.reshape(len(score), DRAWS, len(TYPES))
    return np.asarray(table / table.sum(axis=-1, keepdims=True))


def _normal(logs: Floats) -> Floats:
    """Turn logarithms into probabilities that add up to 1 along the last axis."""
    return np.asarray(np.exp(logs - log_sum(logs)[..., None]))


def _choose(odds: Floats, drawn: Floats) -> Ints:
    return np.asarray((np.cumsum(odds, axis=-1)[:, None, :-1] < drawn[..., None]).sum(axis=-1))


def function_odds(town: Town, sample: Sample, evidence: Evidence, rows: Ints) -> Floats:
    """Return P(function | inputs) of sampled buildings, own tags and places withheld, (rows, types)."""
    block = sample.block_of[rows]
    score, by_character = _character_posterior(town, sample, evidence)
    elsewhere = _normal(score[sample.region_of[block]] - by_character[block])
    around = evidence.block[block] - evidence.building[rows] + evidence.exists[block]
    kind = np.log(elsewhere @ TYPE_GIVEN_CHARACTER) + around
    joint = kind[:, :, None] + np.log(FUNCTION_GIVEN_TYPE)[None] + evidence.shape[rows][:, None, :]
    return _normal(log_sum(joint.transpose(0, 2, 1)))
