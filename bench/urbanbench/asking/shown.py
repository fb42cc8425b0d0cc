"""What a sheet of questions shows: some queries, and of each five candidates as a model ranks them, or as they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.retrieval.ranks import rank, vectors_of
from urbanbench.scoring.retrieval.sets import CandidateSets, draw_sets
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions
    from urbanbench.space import EmbeddingSpace

__all__ = ["BEST", "Shown", "shown_questions"]

BEST = 5
"""Candidates of a query that are shown."""


@dataclass(frozen=True)
class Shown:
    """A query and some of its candidates.

    Parameters
    ----------
    query
        Its id.
    candidates
        Ids, the first first.
    right
        Whether each is the right one.
    rank
        Place of the right candidate among `of`; 0 where nobody ranked them.
    of
        How many candidates the set has.
    missed
        The right candidate, where it is ranked behind those that are shown; else "".
    """

    query: str
    candidates: tuple[str, ...]
    right: tuple[bool, ...]
    rank: int
    of: int
    missed: str = ""


def shown_questions(
    questions: Questions, count: int, space: EmbeddingSpace | None = None, seed: int = 0
) -> list[Shown]:
    """Choose queries and candidates to look at.

    Parameters
    ----------
    questions
        What is asked.
    count
        How many queries, at most.
    space
        Vectors of all items: then candidates are those ranked first, of queries that were answered and of such that were not, half and half where there
        are as many. None: the right candidate, then others in the order in which they were drawn.
    seed
        Draws the candidate sets, as in a run, and the queries.
    """
    sets = draw_sets(questions, (seed,))[0]
    order = generator(seed, "sheet of questions").permutation(len(sets.queries))
    if space is None:
        return [_drawn(questions, sets, int(at)) for at in order[:count]]
    ranks = rank(vectors_of(space, questions), sets).rank[0]
    likeness = _likeness(questions, sets, space)
    won, lost = (order[(ranks[order] <= BEST) == right] for right in (True, False))
    half = min(len(won), max(count // 2, count - len(lost)))
    chosen = [*won[:half], *lost[: count - half]]
    return [_ranked(questions, sets, int(at), int(ranks[at]), likeness[at]) for at in chosen]


def _drawn(questions: Questions, sets: CandidateSets, at: int) -> Shown:
    rows = sets.rows[0, at][sets.rows[0, at] >= 0]
    hard = int(sets.hard[at])
    # The right one, two that are hard and two that are not, as far as there are.
    picked = [0, *range(1, 1 + min(hard, 2)), *range(1 + hard, len(rows))][:BEST]
    return _shown(questions, sets, at, rows[picked], 0)


def _ranked(questions: Questions, sets: CandidateSets, at: int, place: int, likeness: np.ndarray) -> Shown:
    """Put the right candidate after those that are as like, as ranks are counted."""
    last = np.arange(len(likeness)) == 0
    order = np.lexsort((last, -np.round(likeness, 6)))
    rows = sets.rows[0, at][order]
    return _shown(questions, sets, at, rows[rows >= 0][:BEST], place)


def _shown(questions: Questions, sets: CandidateSets, at: int, rows: np.ndarray, place: int) -> Shown:
    query = int(sets.queries[at])
    right = int(questions.positive_rows[query])
    shown = rows.tolist()
    return Shown(
        questions.queries[query],
        tuple(questions.pool[row] for row in shown),
        tuple(row == right for row in shown),
        place,
        int((sets.rows[0, at] >= 0).sum()),
        "" if right in shown else questions.pool[right],
    )


def _likeness(questions: Questions, sets: CandidateSets, space: EmbeddingSpace) -> np.ndarray:
    """Return cosines (q, size) with the candidates of each query; lowest where there is none or it has no vector."""
    vectors = vectors_of(space, questions)
    rows = sets.rows[0]
    found = np.einsum("qd,qsd->qs", vectors.query[sets.queries], vectors.candidate[rows])
    return np.asarray(np.where((rows >= 0) & vectors.candidate_covered[rows], found, -2.0))
