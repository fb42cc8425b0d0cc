"""What a comparison found, as a picture: differences of two models, ranks of more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.experiments.kinds.report import Figure
from urbanbench.judging.charts import draw_differences, draw_ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from urbanbench.judging.tournament import Tournament

__all__ = ["verdict_figure"]


def verdict_figure(made: Tournament) -> Figure:
    """Return the differences of two models, or of more the ranks as a critical-difference diagram; without ranks their differences."""
    standings = made.standings
    ranked = standings.ranking if standings is not None else None
    intervals = standings.intervals if standings is not None else None

    def paint(canvas: Canvas) -> None:
        if ranked is not None:
            draw_ranks(canvas, ranked, made.names, intervals)
            return
        parts = canvas.subfigures(len(made.matches), 1, squeeze=False)[:, 0]
        for part, ((i, j), found) in zip(parts, made.matches.items(), strict=True):
            draw_differences(part, found, made.names[i], made.names[j])

    lines = sum(len(found) + 3 for found in made.matches.values())
    height = 1.6 + 0.45 * len(made.names) if ranked is not None else 0.6 + 0.35 * lines
    return Figure("verdict", " and ".join(made.names), paint, (9.0, height))
