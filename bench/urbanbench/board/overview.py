"""One line per table: its best model, learned or frozen, beside its best floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from urbanbench.board.blocks import Block, Group
from urbanbench.board.columns import heading
from urbanbench.board.knowing import Part, parts_of
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.layout import Column, Entry, Line, Section, Table
from urbanbench.board.marks import BELOW, above_floor, best_floor, by_score, floor_above, floor_beyond
from urbanbench.board.rows import Row, ordered
from urbanbench.board.versions import OLDER, older_parts

__all__ = ["overview"]

_HIGHER = "higher floor of other inputs, same head"
_COUNT = "learned rows not below it"
_COLUMNS = (
    Column("city, task and split"),
    Column("inputs", rank=1),
    Column("head", brief=False, rank=3),
    Column("metric", rank=2),
    Column("best model, learned or frozen"),
    Column("score", number=True),
    Column("best floor of these inputs and head"),
    Column("score of the floor", number=True),
    Column(_COUNT, rank=2),
    Column(_HIGHER, rank=2),
    Column("its score", number=True, rank=2),
)


def overview(groups: Sequence[Group], *, place_of: Callable[[Group], str] | None = None) -> Section | None:
    """Return the overview of tables that rank models; None when there are fewer than two.

    Parity rows are left out: their scores are of other protocols. So are tables whose models all answer an older question.

    Parameters
    ----------
    groups
        What `urbanbench.board.blocks.make_groups` gave.
    place_of
        The page that a group's tables stand on, where they stand on another.
    """
    lines = [
        _line(group, block, part, place_of(group) if place_of else "")
        for group in groups
        if not group.parity
        for block in group.blocks
        for part in parts_of(block)
        if any(row.run_id not in block.aside for row in part.block.models)
    ]
    if len(lines) < 2:
        return None
    facts = (
        "one line per table, which its name leads to" if place_of else "one line per table below",
        "lines rest on different inputs, splits or units and are no ranking of each other",
        "rows that lack a part of their model for want of data say so in their name and are not counted, nor are rows of which nothing was trained and rows of an older question",
    )
    table = Table("Best model and best floor of each table", _COLUMNS, tuple(lines))
    if all(line.entries[-1].value is None for line in lines):
        table = table.without(_HIGHER, "its score")
    return Section("Overview", facts, (), (table,))


def _line(group: Group, block: Block, part: Part, place: str) -> Line:
    model = next(row for row in by_score(block) if row in part.block.models)
    metric = model.main_metric
    marked = {OLDER: older_parts(model, block.shown), BELOW: floor_above(block, model)}
    signs = "".join(f" {sign}" for sign, holds in marked.items() if holds)
    beyond = floor_beyond(block, model)
    entries = (
        Entry(group_title(group), link=place),
        Entry(f"{ordered(block.inputs)}{f'; {part.words}' if part.words else ''}"),
        Entry(block.head),
        Entry(heading(metric)),
        Entry(f"{row_label(model, block.scored)}{signs}"),
        Entry(model.score(metric).text, value=_finite(model.main)),
        *_floor(best_floor(block, model.seeds), block.scored),
        Entry(" of ".join(map(str, above_floor(block, part.block.models) or ()))),
        *_floor(beyond, block.elsewhere, f", from {ordered(beyond.used)}" if beyond else ""),
    )
    return Line("model", entries)


def _floor(floor: Row | None, beside: Sequence[Row], seen: str = "") -> tuple[Entry, Entry]:
    if floor is None:
        return Entry("none"), Entry()
    text = floor.score(floor.main_metric).text
    return Entry(f"{row_label(floor, beside)}{seen}"), Entry(text, value=floor.main)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
