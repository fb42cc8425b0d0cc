"""Score against time as a picture: one panel a question and machine, time on a log axis, the front as steps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.board.columns import direction, metric_title
from urbanbench.board.fronts import Front, Priced
from urbanbench.city.drawing.canvas import save_map
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_fronts"]

_MOST_PANELS = 12
_LEARNED, _FLOOR, _STEPS = "#0072B2", "#999999", "#D55E00"
"""Told apart by people with any colour vision (Okabe and Ito)."""
_LEAST_SECONDS = 1e-3
_DEPTH = 3.0
"""How far below the median a panel reaches, in heights of the best row over the median; what lies deeper stands at its foot."""


def draw_fronts(fronts: Sequence[Front], path: Path) -> None:
    """Draw fronts into a PNG, SVG or PDF.

    Raises
    ------
    BadInput
        More than 12 panels, or another suffix.
    """
    from matplotlib.figure import Figure

    if len(fronts) > _MOST_PANELS:
        msg = f"{len(fronts)} panels of score and cost were asked for. Expected {_MOST_PANELS} at most. Choose with --city, --task and --split."
        raise BadInput(msg)
    wide = min(len(fronts), 2)
    high = math.ceil(len(fronts) / wide)
    figure = Figure(figsize=(7.2 * wide, 5.0 * high), dpi=150, layout="constrained")
    axes = figure.subplots(high, wide, squeeze=False).ravel()
    for one, front in zip(axes, fronts, strict=False):
        _panel(one, front)
    for one in axes[len(fronts) :]:
        one.set_axis_off()
    save_map(figure, path)


def _panel(axes: Axes, front: Front) -> None:
    sign = direction(front.metric) or 1
    foot = _foot([sign * one.row.main for one in front.rows])
    if any(not one.costs.complete for one in front.rows):
        axes.scatter(
            [],
            [],
            s=26,
            facecolors="none",
            edgecolors=_LEARNED,
            label="hollow: took longer, part of the time is not known",
        )
    for floor in (True, False):
        _dots(axes, [one for one in front.rows if one.row.floor == floor], sign, foot, floor=floor)
    _steps(axes, front, sign)
    _names(axes, front.best, sign, foot)
    axes.set(
        xscale="log",
        xlabel="seconds: vectors with training, and head",
        ylabel=metric_title(front.metric),
        title=f"{front.title}\n{front.machine}",
    )
    axes.title.set_fontsize(10)
    axes.margins(y=0.12)
    axes.set_xlim(*_reach(front))
    if sign < 0:
        axes.invert_yaxis()
    axes.grid(alpha=0.25, which="major")
    axes.legend(fontsize=8, loc="lower right")


def _foot(gains: Sequence[float]) -> float:
    middle = statistics.median(gains)
    return max(min(gains), middle - _DEPTH * max(max(gains) - middle, 1e-6))


def _dots(axes: Axes, rows: Sequence[Priced], sign: int, foot: float, *, floor: bool) -> None:
    """Draw rows: a triangle at the foot for what lies deeper, a hollow dot where the time is known in part only."""
    colour, mark, name = (
        (_FLOOR, "s", "floor, learns nothing") if floor else (_LEARNED, "o", "learned or frozen model")
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


def _steps(axes: Axes, front: Front, sign: int) -> None:
    best = sorted(front.best, key=lambda one: (_x(one), sign * one.row.main))
    if not best:
        return
    right = max(_x(one) for one in front.rows)
    x, y = [_x(one) for one in best], [one.row.main for one in best]
    axes.step([*x, right], [*y, y[-1]], where="post", color=_STEPS, linewidth=1.3, zorder=2, label="front")


def _names(axes: Axes, best: Sequence[Priced], sign: int, foot: float) -> None:
    """Write numbers beside the front's rows, and their names into the corner of little time and high score, where no row can be."""
    key = []
    for number, one in enumerate(best, 1):
        key.append(f"{number}  {one.full_label}")
        at = max(sign * one.row.main, foot) * sign
        axes.annotate(
            str(number), (_x(one), at), xytext=(-4, 3 * sign), textcoords="offset points", fontsize=8, ha="right",
            va="bottom" if sign > 0 else "top", color=_STEPS, zorder=4,
        )  # fmt: skip
    axes.text(
        0.015, 0.985, "\n".join(key), transform=axes.transAxes, fontsize=7, va="top", linespacing=1.35, zorder=2.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.0},
    )  # fmt: skip


def _reach(front: Front) -> tuple[float, float]:
    """Return the ends of the time axis, with room on the left for the names."""
    low, high = min(_x(one) for one in front.rows), max(_x(one) for one in front.rows)
    decades = max(math.log10(high / low), 1.0)
    return low / 10 ** (0.4 * decades), high * 10 ** (0.08 * decades)


def _x(one: Priced) -> float:
    return max(one.costs.seconds or 0.0, _LEAST_SECONDS)
