"""Ranks: where the right candidate of a set stands by likeness, counted to the model's disadvantage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions
    from urbanbench.scoring.retrieval.sets import CandidateSets
    from urbanbench.space import EmbeddingSpace

__all__ = ["TIE", "Ranked", "Vectors", "rank", "ranked_by_distance", "vectors_of"]

TIE = 1e-6
"""Cosines that differ by no more are the same: vectors are float32, and equal ones may not be told apart by the order of a sum."""

_CHUNK = 16_000_000
"""Numbers held at once."""
_CHEAPER = 16
"""How much less it takes to multiply a pair of vectors among all pairs than to gather it first."""
_LAST = -np.inf


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of length one, float64, of queries (n, d) and candidates (m, d), and which of each have data."""

    query: np.ndarray
    candidate: np.ndarray
    query_covered: np.ndarray
    candidate_covered: np.ndarray


@dataclass(frozen=True, eq=False)
class Ranked:
    """What came of candidate sets.

    Parameters
    ----------
    rank
        int64 (seeds, q): place of the right candidate, 1 for the first. Those that are as like come before it.
    first
        int64 (seeds, q): row of the pool that is ranked first; where several are as like, a wrong one, and of these the farthest from the right place.
    """

    rank: np.ndarray
    first: np.ndarray


def vectors_of(space: EmbeddingSpace, questions: Questions) -> Vectors:
    """Return the vectors of both sides, of length one; a zero vector stays zero.

    Raises
    ------
    BadInput
        The space lacks an item.
    """
    query, candidate = space.take(questions.queries), space.take(questions.pool)
    return Vectors(_unit(query.vectors), _unit(candidate.vectors), query.mask, candidate.mask)


def rank(vectors: Vectors, sets: CandidateSets, far: np.ndarray | None = None) -> Ranked:
    """Rank every candidate set by the cosine.

    An uncovered candidate comes last; a query without data, or whose right candidate has none, is ranked last of its set.

    Parameters
    ----------
    vectors
        Of both sides.
    sets
        What to choose from.
    far
        float64 (seeds, q, size): distances in metres, which decide what is first among those that are as like. None: the last of the set.
    """
    n_seeds, n, size = sets.rows.shape
    ranks, first = np.empty((2, n_seeds, n), dtype=np.int64)
    whole = len(vectors.candidate) <= _CHEAPER * n_seeds * size
    width = len(vectors.candidate) if whole else n_seeds * size * vectors.query.shape[1]
    step = max(1, _CHUNK // max(width, n_seeds * size))
    for start in range(0, n, step):
        part = slice(start, start + step)
        likeness = _likeness(vectors, sets.queries[part], sets.rows[:, part], whole=whole)
        ranks[:, part], first[:, part] = _placed(
            likeness, sets.rows[:, part], None if far is None else far[:, part]
        )
    lost = ~(vectors.query_covered[sets.queries] & vectors.candidate_covered[sets.rows[0, :, 0]])
    ranks[:, lost] = sets.counts[lost]
    return Ranked(ranks, first)


def ranked_by_distance(sets: CandidateSets, far: np.ndarray) -> np.ndarray:
    """Return the ranks of one who knows where everything lies, int64 (seeds, q); `far` as in `rank`, infinite where a set is smaller."""
    return _placed(-far, sets.rows, far)[0]


def _unit(vectors: np.ndarray) -> np.ndarray:
    wide = vectors.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    return wide / np.where(length > 0, length, 1.0)


def _likeness(vectors: Vectors, queries: np.ndarray, rows: np.ndarray, *, whole: bool) -> np.ndarray:
    """Return cosines (seeds, q, size); -inf for candidates without data and where a set is smaller.

    All pairs are multiplied where that is less work than to gather the candidates of every set.
    """
    asked = vectors.query[queries]
    if whole:
        pairs = asked @ vectors.candidate.T
        found = pairs[np.arange(len(queries))[None, :, None], rows]
    else:
        found = np.stack([np.einsum("qd,qsd->qs", asked, vectors.candidate[one]) for one in rows])
    return np.where((rows >= 0) & vectors.candidate_covered[rows], found, _LAST)


def _placed(likeness: np.ndarray, rows: np.ndarray, far: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    right = likeness[:, :, :1]
    there = rows[:, :, 1:] >= 0
    # Where the right one has no data everybody comes before it; -inf >= -inf holds.
    before = (likeness[:, :, 1:] >= right - TIE) & there
    best = likeness.max(axis=2, keepdims=True)
    wrong = (likeness[:, :, 1:] >= best - TIE) & there
    far_of = (
        np.broadcast_to(np.arange(1, rows.shape[2], dtype=np.float64), wrong.shape)
        if far is None
        else far[:, :, 1:]
    )
    chosen = 1 + np.where(wrong, far_of, _LAST).argmax(axis=2)
    place = np.where(wrong.any(axis=2), chosen, 0)[:, :, None]
    return 1 + before.sum(axis=2), np.take_along_axis(rows, place, axis=2)[:, :, 0]
