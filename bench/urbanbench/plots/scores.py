"""Scores of every row as dots with their spread, floors among them; panels of one metric share their range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanbench.board.blocks import Block, Group, make_groups
from urbanbench.board.columns import heading, unit_of
from urbanbench.board.knowing import parts_of
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.marks import by_score, marks, usual_seeds
from urbanbench.board.numbers import Score
from urbanbench.board.rows import Row, ordered, read_rows
from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import FLOOR, LEARNED
from urbanbench.plots.choosing import pages_of
from urbanbench.plots.dots import (
    READING,
    common_range,
    dot,
    height_of,
    legend,
    names,
    point_outside,
    width_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["score_figures"]

_BOLD = "bold names: chance does not separate them from the best"


@dataclass(frozen=True, eq=False)
class _Dot:
    label: str
    row: Row
    best: bool
    other: bool

    @property
    def score(self) -> Score:
        return self.row.score(self.row.main_metric)

    @property
    def colour(self) -> str:
        return FLOOR if self.row.floor else LEARNED

    @property
    def kind(self) -> str:
        if self.other:
            return "floor that uses other inputs, not ranked"
        return "floor, learns nothing" if self.row.floor else "learned or frozen model"


@dataclass(frozen=True, eq=False)
class _Panel:
    title: str
    group: str
    metric: str
    unit: str
    dots: tuple[_Dot, ...]


def score_figures(results: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Return figures with a panel for every table of the board, rows in its order, as many on a page as it has room for.

    Parameters
    ----------
    results
        Result files' contents, as `urbanbench.board.render` takes them.

    Raises
    ------
    DataMissing
        No row has a score.
    """
    panels = [
        panel
        for group in make_groups(read_rows(results))
        for block in group.blocks
        for panel in _panels(group, block)
    ]
    pages = pages_of(panels, "tables", lambda panel: height_of(len(panel.dots)), lambda panel: panel.group)
    return [_page(f"scores-{number}", page) for number, page in enumerate(pages, 1)]


def _page(name: str, panels: Sequence[_Panel]) -> Figure:
    heights = [height_of(len(panel.dots)) for panel in panels]

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(grid, panels, strict=True):
            _draw(axes, panel)
        _share_ranges(list(grid), panels)
        legend(canvas, f"{READING}; {_BOLD}")

    labels = [one.label for panel in panels for one in panel.dots]
    width = width_of(labels, [panel.title for panel in panels])
    return Figure(name, "Scores of every row", draw, (width, sum(heights) + 0.8))


def _panels(group: Group, block: Block) -> list[_Panel]:
    beside, usual = [*block.shown, *block.unscored], usual_seeds(block)
    found = []
    for part in parts_of(block):
        rows = [row for row in by_score(part.block, usual) if math.isfinite(row.main)]
        if not rows:
            continue
        best = marks(block, rows[0].main_metric, part.block.scored)
        dots = tuple(
            _Dot(row_label(row, beside), row, row.run_id in best, row in part.block.elsewhere) for row in rows
        )
        words = [group_title(group), f"inputs {ordered(block.inputs)}", part.words, f"head {block.head}"]
        unit = unit_of(rows[0].main_metric, str(rows[0].task.get("unit") or ""))
        title = " · ".join(word for word in words if word)
        found.append(_Panel(title, words[0], rows[0].main_metric, unit, dots))
    return found


def _draw(axes: Axes, panel: _Panel) -> None:
    for place, one in enumerate(panel.dots):
        mark = "s" if one.row.floor else "o"
        dot(axes, place, one.score, mark=mark, colour=one.colour, label=one.kind, hollow=one.other)
    names(
        axes,
        [one.label for one in panel.dots],
        bold=[one.best for one in panel.dots],
        soft=[one.row.floor for one in panel.dots],
    )
    axes.set_xlabel(f"{heading(panel.metric)}{f' ({panel.unit})' if panel.unit else ''}")
    axes.set_title(panel.title, loc="right", fontsize=9)


def _share_ranges(grid: Sequence[Axes], panels: Sequence[_Panel]) -> None:
    """Give panels of one metric and unit the same range."""
    for key in {(panel.metric, panel.unit) for panel in panels}:
        same = [k for k, panel in enumerate(panels) if (panel.metric, panel.unit) == key]
        ends = common_range([one.score for k in same for one in panels[k].dots])
        for k in same:
            grid[k].set_xlim(*ends)
            dots = panels[k].dots
            point_outside(grid[k], [one.score for one in dots], [one.colour for one in dots])
