"""What each query may be given to choose from: wrong candidates that are hard to tell from the right one, and all wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["placed", "wrong_candidates"]


def wrong_candidates(questions: Questions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield per query the rows of the pool that are wrong and hard to tell from the right one, and those of the other wrong ones; int64, ascending.

    Wrong is a candidate of the right one's group that neither says nor shows the same and is not named right as well. Hard is one within
    `hard_m` metres of the right place, or with the right one's likeness.

    Raises
    ------
    BadInput
        A query without any wrong candidate.
    """
    answers, groups, likeness = (
        questions.answer_codes,
        _codes(questions.groups),
        _codes(questions.likeness, empty=-1),
    )
    near = _Near(questions)
    for row, (name, right) in enumerate(zip(questions.queries, questions.positive_rows, strict=True)):
        wrong = answers != answers[right]
        if groups is not None:
            wrong &= groups == groups[right]
        for other in questions.also_right.get(name, ()):
            wrong &= answers != answers[questions.row_of[other]]
        if not wrong.any():
            msg = f"Query {name!r} has no wrong candidate: all of its group are right as well. Expected one at least. Mend: leave the query out, or give candidates another word in `answers`."
            raise BadInput(msg)
        hard = near.candidates(row)
        if likeness is not None and likeness[right] >= 0:
            hard |= likeness == likeness[right]
        yield np.flatnonzero(wrong & hard), np.flatnonzero(wrong & ~hard)


class _Near:
    """Finds the candidates near a query's right place."""

    def __init__(self, questions: Questions) -> None:
        self._xy, self._metres, self._placed = questions.query_xy, questions.hard_m, questions.placed
        self._count = len(questions.pool)
        self._rows, self._tree = np.zeros(0, dtype=np.int64), None
        if questions.candidate_xy is not None and self._placed.any():
            from scipy.spatial import cKDTree

            self._rows = np.flatnonzero(np.isfinite(questions.candidate_xy).all(axis=1))
            self._tree = cKDTree(questions.candidate_xy[self._rows])

    def candidates(self, row: int) -> np.ndarray:
        """Return which candidates are near, bool (m,); none where the answer is no place."""
        found = np.zeros(self._count, dtype=bool)
        if self._tree is not None and self._xy is not None and self._placed[row]:
            found[self._rows[self._tree.query_ball_point(self._xy[row], self._metres)]] = True
        return found


def placed(questions: Questions) -> np.ndarray:
    """Return the queries whose answer is a place and whose candidates are all places, bool (n,)."""
    found = questions.placed
    if not found.any() or questions.candidate_xy is None:
        return found
    here = np.isfinite(questions.candidate_xy).all(axis=1)
    groups = _codes(questions.groups)
    lost = ~here.all() if groups is None else np.isin(groups[questions.positive_rows], groups[~here])
    about: np.ndarray = found & ~lost
    return about


def _codes(words: tuple[str, ...] | None, empty: int = 0) -> np.ndarray | None:
    """Give words numbers from 1; "" has the number `empty`."""
    if words is None:
        return None
    number = {word: place for place, word in enumerate(dict.fromkeys(words), 1)} | {"": empty}
    return np.array([number[word] for word in words], dtype=np.int64)
