"""Contest: rows of a table against each other, by the same rule and the same tests as two rows are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.judging.basis import Basis
from urbanbench.judging.paired import resampled_t, with_trainings
from urbanbench.judging.queries import bounded_t, over_queries
from urbanbench.judging.sharing import Sharing
from urbanbench.judging.spatial import SpatialJudge, over_places

__all__ = ["Contest", "Units"]


@dataclass(frozen=True, eq=False)
class Units:
    """What single units say of the rows.

    Parameters
    ----------
    contributions
        float64 (K, u): what each unit adds to a row's mean score, higher is better.
    places
        Judge of the units' positions; None where they are not known, of queries.
    """

    contributions: np.ndarray
    places: SpatialJudge | None


@dataclass(frozen=True, eq=False)
class Contest:
    """K rows on one question.

    Parameters
    ----------
    scores
        float64 (K, J), higher is better, finite: the rows on the same J splits; means over trainings where a row has several.
    basis
        What chance is told by.
    sharing
        What the splits share; None where it is not known how many units stand on each side.
    trainings
        Scores (M, J) of single trainings of each row, higher is better; None for a row of one. () where all have one.
    count
        Units scored, or queries.
    units
        What single units say; None where that is not known.
    """

    scores: np.ndarray
    basis: Basis
    sharing: Sharing | None
    trainings: Sequence[np.ndarray | None] = ()
    count: int = 0
    units: Units | None = None

    @property
    def told(self) -> bool:
        """Whether anything can be said of chance: there are several rows and splits, or queries; and where seeds test the same units, these are known."""
        if len(self.scores) < 2:
            return False
        if self.basis is Basis.QUERIES:
            return self.count > 0
        over_splits = self.sharing is not None and self.basis is not Basis.SAME_UNITS
        return (over_splits or self.units is not None) and self.scores.shape[1] > 1

    def p_better(self, row: int) -> np.ndarray:
        """Return float64 (K,): one-sided p of a row against each, small where it is better than the other; the row itself is not to be read."""
        if self.units is not None and self.basis is not Basis.NEIGHBOURHOODS:
            return np.array([self._over_units(self.units, row, other) for other in range(len(self.scores))])
        if self.basis is Basis.QUERIES:
            means = self.scores.mean(axis=1)
            return bounded_t(np.full(len(means), means[row]), means, self.count).p_above
        return self._over_splits(self.sharing or Sharing(0.0), row)

    def _over_splits(self, sharing: Sharing, row: int) -> np.ndarray:
        found = resampled_t(self.scores[row] - self.scores, sharing).p_above
        for other in self._with_trainings(row):
            gap = resampled_t(self.scores[row] - self.scores[other], sharing)
            found[other] = with_trainings(gap, self._sides(row, other)).p_above
        return found

    def _over_units(self, units: Units, row: int, other: int) -> float:
        if row == other:
            return 1.0
        mean = float((self.scores[row] - self.scores[other]).mean())
        gap = units.contributions[row] - units.contributions[other]
        if units.places is None:
            return float(with_trainings(over_queries(mean, gap), self._sides(row, other)).p_above)
        found, p = over_places(units.places, mean, gap)
        whole = with_trainings(found, self._sides(row, other))
        if whole is not found:
            return float(whole.p_above)
        return p / 2 if mean > 0 else 1 - p / 2

    def _with_trainings(self, row: int) -> list[int]:
        """Name the rows whose gap to a row has the variance of trainings in it."""
        several = [one is not None and len(one) > 1 for one in self.trainings]
        return [other for other, more in enumerate(several) if other != row and (more or several[row])]

    def _sides(self, *rows: int) -> list[np.ndarray]:
        """Return the scores (M, J) of the trainings of rows."""
        given = [self.trainings[row] if len(self.trainings) else None for row in rows]
        return [self.scores[row][None] if one is None else one for row, one in zip(rows, given, strict=True)]
