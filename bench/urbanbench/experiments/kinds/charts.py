"""Figures of experiments: dots with spreads per row, and lines over a parameter or over time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import COLOURS, LINES, MARKS, NO_VALUE, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

FLOOR_ROW = "best floor of these inputs"

__all__ = ["FLOOR_ROW", "Panel", "Trace", "dot_figure", "line_figure", "panels_of_dots", "stem"]


@dataclass(frozen=True)
class Trace:
    """One line: points (x, y), and a half width of the band around each y, if any."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    spread: Sequence[float] = ()
    marked: bool = True


@dataclass(frozen=True)
class Panel:
    """One pair of axes; `level` is a (value, name) to draw as a dashed line across, `names` the ticks' texts on x, `low` and `high` where y ends at most."""

    title: str
    x_label: str
    y_label: str
    traces: Sequence[Trace]
    level: tuple[float, str] | None = None
    names: Sequence[str] = ()
    low: float | None = None
    high: float | None = None


def stem(*words: str) -> str:
    """Return a file stem made of words.

    Examples
    --------
    >>> stem("table3", "toyville:tiny", "popdensity")
    'table3-toyville-tiny-popdensity'
    """
    return "-".join(re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-") for word in words if word)


def dot_figure(
    name: str,
    title: str,
    metric: str,
    labels: Sequence[str],
    ours: Mapping[str, Sequence[Score]],
    printed: tuple[str, Sequence[tuple[float, float] | None]] | None = None,
    *,
    floor: Mapping[str, Score] | None = None,
    one_measure: bool = True,
) -> Figure:
    """Return rows as dots with their spread over seeds, the best floor last; the paper's numbers stand in a panel of their own.

    Parameters
    ----------
    metric
        Label of the horizontal axis.
    labels
        Rows, from top to bottom.
    ours
        Series (a split) to one score per row.
    printed
        Heading of the paper's axes and one (mean, std) per row; std 0 where none is printed.
    floor
        The best floor of these inputs in each series, where there is one.
    one_measure
        Whether the paper's numbers are in the same unit, so that both panels have the same axis.
    """
    rows = [*labels, FLOOR_ROW] if floor else list(labels)

    def draw(canvas: Canvas) -> None:
        apart = printed is not None and any(one is not None for one in printed[1])
        axes = canvas.subplots(1, 2 if apart else 1, sharex=one_measure, sharey=True, squeeze=False)[0]
        _series(axes[0], {word: [*scores, *_floor_in(floor, word)] for word, scores in ours.items()})
        axes[0].set(xlabel=metric, title="measured here", yticks=range(len(rows)), yticklabels=rows)
        if floor:
            axes[0].axhspan(len(labels) - 0.5, len(rows) - 0.5, color=NO_VALUE, alpha=0.6, lw=0)
        axes[0].invert_yaxis()
        axes[0].legend(fontsize="small")
        if apart and printed is not None:
            _dots(axes[1], 0.0, printed[1], SOFT, "published", "o", hollow=True)
            axes[1].set(xlabel=f"{metric}, published", title=printed[0])
        for one in axes:
            one.grid(axis="x", alpha=0.3)

    return Figure(name, title, draw, (9.0, 1.4 + 0.33 * len(rows)))


def _floor_in(floor: Mapping[str, Score] | None, word: str) -> list[Score]:
    return [floor.get(word, Score(()))] if floor else []


def panels_of_dots(
    name: str,
    title: str,
    axis: str,
    labels: Sequence[str],
    panels: Mapping[str, Mapping[str, Sequence[Score]]],
    *,
    columns: int = 4,
    floors: int = 0,
    low: float | None = None,
) -> Figure:
    """Return the same rows of scores or differences as dots with their spread in several panels, around a line at zero.

    Parameters
    ----------
    axis
        Label of the horizontal axes, which all panels share.
    labels
        Rows, from top to bottom.
    panels
        Title to series (a split) to one score per row.
    columns
        Panels in a row.
    floors
        How many of the last rows are floors, to be shaded.
    low
        Where the axis ends at the lowest; what lies below is cut off, and the label says so.
    """
    lowest = min(
        (
            one.mean - one.std
            for series in panels.values()
            for scores in series.values()
            for one in scores
            if math.isfinite(one.mean - one.std)
        ),
        default=0.0,
    )
    cut = low is not None and lowest < low
    wide = min(columns, max(1, len(panels)))
    high = math.ceil(len(panels) / wide)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(high, wide, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, (heading, series) in zip(grid, panels.items(), strict=False):
            axes.axvline(0.0, color=SOFT, linewidth=1)
            if floors:
                axes.axhspan(len(labels) - floors - 0.5, len(labels) - 0.5, color=NO_VALUE, alpha=0.6, lw=0)
            _series(axes, series)
            axes.set(title=heading)
            axes.grid(axis="x", alpha=0.3)
        grid[0].set(yticks=range(len(labels)), yticklabels=labels)  # shared with all panels
        grid[0].set_ylim(len(labels) - 0.5, -0.5)
        if cut:
            grid[0].set_xlim(left=low)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        told = [f"from {low} on"] * cut + ["floors shaded"] * bool(floors)
        canvas.supxlabel(f"{axis} ({', '.join(told)})" if told else axis)
        shown = {
            word: mark for axes in grid for mark, word in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        canvas.legend(
            shown.values(), shown.keys(), loc="outside upper right", ncols=len(shown), fontsize="small"
        )

    return Figure(name, title, draw, (2.2 * wide + 1.2, (0.7 + 0.24 * len(labels)) * high + 0.6))


def _series(axes: Axes, series: Mapping[str, Sequence[Score]]) -> None:
    """Draw series of dots beside one another, a row each place."""
    step = 0.5 / max(1, len(series))
    for place, (label, scores) in enumerate(series.items()):
        shift = (place - (len(series) - 1) / 2) * step
        points = [(one.mean, one.std) for one in scores]
        _dots(axes, shift, points, COLOURS[place], label, MARKS[place])


def _dots(
    axes: Axes,
    shift: float,
    points: Sequence[tuple[float, float] | None],
    colour: str,
    label: str,
    mark: str,
    *,
    hollow: bool = False,
) -> None:
    shown = [(place, *one) for place, one in enumerate(points) if one is not None and math.isfinite(one[0])]
    if not shown:
        return
    rows, means, stds = zip(*shown, strict=True)
    axes.errorbar(
        means,
        [row + shift for row in rows],
        xerr=[std if math.isfinite(std) else 0.0 for std in stds],
        fmt=mark,
        color=colour,
        markerfacecolor="white" if hollow else colour,
        capsize=2,
        label=label,
    )


def line_figure(
    name: str,
    title: str,
    panels: Sequence[Panel],
    *,
    columns: int = 3,
    one_legend: bool = False,
    beside: bool = False,
    one_measure: bool = True,
) -> Figure:
    """Return panels side by side, `columns` in a row, each with its legend, inside or `beside` it, or all with one below, which then holds for the first's lines.

    Panels with the same words on y have the same range there, unless `one_measure` says that the words stand for different things.
    """
    wide = min(columns, max(1, len(panels)))
    high = math.ceil(len(panels) / wide)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(high, wide, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _panel(axes, panel)
            if not one_legend:
                _legend(axes, beside=beside)
        if one_measure:
            _share_ranges(list(grid), panels)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        if one_legend:
            canvas.legend(
                *grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize="small"
            )

    return Figure(name, title, draw, (3.4 * wide + 0.6, 2.7 * high + (0.4 if one_legend else 0.0)))


def _share_ranges(grid: Sequence[Axes], panels: Sequence[Panel]) -> None:
    for words in {panel.y_label for panel in panels}:
        same = [axes for axes, panel in zip(grid, panels, strict=False) if panel.y_label == words]
        ends = [axes.get_ylim() for axes in same]
        for axes in same:
            axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))


def _panel(axes: Axes, panel: Panel) -> None:
    for place, trace in enumerate(panel.traces):
        colour = COLOURS[place % len(COLOURS)]
        # Beyond six lines the same colours come with other marks, and broken lines.
        again = place // len(COLOURS)
        mark = MARKS[(place + again) % len(MARKS)] if trace.marked else None
        style = LINES[again % len(LINES)]
        axes.plot(
            trace.x, trace.y, color=colour, linestyle=style, marker=mark, markersize=3.5, label=trace.label
        )
        if trace.spread:
            low = [y - s for y, s in zip(trace.y, trace.spread, strict=True)]
            high = [y + s for y, s in zip(trace.y, trace.spread, strict=True)]
            axes.fill_between(trace.x, low, high, color=colour, alpha=0.15, linewidth=0)
    if panel.level is not None:
        axes.axhline(panel.level[0], color=SOFT, linestyle="--", linewidth=1, label=panel.level[1])
    if panel.names:
        axes.set_xticks(range(len(panel.names)), panel.names)
    bottom, top = axes.get_ylim()
    axes.set_ylim(
        bottom if panel.low is None else max(bottom, panel.low),
        top if panel.high is None else min(top, panel.high),
    )
    axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
    axes.grid(alpha=0.3)


def _legend(axes: Axes, *, beside: bool) -> None:
    """Explain a panel's lines, where they leave most room or to the right of it."""
    if not axes.get_legend_handles_labels()[0]:
        return
    if beside:
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.3)
    else:
        axes.legend(fontsize="x-small")
