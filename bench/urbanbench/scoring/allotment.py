"""Allotting whole atoms (units, parcels, blocks, groups) to train, validation and test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["allot_by_class", "allot_whole"]

_TRIES = 200
_TRAIN = 0


def allot_by_class(counts: np.ndarray, fractions: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Allot many small atoms so that every class is spread by the fractions.

    Classes are taken from the rarest to the most frequent, and each atom counts for the rarest class it holds (the idea
    of iterative stratification, Sechidis et al. 2011). A class's atoms lie in random order on a line as long as their
    number of units; the line is cut where the sides' remaining needs of that class end, the sides in random order.

    Parameters
    ----------
    counts
        int64 (atoms, classes): units of each class in each atom.
    fractions
        Wanted shares of units (train, validation, test).
    rng
        The split's generator.

    Returns
    -------
    np.ndarray
        int64 (atoms,): 0 train, 1 validation, 2 test. A class with at least 3 atoms of its own has one in train.
    """
    totals = counts.sum(axis=0)
    rank = np.argsort(np.argsort(totals, kind="stable"), kind="stable")
    key = np.where(counts > 0, rank, counts.shape[1]).argmin(axis=1)
    side = np.full(len(counts), -1, dtype=np.int64)
    for label in np.argsort(totals, kind="stable"):
        own = rng.permutation(np.flatnonzero(key == label))
        placed = side >= 0
        taken = np.bincount(side[placed], weights=counts[placed, label], minlength=3)
        needs = np.maximum(np.asarray(fractions) * totals[label] - taken, 0.0)
        order = rng.permutation(3)
        side[own] = order[_cut(counts[own, label], needs[order])]
        if len(own) >= 3 and not (side[own] == _TRAIN).any() and taken[_TRAIN] == 0:
            side[own[0]] = _TRAIN
    return side


def allot_whole(counts: np.ndarray, fractions: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Allot few large atoms so that units and classes come close to the fractions.

    The atoms are put in random order and cut at the fractions of the units; of 200 such tries the one with the smallest
    error wins: half the sum of absolute deviations from the wanted number of units, plus the same over classes, plus
    the number of units of classes that are absent from training.

    Parameters
    ----------
    counts
        int64 (atoms, classes): units of each class in each atom.
    fractions
        Wanted shares of units (train, validation, test).
    rng
        The split's generator.

    Returns
    -------
    np.ndarray
        int64 (atoms,): 0 train, 1 validation, 2 test; no side is empty if there are at least three atoms.
    """
    sizes = counts.sum(axis=1)
    best, lowest = np.zeros(len(counts), dtype=np.int64), np.inf
    for _ in range(_TRIES):
        order = rng.permutation(len(counts))
        side = np.empty(len(counts), dtype=np.int64)
        side[order] = _cut(sizes[order], np.asarray(fractions))
        error = _allotment_error(counts, side, fractions)
        if error < lowest:
            best, lowest = side, error
    return best


def _cut(weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the part 0, 1, 2 that the middle of each weight falls into on a line cut in proportion to the shares."""
    total = weights.sum()
    if total == 0 or shares.sum() == 0:
        return np.zeros(len(weights), dtype=np.int64)
    middle = (np.cumsum(weights) - weights / 2) / total
    ends = np.cumsum(shares)[:-1] / shares.sum()
    return np.asarray(np.searchsorted(ends, middle, side="right"), dtype=np.int64)


def _allotment_error(counts: np.ndarray, side: np.ndarray, fractions: Sequence[float]) -> float:
    got = np.stack([counts[side == k].sum(axis=0) for k in range(3)])
    wanted = np.outer(fractions, counts.sum(axis=0))
    units = np.abs(got.sum(axis=1) - wanted.sum(axis=1)).sum() / 2
    classes = np.abs(got - wanted).sum() / 2
    unseen = counts.sum(axis=0)[got[_TRAIN] == 0].sum()
    empty = counts.sum() * (got.sum(axis=1) == 0).sum()
    return float(units + classes + unseen + empty)
