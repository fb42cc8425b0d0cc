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

__all__ = ["BEST", "TIED", "leading", "rivals"]

BEST, TIED = "best", "tied"
"""The best mean, and one that chance does not separate from it."""


def leading(rows: Sequence[Row], metric: str) -> Mapping[str, str]:
    """Mark by run id the best mean of a metric and those not separable from it (`urbanbench.judging.separable.not_separable`).

    Equal means share the mark of the best. Rows with other test units than the best one, and rows of one seed, are not judged. A row that lacks a
    finite score on some seed is left out: its mean is over other splits; and so is one whose task, split, head or metrics were of an older version than
    the newest of these rows, which answers another question. Fewer than two rows make no best one. Where seeds test the same
    units nothing is marked (`urbanbench.judging.basis`), unless their predictions are there, which alone tell what chance does.
    """
    among = rivals(rows, metric)
    if among is None:
        return {}
    tied = _not_separable(among, metric)
    if tied is None:
        return {}
    sign = direction(metric)
    top = max(sign * row.score(metric).mean for row in among)
    best = [row for row in _scored(rows, metric) if sign * row.score(metric).mean == top]
    return {row.run_id: TIED for row in tied} | {row.run_id: BEST for row in best}


def rivals(rows: Sequence[Row], metric: str) -> list[Row] | None:
    """Return the rows that are judged against the best mean of a metric, on its seeds and test units, itself among them; None of fewer than two scored rows.

    Parameters
    ----------
    rows
        Rows that may be ranked together.
    metric
        What is judged; of one without a direction there is no best.
    """
    sign = direction(metric)
    scored = _scored(rows, metric)
    if sign == 0 or len(scored) < 2:
        return None
    best = max(scored, key=lambda row: sign * row.score(metric).mean)
    return [row for row in scored if row.seeds == best.seeds and _splits(row) == _splits(best)]


def _scored(rows: Sequence[Row], metric: str) -> list[Row]:
    """Keep rows of the newest question that have a finite score on every seed."""
    rows = [row for row in rows if not of_another_question(row, rows)]
    return [row for row in rows if row.score(metric).whole and math.isfinite(row.score(metric).mean)]


def _not_separable(rows: Sequence[Row], metric: str) -> list[Row] | None:
    """Return the rows that chance does not separate from the best one; None where seeds test the same units and nothing else is known."""
    contest = contest_of(rows, metric)
    if contest.told:
        return [row for row, keep in zip(rows, not_separable(contest).tolist(), strict=True) if keep]
    return None if basis_of_rows(rows, metric) is Basis.SAME_UNITS and contest.units is None else []


def _splits(row: Row) -> str:
    return str(row.provenance.get("split_digest") or "")
