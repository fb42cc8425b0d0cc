"""The best rows of a metric: the best mean, and all that chance does not separate from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from urbanbench.board.columns import direction
from urbanbench.board.rows import Row
from urbanbench.board.versions import of_another_question
from urbanbench.judging.queries import not_separable_shares
from urbanbench.judging.separable import LEVEL, not_separable
from urbanbench.judging.sharing import sharing_of, tests_the_same
from urbanbench.scoring.metrics import metric_info

__all__ = ["BEST", "TIED", "leading"]

BEST, TIED = "best", "tied"
"""The best mean, and one that chance does not separate from it."""


def leading(rows: Sequence[Row], metric: str) -> Mapping[str, str]:
    """Mark by run id the best mean of a metric and those not separable from it (`urbanbench.judging.separable.not_separable`).

    Equal means share the mark of the best. Rows with other test units than the best one, and rows of one seed, are not judged. A row that lacks a
    finite score on some seed is left out: its mean is over other splits; and so is one whose task, split, head or metrics were of an older version than
    the newest of these rows, which answers another question. Fewer than two rows make no best one. Where every seed tests the same
    units nothing is marked: only their predictions tell what chance does, and a board has scores alone.
    Of a retrieval, whose seeds have the same queries, queries are what is judged by (`urbanbench.judging.queries`).
    """
    sign = direction(metric)
    if sign == 0:
        return {}
    if not metric_info(metric).of_queries and any(
        tests_the_same(str(row.spec["split"]), row.split_facts) for row in rows
    ):
        return {}
    rows = [row for row in rows if not of_another_question(row, rows)]
    rows = [row for row in rows if row.score(metric).whole and math.isfinite(row.score(metric).mean)]
    if len(rows) < 2:
        return {}
    top = max(sign * row.score(metric).mean for row in rows)
    best = [row for row in rows if sign * row.score(metric).mean == top]
    tied = _not_separable(best[0], rows, metric)
    return {row.run_id: TIED for row in tied} | {row.run_id: BEST for row in best}


def _not_separable(best: Row, rows: Sequence[Row], metric: str) -> list[Row]:
    same = [row for row in rows if row.seeds == best.seeds and _splits(row) == _splits(best)]
    if metric_info(metric).of_queries:
        return _not_separable_queries(same, metric) if len(same) > 1 else []
    if len(same) < 2 or len(best.seeds) < 2 or not all(map(any, best.sizes[::2])):
        return []
    sign = direction(metric)
    values = np.array([row.score(metric).values for row in same], dtype=np.float64)
    trainings = [_trainings(row, metric, sign) for row in same]
    kept = not_separable(
        sign * values,
        sharing_of(str(best.spec["split"]), *(counts or 0 for counts in best.sizes)),
        trainings=trainings,
    )
    return [row for row, keep in zip(same, kept.tolist(), strict=True) if keep]


def _not_separable_queries(rows: Sequence[Row], metric: str) -> list[Row]:
    """Judge rows of a retrieval by how many queries they are means over; what is no mean over queries is not judged."""
    if not metric_info(metric).share or not rows[0].n_units:
        return []
    means = np.array([row.score(metric).mean for row in rows], dtype=np.float64)
    kept = not_separable_shares(means, rows[0].n_units, level=LEVEL)
    return [row for row, keep in zip(rows, kept.tolist(), strict=True) if keep]


def _trainings(row: Row, metric: str, sign: int) -> np.ndarray | None:
    single = row.score(metric).trainings
    return sign * np.array(single, dtype=np.float64) if single else None


def _splits(row: Row) -> str:
    return str(row.provenance.get("split_digest") or "")
