"""What can be drawn from results, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.experiments.kinds.report import Figure

__all__ = ["PLOTS", "Plot"]

Results = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Plot:
    """A picture of results: its word on the command line, what it shows, and what draws it, a figure for each page."""

    name: str
    summary: str
    draw: Callable[[Results], list[Figure]]


def _scores(results: Results) -> list[Figure]:
    from urbanbench.plots.scores import score_figures

    return score_figures(results)


def _gains(results: Results) -> list[Figure]:
    from urbanbench.plots.gains import gain_figures

    return gain_figures(results)


def _ranks(results: Results) -> list[Figure]:
    from urbanbench.plots.ranks import rank_figure

    return [rank_figure(results)]


def _pareto(results: Results) -> list[Figure]:
    from urbanbench.board.fronts import fronts_of
    from urbanbench.plots.choosing import pages_of
    from urbanbench.plots.pareto import PANEL_HEIGHT, front_figure

    fronts = fronts_of(results)
    pages = pages_of(fronts, "scores with times", lambda _: PANEL_HEIGHT / 2, lambda front: front.title)
    return [front_figure(page) for page in pages]


PLOTS: Mapping[str, Plot] = {
    one.name: one
    for one in (
        Plot(
            "scores", "every row's score with its spread, floors among them, a panel for each table", _scores
        ),
        Plot("pareto", "score against time, with the rows that no other beats in both", _pareto),
        Plot("gains", "what models add to counting, beside what a second floor adds", _gains),
        Plot("ranks", "average ranks over tasks, with the critical difference", _ranks),
    )
}
"""Beside these every experiment with figures can be drawn by its name: ladder, table3, figure4 and so on."""
