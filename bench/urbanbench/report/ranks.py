"""Which ranks the rows of a table may really have, from what their splits say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from urbanbench.board.columns import direction
from urbanbench.board.rows import Row
from urbanbench.judging.paired import resampled_t, with_trainings
from urbanbench.judging.ranks import own_rank_intervals
from urbanbench.judging.sharing import Sharing, sharing_of

__all__ = ["possible_ranks"]


def possible_ranks(rows: Sequence[Row]) -> Mapping[str, tuple[int, int]]:
    """Return run id -> (lowest, highest) rank that a row may have on its main metric, 1 the best; each holds with 95 %.

    Every two rows are compared over the splits they share by a one-sided corrected resampled t test
    (`urbanbench.judging.paired.resampled_t`), with the variance of trainings where there are several; see
    `urbanbench.judging.ranks.own_rank_intervals`. Rows with other test units or seeds than most, or without a finite score on some
    seed, have no rank. Fewer than two rows have none, and so have those of one seed.

    Parameters
    ----------
    rows
        Rows that may be ranked together, of one table.
    """
    rows = _comparable(rows)
    if len(rows) < 2:
        return {}
    metric = rows[0].main_metric
    sign = direction(metric)
    scores = sign * np.array([row.score(metric).values for row in rows], dtype=np.float64)
    trainings = [sign * np.array(row.score(metric).trainings, dtype=np.float64) for row in rows]
    sharing = sharing_of(str(rows[0].spec["split"]), *(counts or 0 for counts in rows[0].sizes))
    found = own_rank_intervals(_p_better(scores, trainings, sharing))
    return {row.run_id: (int(low), int(high)) for row, (low, high) in zip(rows, found, strict=True)}


def _comparable(rows: Sequence[Row]) -> list[Row]:
    """Keep the largest set of rows with the same metric, seeds and test units."""
    sets: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        score = row.score(row.main_metric)
        if direction(row.main_metric) and score.whole and math.isfinite(score.mean) and len(row.seeds) > 1:
            known = all(map(any, row.sizes[::2]))
            key = (row.main_metric, row.seeds, row.provenance.get("split_digest"), known)
            sets.setdefault(key, []).append(row)
    usable = [some for key, some in sets.items() if key[-1]]
    return max(usable, key=len, default=[])


def _p_better(scores: np.ndarray, trainings: Sequence[np.ndarray], sharing: Sharing) -> np.ndarray:
    """Return p (K, K): small where the row is better than the column."""
    p = np.stack([resampled_t(row - scores, sharing).p_above for row in scores])
    several = [len(one) > 1 for one in trainings]
    for i, j in np.argwhere(np.logical_or.outer(several, several)):
        if i != j:
            gap = resampled_t(scores[i] - scores[j], sharing)
            sides = [
                one if len(one) else score[None]
                for one, score in ((trainings[i], scores[i]), (trainings[j], scores[j]))
            ]
            p[i, j] = float(with_trainings(gap, sides).p_above)
    return p
