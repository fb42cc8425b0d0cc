"""The best rows of a metric: the best mean, and all that chance does not separate from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from urbanbench.board.columns import direction
from urbanbench.board.contests import basis_of_rows, contest_of
from urbanbench.board.rows import Row
from urbanbench.board.versions import of_another_question
from urbanbench.judging.basis import Basis
from urbanbench.judging.separable import not_separable

__all__ = ["BEST", "TIED", "leading"]

BEST, TIED = "best", "tied"
"""The best mean, and one that chance does not separate from it."""


def leading(rows: Sequence[Row], metric: str) -> Mapping[str, str]:
    """Mark by run id the best mean of a metric and those not separable from it (`urbanbench.judging.separable.not_separable`).

    Equal means share the mark of the best. Rows with other test units than the best one, and rows of one seed, are not judged. A row that lacks a
    finite score on some seed is left out: its mean is over other splits; and so is one whose task, split, head or metrics were of an older version than
    the newest of these rows, which answers another question. Fewer than two rows make no best one. Where seeds test the same
    units nothing is marked (`urbanbench.judging.basis`), unless their predictions are there, which alone tell what chance does.
    """
    sign = direction(metric)
    if sign == 0:
        return {}
    rows = [row for row in rows if not of_another_question(row, rows)]
    rows = [row for row in rows if row.score(metric).whole and math.isfinite(row.score(metric).mean)]
    if len(rows) < 2:
        return {}
    top = max(sign * row.score(metric).mean for row in rows)
    best = [row for row in rows if sign * row.score(metric).mean == top]
    tied = _not_separable(best[0], rows, metric)
    if tied is None:
        return {}
    return {row.run_id: TIED for row in tied} | {row.run_id: BEST for row in best}


def _not_separable(best: Row, rows: Sequence[Row], metric: str) -> list[Row] | None:
    """Return the rows that chance does not separate from the best one; None where seeds test the same units and nothing else is known."""
    same = [row for row in rows if row.seeds == best.seeds and _splits(row) == _splits(best)]
    contest = contest_of(same, metric)
    if contest.told:
        return [row for row, keep in zip(same, not_separable(contest).tolist(), strict=True) if keep]
    return None if basis_of_rows(same, metric) is Basis.SAME_UNITS and contest.units is None else []


def _splits(row: Row) -> str:
    return str(row.provenance.get("split_digest") or "")
