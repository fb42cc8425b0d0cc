"""Probe `neighbours`: the label from vectors with the mean vector of the nearest units beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.features import Features
from urbanbench.scoring.probes.contract import Probed, listed
from urbanbench.scoring.probes.scaled import standardised
from urbanbench.seeds import generator
from urbanbench.toolkit.ground.neighbours import nearest_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.probes.contract import Subject
    from urbanbench.scoring.split import Split

__all__ = ["NEAREST", "beside_neighbours", "nearest_units", "probe_neighbours"]

NEAREST = 6
"""Units whose vectors are averaged: a region of a map has just under six neighbours on average (Euler's formula for planar graphs)."""


def probe_neighbours(subject: Subject) -> Probed:
    """Score vectors with those of the nearest units beside them, and as a control after the places of units are shuffled.

    The second half of the columns is a spatial lag of the vectors (SLX; LeSage and Pace 2009), with the nearest labelled units for
    neighbours; no label of theirs is read. What the control loses is the price of twice the columns.
    """
    xy, seeds = subject.targets.xy, subject.protocol.seeds
    real, distance = nearest_units(xy)
    orders = [generator(seed, "probe", "neighbours", "control").permutation(len(xy)) for seed in seeds]
    elsewhere = [nearest_units(xy[order])[0] for order in orders]
    section: dict[str, Any] = {
        "beside": "mean vector of the nearest labelled units",
        "nearest": int(real.shape[1]),
        "distance_m": float(np.median(distance)),
        "control": listed(_scored(subject, elsewhere)),
    }
    return Probed(_scored(subject, [real] * len(seeds)), section)


def nearest_units(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest other units of each, int64 (n, k), and how far they are in metres, float32 (n, k); k is `NEAREST` where there are so many."""
    return nearest_within(xy, radius_m=np.inf, cap=min(NEAREST, len(xy) - 1))


def beside_neighbours(features: Features, split: Split, near: np.ndarray) -> Features:
    """Put the mean vector of some units beside each unit's own.

    Vectors are standardised on the training rows first, as the head would. Units without data count in no mean; the mean over none, and the own
    vector of a unit without data, are the training mean. Where there are such units, a last column says which they are.

    Parameters
    ----------
    features
        Vectors of n units.
    split
        Its training rows give the scale.
    near
        Units (n, k) whose vectors are averaged.

    Returns
    -------
    Features
        Vectors (n, 2 dim), or (n, 2 dim + 1); each with data, for there are neighbours where a unit has none of its own.
    """
    from scipy import sparse

    columns, known = standardised(features, split), features.covered[near].astype(np.float64)
    starts = np.arange(len(near) + 1) * near.shape[1]
    lag = sparse.csr_array((known.ravel(), near.ravel(), starts), shape=(len(near), len(columns)))
    around = lag @ columns / np.maximum(known.sum(axis=1), 1)[:, None]
    bare = [~features.covered] if features.has_indicator else []
    vectors = np.column_stack([columns, around, *bare]).astype(np.float32)
    return Features(vectors, np.ones(len(vectors), dtype=bool))


def _scored(subject: Subject, near: Sequence[np.ndarray]) -> Scores:
    changed = [
        beside_neighbours(subject.features, split, units)
        for split, units in zip(subject.splits, near, strict=True)
    ]
    return subject.score(subject.fit_each(changed))
