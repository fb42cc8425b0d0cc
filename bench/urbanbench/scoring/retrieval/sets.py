"""Candidate sets: the right candidate, half of the rest hard and half random, the same for a seed whatever else is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.retrieval.choices import wrong_candidates
from urbanbench.scoring.retrieval.shuffling import shuffled
from urbanbench.seeds import integer_seed

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["SIZES", "CandidateSets", "draw_sets"]

SIZES = (20, 100)
"""Candidates of a query. Sets of the first size are smaller where there are fewer; those of the second are left out for queries that lack some."""

_BATCH = 256


@dataclass(frozen=True, eq=False)
class CandidateSets:
    """Candidates of one size, for every seed.

    Parameters
    ----------
    size
        How many there are, as a rule.
    queries
        int64 (q,): rows of the queries that have such sets.
    rows
        int64 (seeds, q, size): rows of the pool, the right one first; -1 where a set is smaller.
    hard
        int64 (q,): how many of them are hard.
    """

    size: int
    queries: np.ndarray
    rows: np.ndarray
    hard: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Candidates of each query, int64 (q,)."""
        counted: np.ndarray = (self.rows[0] >= 0).sum(axis=1)
        return counted


@dataclass(frozen=True, eq=False)
class _Part:
    """What a batch of queries may choose from: rows of the pool one after another, and how many are each query's."""

    pool: np.ndarray
    lengths: np.ndarray
    wanted: np.ndarray


def draw_sets(questions: Questions, seeds: Sequence[int]) -> list[CandidateSets]:
    """Draw candidate sets of every size for every seed.

    Half of a set (10 of 20, 50 of 100) are hard wrong candidates, the rest are drawn from the wrong ones that are not hard. Where one kind is
    short the other fills up. What a query is given depends on the seed, its id and its pool alone. A larger size is left out where no query
    has as many candidates.
    """
    drawn: dict[int, list[CandidateSets]] = {size: [] for size in SIZES}
    stream = enumerate(wrong_candidates(questions))
    while some := list(islice(stream, _BATCH)):
        for size in SIZES:
            whole = [one for one in some if size == SIZES[0] or sum(map(len, one[1])) >= size - 1]
            if whole:
                drawn[size].append(_drawn(questions, whole, size, seeds))
    return [_joined(size, parts) for size, parts in drawn.items() if parts]


def _joined(size: int, parts: list[CandidateSets]) -> CandidateSets:
    return CandidateSets(
        size,
        np.concatenate([one.queries for one in parts]),
        np.concatenate([one.rows for one in parts], axis=1),
        np.concatenate([one.hard for one in parts]),
    )


def _drawn(
    questions: Questions,
    some: Sequence[tuple[int, tuple[np.ndarray, np.ndarray]]],
    size: int,
    seeds: Sequence[int],
) -> CandidateSets:
    """Draw for a batch of queries, each with its hard and its other wrong candidates."""
    queries = np.array([row for row, _ in some])
    salts = _salts([questions.queries[row] for row in queries.tolist()], size, seeds)
    hard, easy = _parts([one for _, one in some], size)
    rows = np.full((len(seeds), len(queries), size), -1, dtype=np.int64)
    rows[:, :, 0] = questions.positive_rows[queries]
    for stream, part, before in ((1, hard, np.zeros_like(hard.wanted)), (2, easy, hard.wanted)):
        of, place = np.nonzero(np.arange(part.wanted.max())[None] < part.wanted[:, None])
        rows[:, of, 1 + before[of] + place] = _chosen(part, of, place, salts + np.uint64(stream))
    return CandidateSets(size, queries, rows, hard.wanted)


def _salts(names: Sequence[str], size: int, seeds: Sequence[int]) -> np.ndarray:
    """Return uint64 (seeds, queries): what a draw depends on."""
    of_query = np.array([integer_seed(0, "candidates of", name) for name in names], dtype=np.uint64)
    of_seed = np.array([integer_seed(seed, "candidates", size) for seed in seeds], dtype=np.uint64)
    return of_seed[:, None] ^ of_query[None, :]


def _parts(some: Sequence[tuple[np.ndarray, np.ndarray]], size: int) -> tuple[_Part, _Part]:
    """Return the hard and the other candidates of a batch, and how many of each are wanted: half and half, one kind filling up for the other."""
    n_hard, n_easy = (np.array([len(one[kind]) for one in some]) for kind in (0, 1))
    easy = np.minimum(size - 1 - np.minimum(size // 2, n_hard), n_easy)
    hard = np.minimum(size - 1 - easy, n_hard)
    return (
        _Part(np.concatenate([one[0] for one in some]), n_hard, hard),
        _Part(np.concatenate([one[1] for one in some]), n_easy, easy),
    )


def _chosen(part: _Part, of: np.ndarray, place: np.ndarray, salts: np.ndarray) -> np.ndarray:
    """Return the rows of the pool that stand at places (p,) of the shuffled lists of queries `of` (p,), int64 (seeds, p)."""
    starts = np.cumsum(part.lengths) - part.lengths
    found = np.broadcast_to(place, (len(salts), len(of))).copy()
    some = (part.wanted < part.lengths)[of]  # of lists that are taken whole, the order does not matter
    found[:, some] = shuffled(place[some], part.lengths[of[some]], salts[:, of[some]])
    rows: np.ndarray = part.pool[starts[of][None] + found]
    return rows
