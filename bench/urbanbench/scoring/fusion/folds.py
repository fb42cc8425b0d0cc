"""Folds inside the training part: whole units, parcels, blocks or groups, as the split takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.targets import Targets

__all__ = ["FOLDS", "folds_within"]

FOLDS = 5


def folds_within(
    targets: Targets, atoms: np.ndarray, train: np.ndarray, rng: np.random.Generator, folds: int = FOLDS
) -> np.ndarray:
    """Deal the training rows of a split to folds that cut no atom.

    Atoms are taken in random order, large ones first, and each goes to the fold with the fewest units of the atom's main class, then with
    the fewest units. So folds are about as large as each other and classes are spread.

    Parameters
    ----------
    targets
        The units.
    atoms
        int64 (n,), what the split never cuts (`urbanbench.scoring.splits.atoms_of`).
    train
        int64 (m,), training rows.
    rng
        Draws the order.
    folds
        How many at most; fewer where the training part has fewer atoms.

    Returns
    -------
    np.ndarray
        int64 (m,), the fold of each training row.
    """
    atom = np.unique(atoms[train], return_inverse=True)[1].ravel()
    counts = _counts(targets, train, atom)
    filled = np.zeros((min(folds, len(counts)), counts.shape[1]), dtype=np.int64)
    fold = np.zeros(len(counts), dtype=np.int64)
    order = rng.permutation(len(counts))
    for one in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        fold[one] = np.lexsort((filled.sum(axis=1), filled[:, counts[one].argmax()]))[0]
        filled[fold[one]] += counts[one]
    return np.asarray(fold[atom])


def _counts(targets: Targets, train: np.ndarray, atom: np.ndarray) -> np.ndarray:
    """Return units per atom and class, int64 (atoms, classes); one class for numbers and shares."""
    codes = targets.codes[train] if targets.kind == "classification" else np.zeros(len(train), dtype=np.int64)
    counts = np.zeros((atom.max() + 1, codes.max() + 1), dtype=np.int64)
    np.add.at(counts, (atom, codes), 1)
    return counts
