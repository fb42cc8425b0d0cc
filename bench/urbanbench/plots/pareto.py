"""Score against time as a picture: one panel a question and machine, time on a log axis, the front as steps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import count
from string import ascii_lowercase
from typing import TYPE_CHECKING

from urbanbench.board.columns import direction, metric_title
from urbanbench.board.fronts import Front, Priced
from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import FLOOR, FRONT, LEARNED
from urbanbench.plots.choosing import checked
from urbanbench.plots.dots import legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["PANEL_HEIGHT", "front_figure"]

PANEL_HEIGHT = 4.6
"""In inches."""
_LEAST_SECONDS = 1e-3
_DEPTH = 3.0
"""How far below the median a panel reaches, in heights of the best row over the median; what lies deeper stands at its foot."""


def front_figure(fronts: Sequence[Front]) -> Figure:
    """Return one figure with a panel for every front; panels of one metric have the same ranges.

    Raises
    ------
    BadInput
        More panels than a page has room for.
    """
    checked(fronts, "panels of score and cost")
    wide = min(len(fronts), 2)
    high = math.ceil(len(fronts) / wide)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(high, wide, squeeze=False).ravel()
        for axes, front in zip(grid, fronts, strict=False):
            _panel(axes, front)
        for axes in grid[len(fronts) :]:
            axes.set_axis_off()
        _share_ranges(list(grid), fronts)
        legend(canvas)

    return Figure("pareto", "Score against time", draw, (9.0 * wide, PANEL_HEIGHT * high + 0.5))


def _share_ranges(grid: Sequence[Axes], fronts: Sequence[Front]) -> None:
    for metric in {front.metric for front in fronts}:
        same = [axes for axes, front in zip(grid, fronts, strict=False) if front.metric == metric]
        across, up = [one.get_xlim() for one in same], [one.get_ylim() for one in same]
        turned = up[0][0] > up[0][1]
        ends = min(map(min, up)), max(map(max, up))
        for axes in same:
            axes.set_xlim(min(low for low, _ in across), max(high for _, high in across))
            axes.set_ylim(*(reversed(ends) if turned else ends))


def _panel(axes: Axes, front: Front) -> None:
    sign = direction(front.metric) or 1
    foot = _foot([sign * one.row.main for one in front.rows])
    if any(not one.costs.complete for one in front.rows):
        axes.scatter(
            [],
            [],
            s=26,
            facecolors="none",
            edgecolors=LEARNED,
            label="hollow: took longer, part of the time is not known",
        )
    for floor in (True, False):
        _dots(axes, [one for one in front.rows if one.row.floor == floor], sign, foot, floor=floor)
    _steps(axes, front, front.best, sign, learned=False)
    key = ["front", *_names(axes, front.best, map(str, count(1)), sign, foot, learned=False)]
    if any(not one.best for one in front.best_learned):
        _steps(axes, front, front.best_learned, sign, learned=True)
        own = [one for one in front.best_learned if not one.best]
        key += ["", "without floors", *_names(axes, own, ascii_lowercase, sign, foot, learned=True)]
    axes.text(1.02, 1.0, "\n".join(key), transform=axes.transAxes, fontsize=7.5, va="top", linespacing=1.4)
    axes.set(
        xscale="log",
        xlabel="seconds: vectors with training, and head",
        ylabel=metric_title(front.metric),
        title=f"{front.title}\n{front.machine}",
    )
    axes.title.set_fontsize(10)
    axes.margins(x=0.06, y=0.1)
    if sign < 0:
        axes.invert_yaxis()
    axes.grid(alpha=0.25, which="major")


def _foot(gains: Sequence[float]) -> float:
    middle = statistics.median(gains)
    return max(min(gains), middle - _DEPTH * max(max(gains) - middle, 1e-6))


def _dots(axes: Axes, rows: Sequence[Priced], sign: int, foot: float, *, floor: bool) -> None:
    """Draw rows: a triangle at the foot for what lies deeper, a hollow dot where the time is known in part only."""
    colour, mark, name = (
        (FLOOR, "s", "floor, learns nothing") if floor else (LEARNED, "o", "learned or frozen model")
    )
    for hidden in (False, True):
        some = [one for one in rows if (sign * one.row.main < foot) == hidden]
        if not some:
            continue
        solid = [colour if one.costs.complete else "none" for one in some]
        label = f"{name}, below the panel" if hidden else name
        axes.scatter(
            [_x(one) for one in some],
            [foot * sign if hidden else one.row.main for one in some],
            s=26, marker="v" if hidden else mark, facecolors=solid, edgecolors=colour, linewidths=0.8, label=label, zorder=3,
        )  # fmt: skip


def _steps(axes: Axes, front: Front, best: Sequence[Priced], sign: int, *, learned: bool) -> None:
    """Draw a front: whole, or dashed that of learned models alone."""
    ordered = sorted(best, key=lambda one: (_x(one), sign * one.row.main))
    if not ordered:
        return
    right = max(_x(one) for one in front.rows)
    x, y = [_x(one) for one in ordered], [one.row.main for one in ordered]
    style, label = (("--", LEARNED), "front without floors") if learned else (("-", FRONT), "front")
    axes.step(
        [*x, right],
        [*y, y[-1]],
        where="post",
        linestyle=style[0],
        color=style[1],
        linewidth=1.3,
        zorder=2,
        label=label,
    )


def _names(
    axes: Axes, best: Sequence[Priced], signs: Iterable[str], sign: int, foot: float, *, learned: bool
) -> list[str]:
    """Write a sign beside each row of a front and return what they stand for, line by line."""
    key = []
    for mark, one in zip(signs, best, strict=False):
        key.append(f"{mark}  {one.full_label}")
        at = max(sign * one.row.main, foot) * sign
        axes.annotate(
            mark, (_x(one), at), xytext=(-4, 3 * sign), textcoords="offset points", fontsize=8, ha="right",
            va="bottom" if sign > 0 else "top", color=LEARNED if learned else FRONT, zorder=4,
        )  # fmt: skip
    return key


def _x(one: Priced) -> float:
    return max(one.costs.seconds or 0.0, _LEAST_SECONDS)
