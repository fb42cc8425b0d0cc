"""How stable ranks are: Kendall's tau between the orders of the same rows at several granularities, with its spread over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.board.columns import direction
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.report import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["RANKS_READING", "Ranks", "rank_figure", "rank_table", "tau", "tau_table"]

RANKS_READING = (
    "Ranks are of the rows that have a score at every granularity, on the main metric, 1 the best. Kendall's tau is 1 for the same order, 0 for "
    "unrelated ones and -1 for the opposite. Between two granularities it is taken seed by seed and its mean and spread over seeds are given; "
    "seeds share nothing across granularities, as other units are drawn. On the diagonal stands tau between the orders of two seeds at the "
    "same granularity, over all pairs: two granularities cannot agree much better than two draws of one."
)
"""How to read the tables and the figure."""


_BETWEEN_NAMES = 0.4
"""Least distance between names in the figure, in ranks."""


@dataclass(frozen=True)
class Ranks:
    """Scores of the same rows at several granularities.

    Parameters
    ----------
    rows, scales
        Labels of the r rows and of the g granularities.
    scores
        float64 (g, r, seeds), higher is better.
    """

    rows: tuple[str, ...]
    scales: tuple[str, ...]
    scores: np.ndarray

    @classmethod
    def of(cls, found: Mapping[str, Mapping[str, Score]], metric: str) -> Ranks:
        """Take the rows with a finite score for every seed at every granularity, and as many seeds everywhere.

        Parameters
        ----------
        found
            Granularity to row to score.
        metric
            Whose scores they are.
        """
        scales = tuple(found)
        counts = [len(score.values) for rows in found.values() for score in rows.values() if score.whole]
        seeds = max(counts, default=0)
        names = dict.fromkeys(name for rows in found.values() for name in rows)
        kept = tuple(
            name
            for name in names
            if all(
                name in rows and rows[name].whole and len(rows[name].values) == seeds
                for rows in found.values()
            )
        )
        values = [[list(found[scale][name].finite) for name in kept] for scale in scales]
        scores = np.array(values, dtype=np.float64).reshape(len(scales), len(kept), seeds)
        return cls(kept, scales, direction(metric) * scores)

    def ranks(self) -> np.ndarray:
        """Return float64 (g, r, seeds): 1 for the best row of a seed; equal ones share their mean rank."""
        from scipy.stats import rankdata

        return np.asarray(rankdata(-self.scores, axis=1))

    def between(self, one: int, other: int) -> np.ndarray:
        """Return tau-b of two granularities, seed by seed (seeds,); of one with itself of all pairs of seeds."""
        n = self.scores.shape[2]
        pairs = list(combinations(range(n), 2)) if one == other else [(seed, seed) for seed in range(n)]
        return np.array(
            [tau(self.scores[one, :, first], self.scores[other, :, second]) for first, second in pairs]
        )


def tau(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Return Kendall's tau-b of two scorings of the same rows (r,); NaN where one of them ties all."""
    from scipy.stats import kendalltau

    return float(kendalltau(one, other).statistic)


def tau_table(ranks: Ranks) -> Table:
    """Return tau between all pairs of granularities."""
    columns = (Column("tau"), *(Column(name, number=True) for name in ranks.scales))
    lines = []
    for row, name in enumerate(ranks.scales):
        entries = [_entry(ranks.between(row, column)) for column in range(len(ranks.scales))]
        lines.append(Line("model", (Entry(name), *entries)))
    return Table("Kendall's tau between the orders of rows", columns, tuple(lines))


def _entry(values: np.ndarray) -> Entry:
    score = Score(tuple(values.tolist()))
    return Entry(score.text, value=score.mean) if score.finite else Entry()


def rank_table(ranks: Ranks) -> Table:
    """Return the mean rank of every row at every granularity, with its spread over seeds."""
    columns = (Column("row"), *(Column(name, number=True) for name in ranks.scales))
    every = ranks.ranks()
    order = np.argsort(every.mean(axis=(0, 2)), kind="stable")
    lines = [
        Line(
            "model",
            (Entry(ranks.rows[row]), *(_entry(every[scale, row]) for scale in range(len(ranks.scales)))),
        )
        for row in order
    ]
    return Table("Mean rank over seeds", columns, tuple(lines))


def rank_figure(name: str, title: str, ranks: Ranks) -> Figure:
    """Return mean ranks over granularities, a line a row with its spread over seeds, beside the taus."""

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2, width_ratios=(3, 2))
        _draw_ranks(left, ranks)
        _draw_taus(right, ranks)

    return Figure(name, title, draw, (11.0, max(3.6, 0.36 * len(ranks.rows) + 1.6)))


def _draw_ranks(axes: Axes, ranks: Ranks) -> None:
    from matplotlib import colormaps

    every, places = ranks.ranks(), np.arange(len(ranks.scales))
    mean, spread = every.mean(axis=2), every.std(axis=2, ddof=1) if every.shape[2] > 1 else 0 * every[..., 0]
    colours = colormaps["tab10"].colors  # type: ignore[attr-defined]
    for row in range(len(ranks.rows)):
        colour, style = colours[row % 10], "-" if row < 10 else "--"
        shifted = places + 0.05 * (row / max(len(ranks.rows) - 1, 1) - 0.5)
        axes.errorbar(
            shifted,
            mean[:, row],
            spread[:, row],
            color=colour,
            linestyle=style,
            marker="o",
            markersize=4,
            capsize=2,
            elinewidth=0.8,
        )
    for row, height in _apart(mean[-1]).items():
        at = (places[-1] + 0.08, height)
        axes.annotate(ranks.rows[row], at, color=colours[row % 10], fontsize="small", va="center")
    axes.set_xticks(places, ranks.scales, rotation=20)
    axes.set_xlim(-0.2, len(ranks.scales) - 1 + 0.45 * len(ranks.scales) ** 0.5)
    axes.invert_yaxis()
    axes.set_ylabel("mean rank, 1 is best")
    axes.grid(alpha=0.3, axis="y")


def _apart(heights: np.ndarray) -> dict[int, float]:
    """Return where the names of lines stand beside their ends, none on another."""
    placed: dict[int, float] = {}
    last = -np.inf
    for row in np.argsort(heights, kind="stable").tolist():
        last = max(float(heights[row]), last + _BETWEEN_NAMES)
        placed[row] = last
    return placed


def _draw_taus(axes: Axes, ranks: Ranks) -> None:
    n = len(ranks.scales)
    means = np.array([[np.nanmean(ranks.between(row, column)) for column in range(n)] for row in range(n)])
    axes.imshow(means, vmin=-1, vmax=1, cmap="RdBu")
    for row in range(n):
        for column in range(n):
            values = ranks.between(row, column)
            spread = f"\n± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
            dark = abs(means[row, column]) > 0.6
            text = f"{means[row, column]:.2f}{spread}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize="x-small",
                color="white" if dark else "black",
            )
    axes.set_xticks(range(n), ranks.scales, rotation=30)
    axes.set_yticks(range(n), ranks.scales)
    axes.set_title("Kendall's tau (diagonal: two seeds of one granularity)", fontsize="small")
