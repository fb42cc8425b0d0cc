"""The rows of a table that are not separable from the best: any of them may be the best one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from urbanbench.judging.families import holm
from urbanbench.judging.paired import resampled_t, with_trainings
from urbanbench.judging.sharing import Sharing

__all__ = ["LEVEL", "not_separable"]

LEVEL = 0.05


def not_separable(
    scores: np.ndarray,
    sharing: Sharing,
    *,
    trainings: Sequence[np.ndarray | None] | None = None,
    level: float = LEVEL,
) -> np.ndarray:
    """Return bool (K,): rows that are not worse than the best one beyond chance, the best among them.

    Every row is compared with the row of the best mean by a one-sided corrected resampled t test (`resampled_t`), and the p values are adjusted by
    Holm. Multiple comparisons with the best (Hsu 1981), taken step by step: with a probability of at least 1 - level the row that is
    really best is in the set.

    Parameters
    ----------
    scores
        (K, J), higher is better, finite: K rows on the same J splits, K >= 1.
    sharing
        What the splits share.
    trainings
        Scores (M, J) of single trainings of each row; None for a row of one. Their variance is added (`with_trainings`).
    level
        Chance that the really best row is left out.
    """
    means = scores.mean(axis=1)
    best = int(means.argmax())
    if scores.shape[1] < 2 or len(scores) < 2:
        return np.asarray(means == means[best])
    gap = resampled_t(scores[best] - scores, sharing)
    p = gap.p_above
    if trainings is not None and any(one is not None for one in trainings):
        p = _with_trainings(scores, sharing, trainings, best)
    others = np.delete(np.arange(len(scores)), best)
    kept = means == means[best]
    kept[others] |= holm(p[others]) >= level
    return np.asarray(kept)


def _with_trainings(
    scores: np.ndarray, sharing: Sharing, trainings: Sequence[np.ndarray | None], best: int
) -> np.ndarray:
    sides = [scores[k][None] if one is None else np.asarray(one) for k, one in enumerate(trainings)]
    return np.array(
        [
            float(with_trainings(resampled_t(scores[best] - row, sharing), [sides[best], side]).p_above)
            for row, side in zip(scores, sides, strict=True)
        ]
    )
