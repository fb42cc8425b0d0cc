"""What a model adds to counting: gains over the best content floor, beside what a second floor adds instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanbench.board.blocks import Group, make_groups
from urbanbench.board.columns import metric_title
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.numbers import Score
from urbanbench.board.rows import Row, read_rows
from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import FLOOR, LEARNED, SOFT
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

__all__ = ["gain_figures"]

_MODEL, _SECOND = (
    "the model and the best floor, over that floor alone",
    "a second floor in place of the model",
)
_SHIFT = -0.12
"""Where a gain stands against its row's name, in rows: above the second floor."""


@dataclass(frozen=True, eq=False)
class _Panel:
    title: str
    metric: str
    rows: tuple[Row, ...]

    def labels(self) -> list[str]:
        return [_label(row, self.rows) for row in self.rows]

    def gains(self) -> list[Score]:
        return [row.added.gain[self.metric] for row in self.rows if row.added is not None]

    def seconds(self) -> list[Score]:
        return [row.added.second.get(self.metric, Score(())) for row in self.rows if row.added is not None]


def gain_figures(results: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Return figures with a panel for every city, task and split whose rows were run with ``--adds``, the largest gain first.

    Parameters
    ----------
    results
        Result files' contents, as `urbanbench.board.render` takes them.

    Raises
    ------
    DataMissing
        No row says what it adds.
    """
    panels = [panel for group in make_groups(read_rows(results)) if (panel := _panel(group)) is not None]
    what = "models that say what they add (run with --adds)"
    pages = pages_of(panels, what, lambda panel: height_of(len(panel.rows)), lambda panel: panel.title)
    return [_page(f"gains-{number}", page) for number, page in enumerate(pages, 1)]


def _page(name: str, panels: Sequence[_Panel]) -> Figure:
    heights = [height_of(len(panel.rows)) for panel in panels]

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(grid, panels, strict=True):
            _draw(axes, panel)
        for metric in {panel.metric for panel in panels}:
            same = [k for k, panel in enumerate(panels) if panel.metric == metric]
            ends = common_range([one for k in same for one in panels[k].gains()])
            for k in same:
                grid[k].set_xlim(min(ends[0], -0.001), max(ends[1], 0.001))
                colours = [LEARNED] * len(panels[k].rows)
                point_outside(grid[k], panels[k].gains(), colours, shift=_SHIFT)
        legend(canvas, READING)

    labels = [label for panel in panels for label in panel.labels()]
    width = width_of(labels, [panel.title for panel in panels])
    return Figure(name, "What models add to counting", draw, (width, sum(heights) + 0.8))


def _panel(group: Group) -> _Panel | None:
    rows = [
        row for block in group.blocks for row in block.models if _says(row) and row.run_id not in block.aside
    ]
    if group.parity or not rows:
        return None
    metric = rows[0].main_metric
    ranked = sorted(rows, key=lambda row: -_gain(row, metric).mean)
    return _Panel(group_title(group), metric, tuple(ranked))


def _says(row: Row) -> bool:
    return bool(_gain(row, row.main_metric).finite)


def _gain(row: Row, metric: str) -> Score:
    return Score(()) if row.added is None else row.added.gain.get(metric, Score(()))


def _draw(axes: Axes, panel: _Panel) -> None:
    axes.axvline(0.0, color=SOFT, linewidth=1)
    for place, (gain, second) in enumerate(zip(panel.gains(), panel.seconds(), strict=True)):
        dot(axes, place + _SHIFT, gain, mark="o", colour=LEARNED, label=_MODEL)
        if second.finite:
            axes.plot(second.mean, place + 0.2, "s", color=FLOOR, ms=4, mfc="white", zorder=3, label=_SECOND)
    labels = panel.labels()
    names(axes, labels, bold=[False] * len(labels), soft=[False] * len(labels))
    axes.locator_params(axis="x", nbins=5)  # gains may have four decimals, and numbers must not touch
    axes.set_xlabel(f"gain in {metric_title(panel.metric)}, right of 0 is better")
    axes.set_title(panel.title, loc="right", fontsize=9)


def _label(row: Row, rows: Sequence[Row]) -> str:
    inputs = {str(one.spec.get("inputs") or "full") for one in rows}
    heads = {one.head for one in rows}
    told = [str(row.spec.get("inputs") or "full")] if len(inputs) > 1 else []
    told += [row.head] if len(heads) > 1 else []
    alike = [one for one in rows if (one.spec.get("inputs"), one.head) == (row.spec.get("inputs"), row.head)]
    return " · ".join([row_label(row, alike), *told])
