"""Ranks over several tasks: Friedman, Nemenyi, and which ranks a row may really have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.judging.families import holm

__all__ = ["Ranking", "own_rank_intervals", "rank_intervals", "ranking"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Average ranks of K rows on N tasks, 1 the best.

    Parameters
    ----------
    average
        (K,).
    statistic, p
        Friedman's chi-square with ties, and its probability where all rows are equal.
    critical_difference
        Nemenyi's: average ranks that lie further apart differ at the level asked for.
    """

    average: np.ndarray
    statistic: float
    p: float
    critical_difference: float

    def groups(self) -> list[tuple[int, ...]]:
        """Return the largest sets of rows, best first, no two of which lie further apart than the critical difference."""
        order = np.argsort(self.average, kind="stable")
        sorted_ranks = self.average[order]
        found: list[tuple[int, ...]] = []
        end = 0
        for start in range(len(order)):
            reach = int((sorted_ranks <= sorted_ranks[start] + self.critical_difference).sum())
            if reach > end:
                found.append(tuple(order[start:reach].tolist()))
                end = reach
        return found


def ranking(scores: np.ndarray, *, level: float = 0.05) -> Ranking:
    """Rank rows on every task and judge the ranks (Friedman 1937; Nemenyi 1963; Demšar 2006, section 3.2).

    The critical difference is q sqrt(K (K + 1) / (6 N)), q the studentized range with infinite degrees of freedom over sqrt(2).

    Parameters
    ----------
    scores
        (N, K), higher is better, finite: N >= 2 tasks, K >= 3 rows.
    level
        Of the critical difference.
    """
    from scipy.stats import chi2, rankdata, studentized_range

    tasks, rows = scores.shape
    ranks = rankdata(-scores, axis=1)
    average = ranks.mean(axis=0)
    spread = ((ranks - (rows + 1) / 2) ** 2).sum() / (tasks * (rows - 1))
    statistic = float(tasks * ((average - (rows + 1) / 2) ** 2).sum() / spread) if spread > 0 else 0.0
    quantile = float(studentized_range.ppf(1 - level, rows, np.inf)) / np.sqrt(2)
    difference = quantile * np.sqrt(rows * (rows + 1) / (6 * tasks))
    return Ranking(average, statistic, float(chi2.sf(statistic, rows - 1)), float(difference))


def rank_intervals(p_better: np.ndarray, *, level: float = 0.05) -> np.ndarray:
    """Return (low, high) ranks int64 (K, 2) that hold the true ranks of all rows with a probability of at least 1 - level.

    A row's rank is at least one more than the number of rows that are better than it, and at most K less the number of rows that are worse,
    counted over one family of all one-sided comparisons adjusted by Holm (Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks").

    Parameters
    ----------
    p_better
        (K, K): entry [i, j] is small where row i is better than row j; the diagonal is not read.
    """
    count = len(p_better)
    off = ~np.eye(count, dtype=bool)
    adjusted = np.ones((count, count))
    adjusted[off] = holm(p_better[off])
    better = adjusted < level
    return np.column_stack([1 + better.sum(axis=0), count - better.sum(axis=1)])


def own_rank_intervals(p_better: np.ndarray, *, level: float = 0.05) -> np.ndarray:
    """Return (low, high) ranks int64 (K, 2) of which each end holds for its own row with a probability of at least 1 - level.

    As `rank_intervals`, with two families for each row: whether the others are better than it, which gives the low end, and whether it is better than the others,
    which gives the high end ("marginal confidence sets" of Mogstad et al. 2024, one-sided). The high end of the best row rests on the same family as the
    set of rows that are not separable from it (`urbanbench.judging.separable`). So they are narrower than ranks that hold together, and of several rows, or of both
    ends, nothing is promised at once.

    Parameters
    ----------
    p_better
        As in `rank_intervals`.
    """
    count = len(p_better)
    found = np.empty((count, 2), dtype=np.int64)
    for row in range(count):
        others = np.delete(np.arange(count), row)
        above, below = (holm(p) < level for p in (p_better[others, row], p_better[row, others]))
        found[row] = 1 + above.sum(), count - below.sum()
    return found
