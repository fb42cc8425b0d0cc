"""The labels of toyville: known functions of the latents plus Gaussian noise of known size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanbench.datasets._toyville_buildings import Buildings
from urbanbench.datasets._toyville_latents import TYPES, Latents, shares
from urbanbench.datasets._toyville_plan import Flags, Floats, Ints, Plan, stream

GROUPS = {
    "residential": ("residential",),
    "mixed": ("mixed",),
    "commercial": ("commercial",),
    "industrial": ("industrial",),
    "community": ("educational", "civic"),
    "transport": ("transport",),
    "outdoor": ("recreation",),
}
"""Land-use class of a region -> block types that count for it."""
GROUP_OF_TYPE = np.array([[float(name in members) for members in GROUPS.values()] for name in TYPES])
CLASS_NOISE = 0.05
"""Share of the class labels that are redrawn at random among all classes."""
SHARE_NOISE = 0.25
"""Standard deviation of the noise on log(share + SHARE_FLOOR)."""
SHARE_FLOOR = 0.02
LABELLED_BUILDINGS = 0.3


def homes(share: Floats) -> Floats:
    """Weigh the blocks that people live on: shares (..., types) to (...)."""
    return np.asarray(share[..., TYPES.index("residential")] + 0.7 * share[..., TYPES.index("mixed")])


def _popdensity(density: Floats, wealth: Floats, access: Floats, share: Floats) -> Floats:  # noqa: ARG001
    return np.asarray(16.0 * np.exp(0.5 * density) * homes(share))


def _housing(density: Floats, wealth: Floats, access: Floats, share: Floats) -> Floats:  # noqa: ARG001
    return 5.5 + 1.3 * wealth + 0.9 * access


def _income(density: Floats, wealth: Floats, access: Floats, share: Floats) -> Floats:  # noqa: ARG001
    return 42.0 * np.exp(0.38 * wealth + 0.06 * access - 0.06 * density)


def _gdp(density: Floats, wealth: Floats, access: Floats, share: Floats) -> Floats:
    work = share @ np.array([0.05, 0.5, 1.3, 1.0, 0.25, 0.4, 0.6, 0.02])
    return np.asarray(160.0 * np.exp(0.4 * access + 0.15 * density + 0.1 * wealth) * work)


@dataclass(frozen=True)
class Target:
    """A numeric region label: y = max(0, mean(density, wealth, access, shares) + noise).

    Attributes
    ----------
    mean
        The noiseless value; latents (...), shares of block types (..., types).
    noise
        Standard deviation of the Gaussian noise, in `unit`.
    unit, note
        For city.json.
    needs_homes
        Whether regions without homes have no value (True) or the value 0 exactly (False).
    known
        Share of the possible regions that carry the label.
    """

    mean: Callable[[Floats, Floats, Floats, Floats], Floats]
    noise: float
    unit: str
    note: str
    needs_homes: bool = True
    known: float = 1.0


TARGETS = {
    "popdensity": Target(
        _popdensity,
        1.6,
        "thousand persons per km2",
        "16 exp(0.5 density) x (residential + 0.7 mixed share of the blocks) + noise; 0 where nobody lives. n = persons.",
        needs_homes=False,
    ),
    "housing": Target(
        _housing,
        0.6,
        "thousand TVD per m2",
        "5.5 + 1.3 wealth + 0.9 access + noise; only regions with sales. n = sales.",
        known=0.8,
    ),
    "income": Target(
        _income,
        5.0,
        "thousand TVD per household and year",
        "42 exp(0.38 wealth + 0.06 access - 0.06 density) + noise; only regions where people live.",
    ),
    "gdp": Target(
        _gdp,
        18.0,
        "million TVD per km2 and year",
        "160 exp(0.4 access + 0.15 density + 0.1 wealth) x work weight of the block types + noise.",
        needs_homes=False,
    ),
}


@dataclass(frozen=True)
class Labels:
    """All labels of a city, with the noise in them.

    Attributes
    ----------
    numeric
        Name -> value of every region, (r,), NaN where there is no value.
    support
        Name -> persons or sales, (r,).
    composition
        Noisy land-use shares, (r, groups), rows add up to 1.
    landuse
        Row in `GROUPS` of each region, (r,).
    labelled
        Rows of the buildings with a label, sorted.
    function
        Row in `TYPES` of each of them.
    """

    numeric: dict[str, Floats]
    support: dict[str, Ints]
    composition: Floats
    landuse: Ints
    labelled: Ints
    function: Ints


def build_labels(plan: Plan, latents: Latents, buildings: Buildings) -> Labels:
    """Draw every label of a city."""
    share = shares(plan, latents.block_type)
    numeric, support = {}, {}
    area_km2 = np.bincount(plan.block_region) * 0.01
    for name, target in TARGETS.items():
        rng = stream(plan.seed, f"label {name}")
        numeric[name] = _draw(target, latents, share, rng)
        if name == "popdensity":
            support[name] = np.round(numeric[name] * 1000 * area_km2).astype(np.int64)
        elif name == "housing":
            support[name] = rng.poisson(4 + 30 * homes(share)) + 1
    rng = stream(plan.seed, "label landuse")
    grouped = share @ GROUP_OF_TYPE
    labelled = np.flatnonzero(rng.random(len(buildings.block)) < LABELLED_BUILDINGS)
    return Labels(
        numeric=numeric,
        support=support,
        composition=noisy_shares(grouped, rng),
        landuse=_relabel(grouped.argmax(axis=1), len(GROUPS), rng),
        labelled=labelled,
        function=_relabel(buildings.function[labelled], len(TYPES), rng),
    )


def has_value(target: Target, share: Floats) -> Flags:
    """Tell for which shares of block types (..., types) the target is more than a fixed 0 or nothing."""
    return (
        homes(share) > 0
        if target.needs_homes or target.mean is _popdensity
        else np.ones(share.shape[:-1], bool)
    )


def noisy_shares(grouped: Floats, rng: np.random.Generator) -> Floats:
    """Blur land-use shares (..., groups) by Gaussian noise on their logarithm."""
    blurred = (grouped + SHARE_FLOOR) * np.exp(rng.normal(0, SHARE_NOISE, grouped.shape))
    return np.asarray(blurred / blurred.sum(axis=-1, keepdims=True))


def _draw(target: Target, latents: Latents, share: Floats, rng: np.random.Generator) -> Floats:
    values = latents.hidden
    mean = target.mean(values["density"], values["wealth"], values["access"], share)
    noisy = np.maximum(0.0, mean + rng.normal(0, target.noise, len(mean)))
    there = has_value(target, share)
    known = rng.random(len(mean)) < target.known
    blank = ~there & target.needs_homes | ~known
    return np.asarray(np.where(blank, np.nan, np.where(there, noisy, 0.0)))


def _relabel(truth: Ints, classes: int, rng: np.random.Generator) -> Ints:
    """Redraw a small share of class labels."""
    wrong = rng.random(len(truth)) < CLASS_NOISE
    return np.where(wrong, rng.integers(0, classes, len(truth)), truth)


def class_names(rows: Ints, names: tuple[str, ...]) -> NDArray[np.object_]:
    """Turn class rows into class names."""
    return np.asarray(np.array(names, dtype=object)[rows])
