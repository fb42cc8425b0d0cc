"""Evaluate vectors of items on a retrieval task's questions: candidate sets, ranks, metrics; one score per seed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.hashing import array_digest
from urbanbench.scoring.evaluate import Scores
from urbanbench.scoring.retrieval.choices import placed
from urbanbench.scoring.retrieval.forms import scores_of_forms
from urbanbench.scoring.retrieval.levels import chance_of, oracle_of, suffix_of
from urbanbench.scoring.retrieval.metrics import distance_scores, hit_scores, of_each_query
from urbanbench.scoring.retrieval.ranks import Ranked, Vectors, rank, vectors_of
from urbanbench.scoring.retrieval.sets import SIZES, CandidateSets, draw_sets

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions
    from urbanbench.space import EmbeddingSpace

__all__ = ["ERROR", "RANK", "SIZE", "evaluate", "scores_of_rows", "values_of_rows"]

SIZE, COUNT, RANK, ERROR = "true[size]", "true[candidates]", "predicted[rank]", "predicted[error_m]"
"""Columns of predictions: the set's size as a rule and in fact, where the right candidate came, and how far off the first one lies."""


def evaluate(space: EmbeddingSpace, questions: Questions, seeds: Sequence[int]) -> Scores:
    """Score vectors of items.

    Parameters
    ----------
    space
        A row for every item, in any order.
    questions
        What was asked.
    seeds
        One drawing of candidate sets each.

    Raises
    ------
    BadInput
        The space is of another level or lacks an item, a query has nothing wrong to choose, or the main metric cannot be missed.
    """
    if space.level != questions.level:
        msg = f"The space holds {space.level}s. Expected items, which retrieval asks with and chooses from."
        raise BadInput(msg)
    start = time.perf_counter()
    sets, vectors, about = draw_sets(questions, seeds), vectors_of(space, questions), placed(questions)
    far = [_metres(questions, one, about) for one in sets]
    ranked = [rank(vectors, one, metres) for one, metres in zip(sets, far, strict=True)]
    chance = chance_of(sets, far, about)
    _check_open(questions, chance)
    covered = _covered(questions, vectors)
    rows = _rows(questions, seeds, sets, ranked, covered, about)
    return Scores(
        per_seed=scores_of_rows(rows, seeds),
        per_seed_val={},
        per_seed_covered={}
        if covered.all() or not covered.any()
        else scores_of_rows(_only(rows, rows["covered"]), seeds),
        n_units=len(questions),
        n_uncovered=int((~covered).sum()),
        block_size_m=None,
        sides=((len(questions.exam.lessons), 0, len(questions)),) * len(seeds),
        split_digest=_digest(questions, sets),
        head_details=(),
        predictions=rows,
        seconds=time.perf_counter() - start,
        section={
            "main_metric": questions.main_metric,
            "chance": chance,
            "oracle": oracle_of(sets, far, about),
            "candidates": _about_sets(questions, sets, vectors, about) | _forms(questions, sets, ranked),
        },
    )


def _forms(questions: Questions, sets: Sequence[CandidateSets], ranked: Sequence[Ranked]) -> dict[str, Any]:
    found = scores_of_forms(questions, sets[0], ranked[0].rank)
    return {"forms": found} if found else {}


def scores_of_rows(rows: Mapping[str, np.ndarray], seeds: Sequence[int]) -> dict[str, tuple[float, ...]]:
    """Return the metrics that rows of predictions hold, one score per seed.

    Parameters
    ----------
    rows
        Columns seed, `SIZE`, `RANK` and `ERROR`, as `evaluate` writes them; an error of NaN is about no place.
    seeds
        The protocol's.
    """
    found: list[dict[str, float]] = []
    for seed in seeds:
        here: dict[str, float] = {}
        for size in SIZES:
            chosen = (rows["seed"] == seed) & (rows[SIZE] == size)
            if chosen.any():
                here |= hit_scores(rows[RANK][chosen], suffix_of(size))
            metres = rows[ERROR][chosen]
            if size == SIZES[0] and np.isfinite(metres).any():
                here |= distance_scores(metres[np.isfinite(metres)])
        found.append(here)
    names = dict.fromkeys(name for one in found for name in one)
    return {name: tuple(one.get(name, float("nan")) for one in found) for name in names}


def values_of_rows(rows: Mapping[str, np.ndarray], metric: str) -> np.ndarray:
    """Return what each row of predictions adds to a metric, in [0, 1]; NaN for rows of sets or queries that it is not about.

    Raises
    ------
    KeyError
        The metric is no mean over queries.
    """
    name, _, size = metric.partition("/")
    values = of_each_query(name, rows[RANK], rows[ERROR])
    return np.where(rows[SIZE] == (int(size) if size else SIZES[0]), values, np.nan)


def _metres(questions: Questions, sets: CandidateSets, about: np.ndarray) -> np.ndarray | None:
    """Return how far each candidate lies from the right place, (seeds, q, size); infinite where there is none, None where none is a place."""
    if questions.query_xy is None or questions.candidate_xy is None or not about.any():
        return None
    gaps = questions.candidate_xy[sets.rows] - questions.query_xy[sets.queries][None, :, None, :]
    metres = np.sqrt(gaps[..., 0] ** 2 + gaps[..., 1] ** 2)
    return np.where((sets.rows >= 0) & about[sets.queries][None, :, None], metres, np.inf)


def _check_open(questions: Questions, chance: Mapping[str, float]) -> None:
    if chance[questions.main_metric] >= 1:
        msg = f"Lots would score 1 on {questions.main_metric!r}: no set has more candidates. Expected a main metric that can be missed. Mend: Questions(main_metric='hit@1')."
        raise BadInput(msg)


def _covered(questions: Questions, vectors: Vectors) -> np.ndarray:
    both: np.ndarray = vectors.query_covered & vectors.candidate_covered[questions.positive_rows]
    return both


def _rows(
    questions: Questions,
    seeds: Sequence[int],
    sets: Sequence[CandidateSets],
    ranked: Sequence[Ranked],
    covered: np.ndarray,
    about: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return one row per size, seed and query."""
    names, pool = np.array(questions.queries, dtype=np.str_), np.array(questions.pool, dtype=np.str_)
    parts = []
    for one, found in zip(sets, ranked, strict=True):
        many = (len(seeds), len(one.queries))
        parts.append(
            {
                "seed": np.repeat(np.array(seeds, dtype=np.int64), many[1]),
                "unit_id": np.tile(names[one.queries], many[0]),
                "covered": np.tile(covered[one.queries], many[0]),
                SIZE: np.full(many[0] * many[1], one.size, dtype=np.int64),
                COUNT: np.tile(one.counts, many[0]),
                RANK: found.rank.ravel(),
                ERROR: _errors(questions, one, found, about).ravel(),
                "first": pool[found.first].ravel(),
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _errors(questions: Questions, sets: CandidateSets, found: Ranked, about: np.ndarray) -> np.ndarray:
    """Return metres from the right place to the candidate ranked first, (seeds, q), with float32's digits; NaN for queries about no place."""
    if questions.query_xy is None or questions.candidate_xy is None:
        return np.full(found.first.shape, np.nan)
    gaps = questions.candidate_xy[found.first] - questions.query_xy[sets.queries][None]
    metres = np.hypot(gaps[..., 0], gaps[..., 1]).astype(np.float32).astype(np.float64)
    return np.where(about[sets.queries], metres, np.nan)


def _only(rows: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[chosen] for name, values in rows.items()}


def _digest(questions: Questions, sets: Sequence[CandidateSets]) -> str:
    names = np.array(questions.queries, dtype=np.str_), np.array(questions.pool, dtype=np.str_)
    return array_digest(*names, *(one.rows for one in sets))


def _about_sets(
    questions: Questions, sets: Sequence[CandidateSets], vectors: Vectors, about: np.ndarray
) -> dict[str, Any]:
    """Say what the sets are: how many queries have each size, how many of their candidates are hard, and which size is left out."""
    sizes = {
        str(one.size): {
            "queries": len(one.queries),
            "mean_candidates": round(float(one.counts.mean()), 3),
            "mean_hard": round(float(one.hard.mean()), 3),
        }
        for one in sets
    }
    return {
        "pool": len(questions.pool),
        "uncovered": int((~vectors.candidate_covered).sum()),
        "about_places": int(about.sum()),
        "sizes": sizes,
        "left_out": [size for size in SIZES if str(size) not in sizes],
    }
