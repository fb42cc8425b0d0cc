"""Which ranks the rows of a table may really have, from what their splits, or their units, say together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from urbanbench.board.contests import contest_of
from urbanbench.board.leading import rivals
from urbanbench.board.rows import Row
from urbanbench.judging.ranks import own_rank_intervals
from urbanbench.judging.separable import p_table

__all__ = ["possible_ranks"]


def possible_ranks(rows: Sequence[Row], bold: Collection[str]) -> Mapping[str, tuple[int, int]]:
    """Return run id -> (lowest, highest) rank that a row may have on its main metric, 1 the best; each end holds with 95 %.

    The rows that are judged against the best mean (`urbanbench.board.leading.rivals`) are compared two by two by the one-sided test that the bold set rests on
    (`urbanbench.judging.contest.Contest`); see `urbanbench.judging.ranks.own_rank_intervals`. Bold rows, and no others, may have rank 1: the set that holds
    the really best row with 95 % says so. So the best row may have as many ranks as rows are bold, one alone where it is separable from every other.
    Rows that are not judged have no rank; nor has any where nothing can be said of chance: of one seed, and of seeds that test the same units.

    Parameters
    ----------
    rows
        Rows that may be ranked together, of one table.
    bold
        Run ids of those that chance does not separate from the best (`urbanbench.board.leading.leading`).
    """
    among = rivals(rows, rows[0].main_metric) if rows else None
    contest = contest_of(among, among[0].main_metric) if among else None
    if among is None or contest is None or not contest.told:
        return {}
    found = own_rank_intervals(p_table(contest)).tolist()
    return {
        row.run_id: (1, high) if row.run_id in bold else (max(low, 2), max(high, 2))
        for row, (low, high) in zip(among, found, strict=True)
    }
