"""One line per table: its best learned model beside its best floor."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.blocks import Block, Group
from urbanbench.board.columns import heading
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.layout import Column, Entry, Line, Section, Table
from urbanbench.board.marks import BELOW, best_floor, floor_above
from urbanbench.board.rows import ordered

__all__ = ["overview"]

_COLUMNS = (
    Column("city, task and split"),
    Column("inputs"),
    Column("head", brief=False),
    Column("metric"),
    Column("best learned model"),
    Column("score", number=True),
    Column("best floor"),
    Column("score of the floor", number=True),
)


def overview(groups: Sequence[Group]) -> Section | None:
    """Return the overview of tables that hold learned models; None when there are fewer than two.

    Parity rows are left out: their scores are of other protocols.
    """
    lines = [
        _line(group, block) for group in groups if not group.parity for block in group.blocks if block.models
    ]
    if len(lines) < 2:
        return None
    facts = (
        "one line per table below",
        "lines rest on different inputs, splits or units and are no ranking of each other",
    )
    return Section(
        "Overview",
        facts,
        (),
        (Table("Best learned model and best floor of each table", _COLUMNS, tuple(lines)),),
    )


def _line(group: Group, block: Block) -> Line:
    model = block.models[0]
    floor = best_floor(block, model.seeds)
    metric = model.main_metric
    below = f" {BELOW}" if floor_above(block, model) else ""
    shown = (
        []
        if floor is None
        else [Entry(row_label(floor, block.scored)), Entry(floor.score(metric).text, value=floor.main)]
    )
    entries = (
        Entry(group_title(group)),
        Entry(ordered(block.inputs)),
        Entry(block.head),
        Entry(heading(metric)),
        Entry(f"{row_label(model, block.scored)}{below}"),
        Entry(model.score(metric).text, value=model.main),
        *(shown or [Entry("none"), Entry()]),
    )
    return Line("model", entries)
