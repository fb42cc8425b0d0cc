"""Columns that hold the answer: named like the label, or following it too closely to be found out from anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["follows_classes", "follows_values", "listed", "named_like"]

_ANSWERS = frozenset({"value", "target", "label", "ground_truth", "y_true"})
_CORRELATION = 0.9999
_UNRELATED = 0.2
"""Correlation of columns whose order need not be looked at: what orders units alike is never so far from a line."""
_FEW, _MANY = 10, 20
"""Units below which correlation says nothing, and below which order says nothing."""


def named_like(columns: Iterable[str], answers: Iterable[str]) -> list[str]:
    """Return the columns that are called what an answer is called, or what the tables of labels call theirs."""
    wanted = _ANSWERS | {_plain(one) for one in answers}
    return [name for name in columns if _plain(name.partition("[")[0]) in wanted]


def follows_values(vectors: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Tell which columns equal the values, lie on a line with them (|r| >= .9999), or put the units in the very same order.

    Parameters
    ----------
    vectors
        float32 (n, dim): rows of units whose values are known.
    values
        float64 (n,).

    Returns
    -------
    np.ndarray
        bool (dim,). Correlation counts from 10 units on, order from 20 units and 10 different values on.
    """
    n = len(values)
    if n < 3 or np.ptp(values) == 0:
        return np.zeros(vectors.shape[1], dtype=bool)
    found: np.ndarray = (vectors == values.astype(np.float32)[:, None]).all(axis=0)
    if n < _FEW:
        return found
    correlation = np.abs(_correlation(vectors, values))
    found |= correlation >= _CORRELATION
    ranks = np.unique(values, return_inverse=True)[1].ravel()
    if n >= _MANY and ranks.max() >= _FEW:
        for column in np.flatnonzero(~found & (correlation > _UNRELATED)):
            found[column] = _same_order(vectors[:, column], ranks)
    return found


def follows_classes(vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Tell which columns have one number per class, or tell one class from all others.

    Parameters
    ----------
    vectors
        float32 (n, dim).
    classes
        Class names (n,).

    Returns
    -------
    np.ndarray
        bool (dim,); always False with fewer than 10 units.
    """
    codes = np.unique(classes.astype(str), return_inverse=True)[1].ravel()
    if len(codes) < _FEW or codes.max() == 0:
        return np.zeros(vectors.shape[1], dtype=bool)
    return np.array([_one_number_per_class(column, codes) for column in vectors.T], dtype=bool)


def _one_number_per_class(column: np.ndarray, codes: np.ndarray) -> bool:
    if len(np.unique(column[:1000])) > codes.max() + 1:
        return False
    numbers = np.unique(column, return_inverse=True)[1].ravel()
    if numbers.max() == 0 or numbers.max() > codes.max():
        return False
    pairs = len(np.unique(np.stack([numbers, codes]), axis=1).T)
    if pairs == codes.max() + 1 == numbers.max() + 1:
        return True
    sizes = np.bincount(codes)
    return bool(
        pairs == codes.max() + 1
        and numbers.max() == 1
        and any(
            ((numbers == side) == (codes == one)).all()
            for side in (0, 1)
            for one in np.flatnonzero(sizes >= 5)
        )
    )


def _correlation(vectors: np.ndarray, values: np.ndarray) -> np.ndarray:
    centred, wanted = vectors.astype(np.float64), values - values.mean()
    centred -= centred.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) * (wanted**2).sum())
    return np.asarray(wanted @ centred / np.where(spread > 0, spread, np.inf))


def _same_order(column: np.ndarray, ranks: np.ndarray) -> bool:
    mine = np.unique(column, return_inverse=True)[1].ravel()
    return bool((mine == ranks).all() or (mine.max() - mine == ranks).all())


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def listed(columns: Sequence[str], marks: np.ndarray) -> list[str]:
    """Return the marked columns' names."""
    return [name for name, mark in zip(columns, marks.tolist(), strict=True) if mark]
