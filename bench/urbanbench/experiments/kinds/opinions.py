"""What several models think of the same units: where they disagree most, and who is right then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Opinions", "Quarrel", "opinions_of", "quarrels"]

_LEAST = 1e-6
"""A probability below this counts as this in a logarithm."""


@dataclass(frozen=True, eq=False)
class Opinions:
    """Class probabilities of several models for the same units.

    Parameters
    ----------
    units
        Unit ids (n,), in order of id.
    truth
        Row of each unit's class in `classes`, int64 (n,).
    classes
        Class names (k,).
    shares
        Label of a model to float64 (n, k): means over the seeds that tested the unit.
    """

    units: tuple[str, ...]
    truth: np.ndarray
    classes: tuple[str, ...]
    shares: Mapping[str, np.ndarray]

    def disagreement(self) -> np.ndarray:
        """Return for each unit the largest total variation distance between two models, float64 (n,) in [0, 1]."""
        widest = np.zeros(len(self.units))
        for one, other in combinations(self.shares.values(), 2):
            widest = np.maximum(widest, np.abs(one - other).sum(axis=1) / 2)
        return widest

    def most_disputed(self, count: int) -> list[int]:
        """Return the rows of the units with the largest disagreement, each of another class; ties by id."""
        picked: list[int] = []
        for row in np.argsort(-self.disagreement(), kind="stable").tolist():
            if len(picked) < count and self.truth[row] not in {self.truth[one] for one in picked}:
                picked.append(row)
        return picked

    def of_truth(self, label: str) -> np.ndarray:
        """Return the probability a model gives the true class, float64 (n,)."""
        return np.asarray(self.shares[label][np.arange(len(self.units)), self.truth])

    def right(self, label: str, best: int = 1) -> np.ndarray:
        """Return whether the true class is among a model's `best` most probable ones, bool (n,); ties go by class order."""
        top = np.argsort(-self.shares[label], axis=1, kind="stable")[:, :best]
        return np.asarray((top == self.truth[:, None]).any(axis=1))

    def log_loss(self, label: str) -> float:
        """Return the mean of minus ln of the true class's probability."""
        return float(-np.log(np.maximum(self.of_truth(label), _LEAST)).mean())


def opinions_of(odds: Mapping[str, pd.DataFrame]) -> Opinions:
    """Average over seeds and line models up on the units that all of them were tested on.

    Parameters
    ----------
    odds
        Label of a model to a frame as `urbanbench.experiments.kinds.class_odds.class_odds` gives it; one at least.
    """
    classes = sorted({name for frame in odds.values() for name in frame.columns[3:]})
    means = {
        label: frame.groupby("unit_id")[list(frame.columns[3:])]
        .mean()
        .reindex(columns=classes, fill_value=0.0)
        for label, frame in odds.items()
    }
    units = sorted(set.intersection(*(set(frame.index) for frame in means.values())))
    first = next(iter(odds.values()))
    truth = first.groupby("unit_id")["true"].first().loc[units]
    place = {name: row for row, name in enumerate(classes)}
    codes = np.array([place[name] for name in truth], dtype=np.int64)
    shares = {label: frame.loc[units].to_numpy(dtype=np.float64) for label, frame in means.items()}
    return Opinions(tuple(units), codes, tuple(classes), shares)


@dataclass(frozen=True)
class Quarrel:
    """Two models and the units to which they give different classes.

    Parameters
    ----------
    one, other
        Labels.
    first, second
        Units on which only `one`, only `other` is right.
    neither
        Units on which both are wrong, each in its own way.
    p_value
        Two-sided exact binomial test of `first` against `second` (McNemar's exact test); 1 where both are 0.
    """

    one: str
    other: str
    first: int
    second: int
    neither: int
    p_value: float


def quarrels(opinions: Opinions) -> Sequence[Quarrel]:
    """Return what every two models disagree on."""
    from scipy.stats import binomtest

    found = []
    for one, other in combinations(opinions.shares, 2):
        a, b = opinions.right(one), opinions.right(other)
        differ = opinions.shares[one].argmax(axis=1) != opinions.shares[other].argmax(axis=1)
        first, second = int((a & ~b).sum()), int((b & ~a).sum())
        p_value = float(binomtest(first, first + second).pvalue) if first + second else 1.0
        found.append(Quarrel(one, other, first, second, int((differ & ~a & ~b).sum()), p_value))
    return found
