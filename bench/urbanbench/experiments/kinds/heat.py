"""Heat figures: a matrix of differences in colour, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import NO_VALUE

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["heat_figure"]


def heat_figure(
    name: str,
    title: str,
    unit: str,
    rows: Sequence[str],
    columns: Sequence[str],
    scores: Sequence[Sequence[Score]],
) -> Figure:
    """Return a matrix of differences: blue above 0, red below; grey where there is no number.

    Parameters
    ----------
    name, title
        Of the figure.
    unit
        What the numbers are; beside the colour scale.
    rows, columns
        Their names.
    scores
        One per row and column, empty where there is none.
    """

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        means = [[one.mean if one.finite else math.nan for one in line] for line in scores]
        reach = (
            max((abs(value) for line in means for value in line if math.isfinite(value)), default=1.0) or 1.0
        )
        axes.set_facecolor(NO_VALUE)
        picture = axes.imshow(means, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto")
        for row, line in enumerate(means):
            for column, value in enumerate(line):
                if math.isfinite(value):
                    ink = "white" if abs(value) > 0.6 * reach else "black"
                    axes.text(column, row, f"{value:+.3f}", ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.set(xlabel="without")
        canvas.colorbar(picture, ax=axes, label=f"{unit} (grey: no number)")

    return Figure(name, title, draw, (2.4 + 1.1 * len(columns), 1.3 + 0.36 * len(rows)))
