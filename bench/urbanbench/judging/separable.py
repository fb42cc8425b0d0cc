"""The rows of a table that are not separable from the best: any of them may be the best one."""

from __future__ import annotations

import numpy as np

from urbanbench.judging.contest import Contest
from urbanbench.judging.families import holm

__all__ = ["LEVEL", "not_separable", "p_table"]

LEVEL = 0.05


def not_separable(contest: Contest, *, level: float = LEVEL) -> np.ndarray:
    """Return bool (K,): rows that are not worse than the best one beyond chance, the best among them.

    Every row is compared with the row of the best mean by a one-sided test (`Contest.p_better`), and the p values are adjusted by Holm. Multiple comparisons
    with the best (Hsu 1981), taken step by step: with a probability of at least 1 - level the row that is really best is in the set. Where nothing
    can be said of chance it is the rows of the best mean.

    Parameters
    ----------
    contest
        K rows, K >= 1.
    level
        Chance that the really best row is left out.
    """
    means = contest.scores.mean(axis=1)
    best = int(means.argmax())
    kept = np.asarray(means == means[best])
    if contest.told:
        others = np.delete(np.arange(len(means)), best)
        kept[others] |= holm(contest.p_better(best)[others]) >= level
    return kept


def p_table(contest: Contest) -> np.ndarray:
    """Return float64 (K, K): small where the row is better than the column; the diagonal is not to be read."""
    return np.stack([contest.p_better(row) for row in range(len(contest.scores))])
