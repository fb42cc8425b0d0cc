"""Pictures of verdicts: differences with their intervals, and a critical-difference diagram."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.figures.style import FAINT, LEARNED, NOTICED, SOFT
from urbanbench.judging.ranks import Ranking
from urbanbench.scoring.metrics import metric_info

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from urbanbench.judging.comparison import Comparison

__all__ = ["draw_differences", "draw_ranks"]

_NAME_WIDTH = 34
_ALL_NUMBERED, _EVERY = 12, 5
"""Up to so many ranks every one has its number, of more the first and every so many-th: there is no room for all."""
_LEGEND = "ticks: single splits; line: 95 %; filled: separable after Holm; band: practically the same"


def draw_differences(canvas: Figure, comparisons: Sequence[Comparison], one: str, other: str) -> None:
    """Draw a panel per metric with a line per question: the difference of every split, their mean and its interval.

    Filled dots are separable from chance after Holm; the band is the region of practical equivalence.
    """
    metrics = list(dict.fromkeys(one.metric for one in comparisons))
    panels = canvas.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        mine = [one for one in comparisons if one.metric == metric]
        axes.axvspan(
            -max(one.rope for one in mine), max(one.rope for one in mine), color=NOTICED, alpha=0.35, lw=0
        )
        axes.axvline(0.0, color="#444444", lw=1)
        for row, found in enumerate(mine):
            _line(axes, row, found)
        axes.set_yticks(range(len(mine)), [found.pair.place for found in mine])
        axes.set_ylim(len(mine) - 0.4, -0.6)
        axes.set_xlabel(f"{metric_info(metric).title}: left {other} is better, right {one}\n{_LEGEND}")
        axes.grid(axis="x", alpha=0.3)


def _line(axes: Axes, row: int, found: Comparison) -> None:
    verdict = found.verdict
    colour = LEARNED if found.separable else SOFT
    axes.plot(found.differences, np.full(len(found.differences), row + 0.18), "|", color=FAINT, ms=6)
    axes.plot([verdict.low, verdict.high], [row, row], color=colour, lw=2)
    axes.plot([verdict.mean], [row], "o", color=colour, mfc=colour if found.separable else "white")


def draw_ranks(
    canvas: Figure, ranking: Ranking, names: Sequence[str], intervals: np.ndarray | None = None
) -> None:
    """Draw a critical-difference diagram (Demšar 2006): average ranks on a line, bars over rows that are not separable.

    Parameters
    ----------
    ranking, names
        The rows, in one order.
    intervals
        (K, 2): ranks that a row may really have, written behind its name.
    """
    count = len(names)
    shown = [_wrapped(name) for name in names]
    axes = _between_names(canvas, shown)
    order = np.argsort(ranking.average, kind="stable")
    groups = [group for group in ranking.groups() if len(group) > 1]
    top = 0.6 + 0.35 * len(groups)
    axes.set(xlim=(count + 0.1, 0.9), ylim=(-0.9 - 0.5 * ((count + 1) // 2), top + 0.9))
    axes.hlines(0.0, 1, count, color="black", lw=1)
    for tick in range(1, count + 1):
        axes.vlines(tick, 0, 0.12, color="black", lw=1)
        if tick == 1 or count <= _ALL_NUMBERED or tick % _EVERY == 0:
            axes.text(tick, 0.2, str(tick), ha="center", va="bottom", fontsize="small")
    for level, group in enumerate(groups):
        ranks = ranking.average[list(group)]
        axes.hlines(0.65 + 0.35 * level, ranks.min() - 0.04, ranks.max() + 0.04, color=LEARNED, lw=3)
    for place, row in enumerate(order.tolist()):
        _name(axes, place, row, ranking, shown, intervals, count)
    axes.hlines(top + 0.5, 1, 1 + ranking.critical_difference, color="black", lw=1.5)
    axes.text(
        1,
        top + 0.6,
        f"critical difference {ranking.critical_difference:.2f}",
        ha="right",
        va="bottom",
        fontsize="small",
    )
    axes.set_axis_off()


def _wrapped(name: str) -> str:
    return textwrap.fill(name, _NAME_WIDTH)


def _between_names(canvas: Figure, names: Sequence[str]) -> Axes:
    """Return axes with room for names on both sides, so that long ones do not squeeze the ranks."""
    longest = max(len(line) for name in names for line in name.split("\n")) + 14
    side = min(0.36, 0.03 + 0.0075 * longest)
    canvas.set_layout_engine("none")
    return canvas.add_axes((side, 0.08, 1 - 2 * side, 0.88))


def _name(
    axes: Axes,
    place: int,
    row: int,
    ranking: Ranking,
    names: Sequence[str],
    intervals: np.ndarray | None,
    count: int,
) -> None:
    """Write a row's name below the line: the better half at the end of rank 1, the others at the other end."""
    best_half = place < (count + 1) // 2
    depth = -0.7 - 0.5 * (place if best_half else count - 1 - place)
    rank = float(ranking.average[row])
    edge = 0.95 if best_half else count + 0.05
    said = f"{names[row]} {rank:.2f}"
    if intervals is not None:
        said += f" [{intervals[row, 0]} to {intervals[row, 1]}]"
    axes.plot([rank, rank, edge], [0, depth, depth], color="black", lw=0.8)
    shift = -0.02 * count if best_half else 0.02 * count
    axes.text(
        edge + shift / 2, depth, said, ha="left" if best_half else "right", va="center", fontsize="small"
    )
