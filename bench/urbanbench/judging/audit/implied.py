"""The label's variance that a row implies, RMSE² / (1 - R²), and how far splits may drive it apart between models.

On one test set every model implies the same variance V, because R² = 1 - RMSE² / V. Over repeats s, with a = 1 - R², the means of a row give

    (RMSE² + sd(RMSE)²) / (1 - R²)  =  mean(V_s · a_s) / mean(a_s),

a mean of V_s with weights a_s, which lies within mean(V) · (1 ± cv(V) · cv(a)) (Cauchy and Schwarz). Since log V = 2 log RMSE - log a, the
spreads of any one row bound cv(V) by 2 · sd(RMSE) / RMSE + sd(R²) / (1 - R²), to first order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from urbanbench.judging.audit.printed import Printed
from urbanbench.judging.audit.table import Line, Measure

__all__ = ["Implied", "Spreads", "implied", "spreads_of"]

_SLACK = 1.5
"""For what the bound has in first order only."""
_FEW = 10
"""Repeats that are assumed where a table does not say."""
_UNSTATED = 0.12
"""How far the variance of a row without spreads may lie from the mean's, relative."""
_FAR = 3.0 / math.sqrt(2)
"""Standard errors that each of two rows is given where splits are drawn anew for each model: 3 of their difference."""


@dataclass(frozen=True)
class Implied:
    """What one row implies.

    Parameters
    ----------
    line
        The row.
    sigma
        RMSE / √(1 - R²) of the printed means, in the label's unit.
    low, high
        Between what the variance lies, for all numbers that round to the printed ones.
    weights
        Upper end of cv(1 - R²); None where no spread is printed.
    splits
        Upper end of what the row allows for cv(V); None likewise.
    once
        Whether the row is of one run.
    """

    line: Line
    sigma: float
    low: float
    high: float
    weights: float | None
    splits: float | None
    once: bool


def implied(line: Line) -> Implied | None:
    """Return what a row implies; None where it has no RMSE and R² of a single column of values, or R² of 1."""
    both = line.both("rmse", "r2") if line.regression else None
    if both is None or both[1].mean.value >= 1 or both[0].mean.value <= 0:
        return None
    rmse, r2 = both
    once = line.repeats == 1
    low, high = _squares(rmse, line.repeats)
    left = 1 - r2.mean.high, 1 - r2.mean.low
    weights = splits = None
    if rmse.sd and r2.sd and left[0] > 0 and not once:
        weights = r2.sd.high / left[0]
        splits = 2 * rmse.sd.high / rmse.mean.value + weights
    sigma = rmse.mean.value / math.sqrt(1 - r2.mean.value)
    return Implied(
        line, sigma, low / left[1], high / left[0] if left[0] > 0 else math.inf, weights, splits, once
    )


def _squares(rmse: Measure, repeats: int | None) -> tuple[float, float]:
    """Return between what the mean over repeats of RMSE² lies."""
    low, high = max(rmse.mean.low, 0.0) ** 2, rmse.mean.high**2
    sd: Printed | None = rmse.sd
    if sd is None:
        return low, high
    share = 1 - 1 / max(repeats or 2, 2)
    return low + share * max(sd.low, 0.0) ** 2, high + sd.high**2


@dataclass(frozen=True)
class Spreads:
    """Rows of one question, and how far what they imply may differ.

    Parameters
    ----------
    rows
        What each implies.
    cv
        Largest cv(V) over splits that the rows allow, with slack: of the second strictest row, since the strictest may be the wrong one. None
        where no spread is printed.
    """

    rows: tuple[Implied, ...]
    cv: float | None

    @property
    def once(self) -> bool:
        """Whether all rows are of one run, on one test set."""
        return all(row.once for row in self.rows)

    def interval(self, row: Implied, *, anew: bool = False) -> tuple[float, float]:
        """Return between what the mean variance over splits lies by a row.

        Parameters
        ----------
        row
            What it implies.
        anew
            Whether splits may have been drawn anew for each model.
        """
        room = self._room(row)
        drawn = (
            math.exp(_FAR * self.cv / math.sqrt(row.line.repeats or _FEW))
            if anew and self.cv is not None
            else 1.0
        )
        return row.low / (1 + room) / drawn, row.high / (1 - room) * drawn if room < 1 else math.inf

    def _room(self, row: Implied) -> float:
        if row.once:
            return 0.0
        if self.cv is None or row.weights is None:
            return _UNSTATED
        return self.cv * row.weights

    def apart(self, one: Implied, other: Implied, *, anew: bool = False) -> bool:
        """Tell whether no test units give both rows."""
        first, second = self.interval(one, anew=anew), self.interval(other, anew=anew)
        return first[1] < second[0] or second[1] < first[0]


def spreads_of(lines: Sequence[Line]) -> Spreads:
    """Return what lines of one question imply."""
    rows = tuple(found for line in lines if (found := implied(line)) is not None)
    bounds = sorted(row.splits for row in rows if row.splits is not None)
    return Spreads(rows, _SLACK * bounds[min(1, len(bounds) - 1)] if bounds else None)
