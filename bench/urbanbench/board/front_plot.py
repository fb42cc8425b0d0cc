"""Score against time as a picture: one panel a question and machine, time on a log axis, the front as steps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from urbanbench.board.columns import direction, metric_title
from urbanbench.board.fronts import Front, Priced
from urbanbench.errors import BadInput
from urbanbench.figures.files import save_figure
from urbanbench.figures.style import FLOOR, FRONT, LEARNED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_fronts"]

_MOST_PANELS = 12
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
    figure = Figure(figsize=(9.0 * wide, 4.6 * high + 0.5), dpi=150, layout="constrained")
    axes = figure.subplots(high, wide, squeeze=False).ravel()
    for one, front in zip(axes, fronts, strict=False):
        _panel(one, front)
    for one in axes[len(fronts) :]:
        one.set_axis_off()
    _legend(figure)
    save_figure(figure, path)


def _legend(figure: Figure) -> None:
    """Explain the marks of all panels once, below them."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(
        found.values(),
        found.keys(),
        loc="outside lower center",
        ncols=min(len(found), 3),
        fontsize=8,
        frameon=False,
    )


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
