"""Models beside tasks: one table for each city, split, inputs and head, with the main metric of every task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from urbanbench.board.blocks import Block, Group
from urbanbench.board.columns import direction, heading, unit_of
from urbanbench.board.footer import footer
from urbanbench.board.knowing import parts_of
from urbanbench.board.labels import row_label
from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.marks import BELOW, by_score, floor_above, marks, usual_seeds
from urbanbench.board.rows import FLOOR, FROZEN, LEARNED, Row, ordered
from urbanbench.counted import counted

__all__ = ["pivot"]

_ORDER = (
    "Rows stand in the order of their mean rank over the tasks they answer; an empty cell is a task without such a row. "
    "Marks are of each column: chance is judged task by task."
)


@dataclass(frozen=True)
class _Place:
    """What all cells of a table share."""

    city: str
    split: str
    train_city: str
    inputs: frozenset[str]
    head: str
    words: str

    @property
    def title(self) -> str:
        told = [f"Inputs: {ordered(self.inputs)}", self.words, f"ranked: head {self.head}"]
        return " · ".join(word for word in told if word)

    @property
    def section(self) -> str:
        where = f" · trained in {self.train_city}" if self.train_city else ""
        return f"{self.city} · {self.split}{where}"


@dataclass(frozen=True, eq=False)
class _Cell:
    """A row of a task: the row, its block, the mark of its main metric."""

    row: Row
    block: Block
    mark: str

    @property
    def entry(self) -> Entry:
        score = self.row.score(self.row.main_metric)
        below = f" {BELOW}" if floor_above(self.block, self.row) else ""
        value = score.mean if math.isfinite(score.mean) else None
        return Entry(
            f"{score.text}{below}",
            self.mark,
            f"{self.row.name}, {counted(len(self.row.seeds), 'seed')}",
            value,
        )


@dataclass(eq=False)
class _Grid:
    """Cells by the name of a row and by task, with the kind of a row and the heading of a task."""

    cells: dict[str, dict[str, _Cell]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, Row] = field(default_factory=dict)


def pivot(groups: Sequence[Group], *, title: str, empty: str = "") -> Board:
    """Lay out models beside tasks; parity rows are left out, for each has a protocol of its own, and so are rows of an older question.

    Parameters
    ----------
    groups, title, empty
        As of `urbanbench.board.assemble.assemble`.
    """
    own = [group for group in groups if not group.parity]
    grids: dict[_Place, _Grid] = {}
    for group in own:
        for block in group.blocks:
            _take(grids, group, block)
    titles = dict.fromkeys(place.section for place in grids)
    sections = [
        Section(
            one, (), (), tuple(_table(place, grid) for place, grid in grids.items() if place.section == one)
        )
        for one in titles
    ]
    said = [_ORDER, *footer(own, published=False)] if own else []
    return Board(title or "Models and tasks", "" if own else empty, tuple(sections), tuple(said))


def _take(grids: dict[_Place, _Grid], group: Group, block: Block) -> None:
    """Put the rows of a block into the grid of its city, split, inputs and head."""
    usual = usual_seeds(block)
    for part in parts_of(block):
        shown = part.block
        place = _Place(group.city, group.split, group.train_city, block.inputs, block.head, part.words)
        grid = grids.setdefault(place, _Grid())
        rows = [row for row in by_score(shown, usual) if row.seeds == usual and row.run_id not in block.aside]
        for row in rows:
            best = marks(block, row.main_metric, shown.scored)
            name = _name(row, block, [*block.shown, *block.unscored])
            grid.cells.setdefault(name, {})[group.task] = _Cell(row, block, best.get(row.run_id, ""))
            grid.kinds[name] = "floor, other inputs" if row in shown.elsewhere else row.kind
            grid.tasks.setdefault(group.task, row)


def _name(row: Row, block: Block, beside: Sequence[Row]) -> str:
    """Name a row alike in every task, with its head where that is another one than the table's."""
    alone = row_label(row, [row])
    rivals = [one for one in beside if one.run_id != row.run_id and row_label(one, [one]) == alone]
    same_head = [one for one in rivals if one.head == row.head]
    label = row_label(row, beside) if same_head else alone
    return label if row.head == block.head or not rivals else f"{label}, head {row.head}"


def _table(place: _Place, grid: _Grid) -> Table:
    tasks = sorted(grid.tasks)
    columns = [Column("model"), Column("kind")]
    for task in tasks:
        row = grid.tasks[task]
        unit = unit_of(row.main_metric, str(row.task.get("unit") or ""))
        columns.append(Column(f"{task}, {heading(row.main_metric)}", number=True, unit=unit))
    standing = _standing(grid, tasks)
    names = sorted(grid.cells, key=lambda name: (standing[name], name))
    lines = []
    for name in names:
        found = grid.cells[name]
        kind = grid.kinds[name]
        shown = {LEARNED: "model", FROZEN: "model", FLOOR: "floor"}.get(kind, "elsewhere")
        entries = [found[task].entry if task in found else Entry() for task in tasks]
        lines.append(Line(shown, (Entry(name), Entry(kind), *entries)))
    return Table(place.title, tuple(columns), tuple(lines))


def _standing(grid: _Grid, tasks: Sequence[str]) -> dict[str, float]:
    """Return the mean rank of every row over the tasks it answers, as a share of the rows that answer: 0 is first everywhere."""
    shares: dict[str, list[float]] = {name: [] for name in grid.cells}
    for task in tasks:
        rows = {name: found[task].row for name, found in grid.cells.items() if task in found}
        sign = direction(grid.tasks[task].main_metric) or 1
        scores = {name: sign * row.main for name, row in rows.items() if math.isfinite(row.main)}
        for name, score in scores.items():
            above = sum(other > score for other in scores.values())
            shares[name].append(above / max(1, len(scores) - 1))
    return {name: fmean(found) if found else math.inf for name, found in shares.items()}
