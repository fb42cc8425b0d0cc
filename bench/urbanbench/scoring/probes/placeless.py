"""Probe `placeless`: the label from vectors out of which position is projected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.probes.contract import Probed, listed
from urbanbench.scoring.probes.scaled import ScaledFeatures, standardised
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.probes.contract import Subject
    from urbanbench.scoring.split import Split

__all__ = ["UNITS_PER_TERM", "degree_for", "probe_placeless", "trend_terms", "without_position"]

UNITS_PER_TERM = 40
"""A term is taken for every 40 training units at most: a column that position does not explain then loses a fortieth of its variance."""
_HIGHEST_DEGREE = 3
_NOTHING_LEFT = 1e-4
"""A column whose residuals have less than this share of its spread holds rounding and is made 0."""


def probe_placeless(subject: Subject) -> Probed:
    """Score vectors after position is projected out of them, and as a control after the positions of shuffled units are.

    What the control loses is the price of the projection; what the vectors lose beyond it is what the head had from their position.
    """
    degree, xy = degree_for(min(len(split.train) for split in subject.splits)), subject.targets.xy
    pairs = list(zip(subject.splits, subject.protocol.seeds, strict=True))
    real = [without_position(subject.features, xy, split, degree) for split, _ in pairs]
    shuffled = [
        without_position(subject.features, xy[_order(subject, seed)], split, degree) for split, seed in pairs
    ]
    section: dict[str, Any] = {
        "projected": "all terms of a polynomial trend surface of easting and northing, fitted to every column on the training units",
        "units_per_term": UNITS_PER_TERM,
        "degree": degree,
        "variance_left": [left for _, left in real],
        "control": listed(_scored(subject, [one for one, _ in shuffled])),
    }
    return Probed(_scored(subject, [one for one, _ in real]), section)


def degree_for(n_train: int) -> int:
    """Return the degree of the trend surface for a number of training units: 3, or lower where its terms would be too many; at least 1.

    Examples
    --------
    >>> [degree_for(n) for n in (50, 199, 200, 360, 1299)]
    [1, 1, 2, 3, 3]
    """
    fitting = [d for d in range(1, _HIGHEST_DEGREE + 1) if _terms(d) * UNITS_PER_TERM <= n_train]
    return max(fitting, default=1)


def _terms(degree: int) -> int:
    return (degree + 1) * (degree + 2) // 2 - 1


def trend_terms(xy: np.ndarray, train: np.ndarray, degree: int) -> np.ndarray:
    """Return the terms x, y, x², xy, y², … of a trend surface, float64 (n, terms), each 0 on average over the training rows.

    Positions are taken from the middle of the training rows, in their spread, so that powers stay small. The span of the terms and a
    constant is that of the surfaces of Legendre (1990) and Borcard, Legendre and Drapeau (1992, Ecology 73, 1045).
    """
    away = xy - xy[train].mean(axis=0)
    away = away / max(float(away[train].std()), 1e-12)
    powers = [
        np.prod([away[:, axis] for axis in axes], axis=0)
        for d in range(1, degree + 1)
        for axes in combinations_with_replacement(range(2), d)
    ]
    terms = np.column_stack(powers)
    return np.asarray(terms - terms[train].mean(axis=0))


def without_position(
    features: Features, xy: np.ndarray, split: Split, degree: int
) -> tuple[ScaledFeatures, float]:
    """Project position out of vectors: every column less its least-squares trend surface.

    On the training rows this is the orthogonal projection onto what no surface gives (I - T (TᵀT)⁻¹ Tᵀ, with T the terms and a constant);
    other rows are treated with the same coefficients. No label is looked at. Columns are standardised first and not scaled afterwards.

    Parameters
    ----------
    features
        Vectors of n units.
    xy
        Positions (n, 2) in metres.
    split
        Its training rows with data give the coefficients.
    degree
        Of the surface.

    Returns
    -------
    ScaledFeatures, float
        The residuals, and the share of the training variance that they keep.
    """
    columns, known = standardised(features, split), split.train[features.covered[split.train]]
    if not len(known):
        return ScaledFeatures(columns.astype(np.float32), features.covered), 1.0
    terms, centre = trend_terms(xy, known, degree), columns[known].mean(axis=0)
    slopes = np.linalg.lstsq(terms[known], columns[known] - centre, rcond=None)[0]
    residuals = columns - centre - terms @ slopes
    before, after = columns[known].std(axis=0), residuals[known].std(axis=0)
    residuals[:, after <= _NOTHING_LEFT * before] = 0.0
    residuals[~features.covered] = 0.0
    left = residuals[known].var(axis=0).sum() / max(float((before**2).sum()), 1e-12)
    return ScaledFeatures(residuals.astype(np.float32), features.covered), float(left)


def _order(subject: Subject, seed: int) -> np.ndarray:
    return generator(seed, "probe", "placeless", "control").permutation(len(subject.targets))


def _scored(subject: Subject, changed: Sequence[ScaledFeatures]) -> Scores:
    return subject.score(subject.fit_each(changed))
