"""Pieces of panels with a dot a row: names at the side, whiskers, one range for panels of one measure, one legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.board.numbers import Score
from urbanbench.figures.style import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["common_range", "dot", "height_of", "legend", "names", "point_outside", "width_of"]

_FAR = 1.5
"""How far beyond the span of the middle half a panel reaches; what lies further stands at its edge, with an arrow."""
_WIDTH, _DOTS, _LETTER = 8.2, 3.2, 0.073
"""In inches: a page with names of usual length, the least that dots get, and what a letter of a name takes."""
_GOES_ON = "whisker goes on beyond the panel"
READING = "dot: mean; whisker: standard deviation over splits; ticks: single splits"


def height_of(rows: int) -> float:
    """Return the height of a panel in inches."""
    return 0.7 + 0.21 * rows


def width_of(labels: Sequence[str], titles: Sequence[str]) -> float:
    """Return the width of a page in inches: the usual one, or what long names of rows beside their dots or a long title want."""
    longest, widest = max(map(len, labels), default=0), max(map(len, titles), default=0)
    return max(_WIDTH, _DOTS + _LETTER * longest, _LETTER * widest + 0.3)


def dot(
    axes: Axes, place: float, score: Score, *, mark: str, colour: str, label: str, hollow: bool = False
) -> None:
    """Draw a score: its splits as ticks, their mean with its standard deviation."""
    axes.plot(score.finite, [place] * len(score.finite), "|", color=FAINT, ms=5, zorder=1)
    axes.errorbar(
        score.mean,
        place,
        xerr=spread(score),
        fmt=mark,
        color=colour,
        markerfacecolor="white" if hollow else colour,
        markersize=5,
        capsize=2,
        linewidth=1.1,
        zorder=3,
        label=label,
    )


def spread(score: Score) -> float:
    """Return the standard deviation, 0 where there is none."""
    return score.std if math.isfinite(score.std) else 0.0


def names(axes: Axes, labels: Sequence[str], *, bold: Sequence[bool], soft: Sequence[bool]) -> None:
    """Write the names of rows from top to bottom."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3)
    for tick, strong, faint in zip(axes.get_yticklabels(), bold, soft, strict=True):
        tick.set_fontweight("bold" if strong else "normal")
        tick.set_color("#555555" if faint else "black")


def common_range(scores: Sequence[Score]) -> tuple[float, float]:
    """Return a range for all scores of one measure; one far from all others does not squeeze them."""
    ends = sorted(score.mean + sign * spread(score) for score in scores for sign in (-1, 1))
    quarter = len(ends) // 4
    inner_low, inner_high = ends[quarter], ends[-quarter - 1]
    reach = _FAR * max(inner_high - inner_low, 1e-9)
    low, high = max(ends[0], inner_low - reach), min(ends[-1], inner_high + reach)
    margin = 0.03 * max(high - low, 1e-9)
    return low - margin, high + margin


def point_outside(axes: Axes, scores: Sequence[Score], colours: Sequence[str], *, shift: float = 0.0) -> None:
    """Write the score of a row whose mean lies beyond the panel at its edge, and end a whisker that goes on beyond it in an arrowhead there.

    Parameters
    ----------
    axes, scores, colours
        A panel, and its rows from the top.
    shift
        How far below its row's name each dot stands, in rows.
    """
    low, high = axes.get_xlim()
    for row, (score, colour) in enumerate(zip(scores, colours, strict=True)):
        if not math.isfinite(score.mean):
            continue
        place = row + shift
        if low <= score.mean <= high:
            _point_on(axes, place, score, colour)
        else:
            _write_outside(axes, place, score, colour)


def _write_outside(axes: Axes, place: float, score: Score, colour: str) -> None:
    low, high = axes.get_xlim()
    left = score.mean < low
    words = f"\N{LEFTWARDS ARROW} {score.mean:.3g}" if left else f"{score.mean:.3g} \N{RIGHTWARDS ARROW}"
    axes.annotate(
        words,
        (low if left else high, place),
        xytext=(3 if left else -3, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=7.5,
        color=colour,
    )


def _point_on(axes: Axes, place: float, score: Score, colour: str) -> None:
    """Put an arrowhead at each edge that a row's whisker goes beyond."""
    from matplotlib.markers import CARETLEFT, CARETRIGHT

    low, high = axes.get_xlim()
    beyond = {
        CARETLEFT: (low, score.mean - spread(score) < low),
        CARETRIGHT: (high, score.mean + spread(score) > high),
    }
    for mark, (edge, holds) in beyond.items():
        if holds:
            axes.plot(
                [edge],
                [place],
                marker=mark,
                linestyle="none",
                color=colour,
                markersize=6,
                clip_on=False,
                zorder=4,
                label=_GOES_ON,
            )


def legend(canvas: Canvas, reading: str = "") -> None:
    """Explain the marks of all panels once, below them, and how to read them."""
    found: dict[str, Any] = {}
    for axes in canvas.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    canvas.legend(
        found.values(), found.keys(), loc="outside lower center", ncols=3, fontsize=8, frameon=False,
        title=reading or None, title_fontsize=8,
    )  # fmt: skip
