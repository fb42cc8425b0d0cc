"""Order, best and not separable from it, below a floor: what may be said of a row inside its block, and only there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from urbanbench.board.blocks import SELECT, Block, place_of
from urbanbench.board.columns import direction
from urbanbench.board.leading import leading
from urbanbench.board.rows import LEARNED, Row
from urbanbench.scoring.heads import HEADS

__all__ = [
    "BELOW",
    "OWN",
    "UNCONVERGED",
    "above_floor",
    "best_floor",
    "by_score",
    "chosen_heads",
    "floor_above",
    "floor_beyond",
    "head_counts",
    "is_its_head",
    "marks",
    "ranked",
    "usual_seeds",
]

BELOW = "\N{BLACK DOWN-POINTING TRIANGLE}"
OWN = "\N{DAGGER}"
"""Marks an own run that stands beside reference rows."""
UNCONVERGED = "\N{WHITE DIAMOND}"
"""Marks a row whose model had not converged when its training ended."""


def usual_seeds(block: Block) -> tuple[int, ...]:
    """Return the seeds most rows of a block share, those of an older question apart; of equally common ones the longest list."""
    counts = Counter(row.seeds for row in block.scored if row.run_id not in block.aside)
    return max(sorted(counts), key=lambda seeds: (counts[seeds], len(seeds)), default=())


def by_score(block: Block, usual: tuple[int, ...] | None = None) -> list[Row]:
    """Return every row with scores in one order, best first, floors of other inputs too; rows with other seeds and of an older question come last.

    Parameters
    ----------
    block
        The block.
    usual
        Seeds of rows that come first; the block's usual ones when left out.
    """
    usual = usual_seeds(block) if usual is None else usual
    return sorted(block.shown, key=lambda row: (row.seeds != usual, row.run_id in block.aside, place_of(row)))


def ranked(block: Block) -> list[Row]:
    """Return the rows that may be ranked together: the block's head, the block's usual seeds, and the newest question."""
    seeds = usual_seeds(block)
    return [
        row
        for row in block.scored
        if row.head == block.head and row.seeds == seeds and row.run_id not in block.aside
    ]


def marks(block: Block, metric: str, among: Collection[Row] | None = None) -> Mapping[str, str]:
    """Mark the best mean of a metric and those not separable from it by run id, of all rows that can be ranked or of some of them.

    See `urbanbench.board.leading.leading`. Nothing is marked when fewer than two rows can be ranked.
    """
    return leading([row for row in ranked(block) if among is None or row in among], metric)


def best_floor(block: Block, seeds: Sequence[int]) -> Row | None:
    """Return the floor of the block's inputs with the best mean of the main metric among those with these seeds and of the newest question.

    It is read by the block's head, so that a row is compared with what the same reader makes of a floor, or it is a floor that is nothing
    but its head.
    """
    return _best(block, block.floors, seeds)


def floor_beyond(block: Block, row: Row) -> Row | None:
    """Return the best floor of other inputs and the block's head when it is above a row and above the best floor of the block's inputs."""
    other, own = _best(block, block.elsewhere, row.seeds), best_floor(block, row.seeds)
    if row.run_id in block.aside or other is None or other.main_metric != row.main_metric:
        return None
    rivals = [one for one in (row, own) if one is not None and math.isfinite(one.main)]
    sign = direction(row.main_metric)
    return other if all(sign * other.main > sign * one.main for one in rivals) else None


def _best(block: Block, floors: Sequence[Row], seeds: Sequence[int]) -> Row | None:
    usable = [
        row
        for row in floors
        if (row.head == block.head or is_its_head(row))
        and row.run_id not in block.aside
        and row.seeds == tuple(seeds)
        and row.score(row.main_metric).whole
    ]
    return max(usable, key=lambda row: direction(row.main_metric) * row.main, default=None)


def is_its_head(row: Row) -> bool:
    """Tell whether a row is nothing but its head, as `mean` and `spatial-lag` are."""
    return row.head in HEADS and HEADS[row.head].of_a_floor


def floor_above(block: Block, row: Row) -> Row | None:
    """Return the block's best floor when a model's mean is below it, otherwise None; so too of a row of an older question, which no floor here was asked."""
    floor = None if row.run_id in block.aside else best_floor(block, row.seeds)
    if row.floor or floor is None or floor.main_metric != row.main_metric:
        return None
    sign = direction(row.main_metric)
    return floor if sign * row.main < sign * floor.main else None


def above_floor(block: Block, rows: Sequence[Row]) -> tuple[int, int] | None:
    """Count the learned rows that are not below the best floor of the block's inputs, and those that are counted at all.

    A row that lacks a part of its model for want of data is not counted: it says nothing of the model. Nor is one of which nothing was
    trained, frozen features or a model's start, nor one of an older question. None without a floor.
    """
    counted = [
        row
        for row in rows
        if row.kind == LEARNED
        and not row.lacks
        and row.run_id not in block.aside
        and best_floor(block, row.seeds) is not None
    ]
    above = [row for row in counted if floor_above(block, row) is None]
    return (len(above), len(counted)) if counted else None


def head_counts(row: Row) -> dict[str, int]:
    """Return how many seeds' predictions come from which head: those `select` chose, most frequent first."""
    names = [str(one["chosen"]) for one in row.head_details if one.get("chosen")]
    if row.head != SELECT or not names:
        return {row.head: len(row.seeds)}
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))


def chosen_heads(row: Row) -> str:
    """Name the head of a row: "rf" when every seed has it, "mostly rf" when `select` chose several."""
    counts = head_counts(row)
    return next(iter(counts)) if len(counts) == 1 else f"mostly {next(iter(counts))}"
