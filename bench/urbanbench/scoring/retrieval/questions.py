"""Questions: what a retrieval task asks of one city, with the truth that no model sees, checked once at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from urbanbench.card import RETRIEVAL
from urbanbench.errors import BadInput, quoted
from urbanbench.hashing import array_digest, value_digest
from urbanbench.items import Exam

__all__ = ["HARD_M", "MAIN_METRICS", "Questions"]

HARD_M = 500.0
"""Candidates within so many metres of the right place are hard to tell from it."""

MAIN_METRICS = ("hit@1", "hit@3", "hit@5", "hit@10", "mrr")
_OF_POOL = ("answers", "likeness", "groups")


@dataclass(frozen=True, eq=False)
class Questions:
    """Queries with their right candidate among a pool, in one city. Whatever order they are given in, they are kept by id.

    Parameters
    ----------
    exam
        What models see: the items of both sides, graphs and lessons.
    queries
        Ids of the items that ask (n,).
    positive
        Per query the id of its right candidate (n,).
    pool
        Ids of all candidates (m,).
    answers
        Per candidate what it says (m,): of candidates with the same word as the right one none is ever drawn as a wrong one. None: its text,
        or its id where it has none. Candidates that show the same are the same answer in any case.
    likeness
        Per candidate what makes it hard to tell from others (m,), such as a category; those with the word of the right one are hard. "" is like none.
    groups
        Per candidate the set of answers it belongs to (m,); a query chooses from the group of its right candidate alone. None: one pool.
    also_right
        Query id to further candidates that would be right as well; they are never drawn.
    query_xy
        float64 (n, 2): where the right answer lies, (easting, northing) in metres; NaN for queries about no place. None: for all.
    candidate_xy
        float64 (m, 2): where each candidate lies; NaN for those that are no place. None: for all.
    hard_m
        Candidates within so many metres of `query_xy` are hard.
    main_metric
        A word of `MAIN_METRICS`: what tables show. Where a group has five answers or fewer, "hit@1".

    Raises
    ------
    BadInput
        Ids that stand twice or are no items of that side, a query without a wrong candidate, columns of other lengths, infinite places.
    """

    exam: Exam
    queries: tuple[str, ...]
    positive: tuple[str, ...]
    pool: tuple[str, ...]
    answers: tuple[str, ...] | None = None
    likeness: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    also_right: Mapping[str, frozenset[str]] = field(default_factory=dict)
    query_xy: np.ndarray | None = None
    candidate_xy: np.ndarray | None = None
    hard_m: float = HARD_M
    main_metric: str = "hit@5"

    level = "item"
    kind = RETRIEVAL
    unit = ""

    def __post_init__(self) -> None:
        _check_ids("queries", self.queries, self.exam, "query")
        _check_ids("pool", self.pool, self.exam, "candidate")
        _check_columns(self)
        self._sort()
        _check_choices(self)

    def __len__(self) -> int:
        return len(self.queries)

    def _sort(self) -> None:
        """Put queries and candidates in the order of their ids; arrays are copied and made read-only."""
        rows = sorted(range(len(self.queries)), key=self.queries.__getitem__)
        columns = sorted(range(len(self.pool)), key=self.pool.__getitem__)
        for name in ("queries", "positive"):
            object.__setattr__(self, name, tuple(getattr(self, name)[row] for row in rows))
        for name in _OF_POOL:
            part = getattr(self, name)
            if part is not None:
                object.__setattr__(self, name, tuple(str(part[column]) for column in columns))
        object.__setattr__(self, "pool", tuple(self.pool[column] for column in columns))
        for name, order in (("query_xy", rows), ("candidate_xy", columns)):
            part = getattr(self, name)
            if part is not None:
                placed = np.array(part, dtype=np.float64)[order]
                placed.flags.writeable = False
                object.__setattr__(self, name, placed)

    @cached_property
    def ids(self) -> np.ndarray:
        """Ids of all items, sorted: what is to be embedded."""
        return np.array(sorted(self.exam.items), dtype=np.str_)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Candidate id to its place in the pool."""
        return {name: row for row, name in enumerate(self.pool)}

    @cached_property
    def positive_rows(self) -> np.ndarray:
        """Places of the right candidates in the pool, int64 (n,)."""
        return np.array([self.row_of[name] for name in self.positive], dtype=np.int64)

    @cached_property
    def answer_codes(self) -> np.ndarray:
        """Equal numbers for equal answers, by word or because two candidates show the same; int64 (m,)."""
        said = self.answers or tuple(self.exam.items[name].text or name for name in self.pool)
        shown = [self.exam.items[name] for name in self.pool]
        return _joined([list(said), [(one.text, one.image, one.graph) for one in shown]])

    @property
    def placed(self) -> np.ndarray:
        """Queries whose answer is a place, bool (n,)."""
        if self.query_xy is None or self.candidate_xy is None:
            return np.zeros(len(self), dtype=bool)
        known: np.ndarray = np.isfinite(self.query_xy).all(axis=1)
        return known

    def digest(self) -> str:
        """Hash of everything that can change a score: what is shown as well as what is right."""
        words = [
            self.exam.digest,
            list(self.queries),
            list(self.positive),
            list(self.pool),
            *(list(getattr(self, name) or ()) for name in _OF_POOL),
            {name: sorted(some) for name, some in sorted(self.also_right.items())},
            self.hard_m,
            self.main_metric,
        ]
        none = np.zeros((0, 2))
        places = [none if part is None else part for part in (self.query_xy, self.candidate_xy)]
        return value_digest([words, array_digest(*places)])


def _joined(columns: list[list[object]]) -> np.ndarray:
    """Give rows numbers: those that agree in any column, or are linked by others that do, have one number."""
    above = list(range(len(columns[0])))

    def root(row: int) -> int:
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    for column in columns:
        first: dict[object, int] = {}
        for row, word in enumerate(column):
            one, other = sorted((root(row), root(first.setdefault(word, row))))
            above[other] = one
    return np.array([root(row) for row in range(len(above))], dtype=np.int64)


def _check_ids(name: str, ids: tuple[str, ...], exam: Exam, side: str) -> None:
    object_of = "queries" if side == "query" else "candidates"
    if not ids or len(set(ids)) != len(ids):
        msg = f"Questions have {len(ids)} ids in {name}, {len(set(ids))} of them different. Expected at least one, each once."
        raise BadInput(msg)
    strange = [one for one in ids if exam.sides.get(one) != side]
    if strange:
        msg = f"{len(strange)} ids in {name} are no {object_of} of the exam ({quoted(strange)}). Expected items with side {side!r}. Mend: Exam(sides={{id: {side!r}}})."
        raise BadInput(msg)


def _check_columns(questions: Questions) -> None:
    n, m = len(questions.queries), len(questions.pool)
    lengths = {"positive": n, "query_xy": n, "candidate_xy": m} | dict.fromkeys(_OF_POOL, m)
    for name, wanted in lengths.items():
        part = getattr(questions, name)
        if part is not None and len(part) != wanted:
            whose = "query" if wanted == n and name in {"positive", "query_xy"} else "candidate"
            msg = f"Questions have {len(part)} entries in {name}. Expected {wanted}, one per {whose}."
            raise BadInput(msg)
    for name in ("query_xy", "candidate_xy"):
        part = getattr(questions, name)
        if part is not None and (np.shape(part) != (lengths[name], 2) or np.isinf(part).any()):
            msg = f"Questions have {name} of shape {np.shape(part)}, or infinite places. Expected (easting, northing) in metres, shape ({lengths[name]}, 2), NaN for no place."
            raise BadInput(msg)
    if questions.main_metric not in MAIN_METRICS:
        msg = f"Questions have main_metric {questions.main_metric!r}. Expected one of: {', '.join(MAIN_METRICS)}."
        raise BadInput(msg)
    if not 0 <= questions.hard_m < float("inf"):
        msg = f"Questions have hard_m {questions.hard_m}. Expected metres >= 0."
        raise BadInput(msg)


def _check_choices(questions: Questions) -> None:
    """Refuse right candidates that are not in the pool, and queries with nothing wrong to choose."""
    known = set(questions.pool)
    for what, some in (
        ("positive", questions.positive),
        ("also_right", sorted({one for every in questions.also_right.values() for one in every})),
    ):
        strange = sorted(set(some) - known)
        if strange:
            msg = f"{len(strange)} ids in {what} are not in the pool ({quoted(strange)}). Expected candidates. Mend: add them to pool."
            raise BadInput(msg)
    strange = sorted(set(questions.also_right) - set(questions.queries))
    if strange:
        msg = (
            f"{len(strange)} keys of also_right are no queries ({quoted(strange)}). Expected ids of queries."
        )
        raise BadInput(msg)
