"""Which ranks the rows of a table may really have, from what their splits, or their units, say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from urbanbench.board.columns import direction
from urbanbench.board.contests import contest_of
from urbanbench.board.rows import Row
from urbanbench.judging.ranks import own_rank_intervals
from urbanbench.judging.separable import p_table

__all__ = ["possible_ranks"]


def possible_ranks(rows: Sequence[Row]) -> Mapping[str, tuple[int, int]]:
    """Return run id -> (lowest, highest) rank that a row may have on its main metric, 1 the best; each holds with 95 %.

    Every two rows are compared by the one-sided test that the bold set rests on (`urbanbench.judging.contest.Contest`), with the variance of trainings where
    there are several; see `urbanbench.judging.ranks.own_rank_intervals`. Rows with other test units or seeds than most, or without a finite score on some
    seed, have no rank. Fewer than two rows have none, nor have those of one seed, and of seeds that test the same units.

    Parameters
    ----------
    rows
        Rows that may be ranked together, of one table.
    """
    rows = _comparable(rows)
    if len(rows) < 2:
        return {}
    contest = contest_of(rows, rows[0].main_metric)
    if not contest.told:
        return {}
    found = own_rank_intervals(p_table(contest))
    return {row.run_id: (int(low), int(high)) for row, (low, high) in zip(rows, found, strict=True)}


def _comparable(rows: Sequence[Row]) -> list[Row]:
    """Keep the largest set of rows with the same metric, seeds and test units."""
    sets: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        score = row.score(row.main_metric)
        if direction(row.main_metric) and score.whole and math.isfinite(score.mean) and len(row.seeds) > 1:
            known = all(map(any, row.sizes[::2]))
            key = (row.main_metric, row.seeds, row.provenance.get("split_digest"), known)
            sets.setdefault(key, []).append(row)
    usable = [some for key, some in sets.items() if key[-1]]
    return max(usable, key=len, default=[])
