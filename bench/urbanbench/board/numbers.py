"""Means, sample standard deviations and how many digits of them a reader gets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = [
    "HUGE",
    "NO_SCORE",
    "PLUS_MINUS",
    "Score",
    "plain_number",
    "rounded",
    "score_text",
    "scores_over",
    "span",
]

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
NO_SCORE = "not finite"
"""What stands for a metric that has values and no finite one among them."""
HUGE = 1e7
"""From this size on numbers are written with a power of ten."""
_MOST_DECIMALS = 6
_DECIMALS = 3


@dataclass(frozen=True)
class Score:
    """One metric over seeds, of one training or of several.

    Parameters
    ----------
    values
        One number per seed in the order of the run's seeds; None where the metric has no value. Of several trainings their means.
    trainings
        The same of every training, where there are several.
    """

    values: tuple[float | None, ...]
    trainings: tuple[tuple[float | None, ...], ...] = ()

    @classmethod
    def over(cls, trainings: Sequence[Score]) -> Score:
        """Join the scores of several trainings on the same seeds; a seed on which one of them has none has none.

        Examples
        --------
        >>> Score.over([Score((0.4, 0.6)), Score((0.5, 0.7))]).text
        '0.550 ± 0.141 ± 0.071'
        >>> Score.over([Score((0.4,)), Score((0.5,))]).text
        '0.450 ± 0.071 (trainings)'
        """
        rows = tuple(one.values for one in trainings)
        means = tuple(map(_mean_where_all, zip(*rows, strict=True)))
        return cls(means, rows)

    @cached_property
    def finite(self) -> tuple[float, ...]:
        """The values that are numbers."""
        return tuple(value for value in self.values if value is not None and math.isfinite(value))

    @property
    def whole(self) -> bool:
        """Whether every seed has a finite value: a mean over the others may flatter."""
        return bool(self.values) and len(self.finite) == len(self.values)

    @cached_property
    def mean(self) -> float:
        """Mean over the finite values; NaN when there is none, or when their sum is beyond all floats."""
        return _within_floats(statistics.fmean, self.finite) if self.finite else math.nan

    @cached_property
    def std(self) -> float:
        """Sample standard deviation (divisor n - 1) over the finite values; NaN below two values, or beyond all floats.

        Of several trainings the mean of each one's, so that it says how far splits scatter for one training, as it does of a single one.
        The means of trainings scatter less, because some of what a split does differs from training to training.
        """
        if self.trainings:
            each = [Score(values).std for values in self.trainings]
            return _within_floats(statistics.fmean, each) if all(map(math.isfinite, each)) else math.nan
        return _within_floats(statistics.stdev, self.finite) if len(self.finite) > 1 else math.nan

    @cached_property
    def between(self) -> float:
        """Sample standard deviation over trainings of their means over seeds; NaN of fewer than two, or beyond all floats."""
        means = [Score(values).mean for values in self.trainings]
        return (
            _within_floats(statistics.stdev, means)
            if len(means) > 1 and all(map(math.isfinite, means))
            else math.nan
        )

    @property
    def text(self) -> str:
        """Mean ± standard deviation over seeds, with three decimals below 10 and one less for each further digit; huge ones as powers of ten.

        Decimals follow the mean's size alone, so a column of scores has one number of them. Of several trainings a second ± follows, the standard deviation over
        their means.

        Examples
        --------
        >>> Score((0.70, 0.75, 0.80)).text
        '0.750 ± 0.050'
        >>> Score((3.25,)).text
        '3.250'
        >>> Score((0.44, 0.62)).text, Score((812.0, 998.0)).text, Score((4012.0, 5120.0)).text
        ('0.530 ± 0.127', '905.0 ± 131.5', '4566 ± 783')
        >>> Score((0.5, -2.0e20)).text
        '-1.00e20 ± 1.4e20'
        >>> Score(()).text, Score((None,)).text
        ('', 'not finite')
        """
        return self.written()

    def written(self, most: int = _MOST_DECIMALS) -> str:
        """Return the text with so many decimals at most."""
        if not math.isfinite(self.mean):
            return NO_SCORE if self.values else ""
        spreads = [one for one in (self.std, self.between) if math.isfinite(one)]
        alone = " (trainings)" if len(spreads) == 1 and math.isfinite(self.between) else ""
        return score_text(self.mean, *spreads, most=most) + alone

    @property
    def signed(self) -> str:
        """The text of a difference: with a plus sign where it is positive.

        Examples
        --------
        >>> Score((0.01, 0.03)).signed, Score((-0.01, -0.03)).signed
        ('+0.020 ± 0.014', '-0.020 ± 0.014')
        """
        return self.signed_text()

    def signed_text(self, most: int = _MOST_DECIMALS) -> str:
        """Return the text of a difference with so many decimals at most; what rounds to zero has no sign.

        Examples
        --------
        >>> Score((1e-6, 3e-6)).signed_text(3)
        '0.000 ± 0.000'
        """
        text = self.written(most)
        return f"+{text}" if self.mean > 0 and float(text.split()[0]) else text


def score_text(mean: float, *spreads: float, most: int = _MOST_DECIMALS) -> str:
    """Write a finite mean and its spreads as every table has them; see `Score.text`.

    Parameters
    ----------
    mean, spreads
        The numbers.
    most
        Decimals at most.

    Examples
    --------
    >>> score_text(0.44, 0.061), score_text(0.44, 0.11), score_text(10.4, 0.0), score_text(0.0001, 0.0004)
    ('0.440 ± 0.061', '0.440 ± 0.110', '10.40 ± 0', '0.00010 ± 0.00040')
    """
    decimals = min(_decimals(mean, spreads), most)
    written = [rounded(mean, decimals), *(_spread(one, decimals) for one in spreads)]
    return f" {PLUS_MINUS} ".join(written)


def _mean_where_all(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return _within_floats(statistics.fmean, known) if len(known) == len(values) else None


def _spread(value: float, decimals: int) -> str:
    return rounded(value, decimals, digits=2) if value > 0 else "0"


def scores_over(trainings: Sequence[Mapping[str, Score]]) -> dict[str, Score]:
    """Join the metrics that every training has."""
    shared = [metric for metric in trainings[0] if all(metric in one for one in trainings)]
    return {metric: Score.over([one[metric] for one in trainings]) for metric in shared}


def _within_floats(statistic: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    try:
        return float(statistic(values))
    except OverflowError:
        return math.nan


def _decimals(mean: float, spreads: Sequence[float]) -> int:
    """Return the decimals of a mean and its spreads: so many that four digits show, three at most; and up to six where three would show nothing but zeros."""
    largest = max(abs(mean), *spreads, 0.0)
    if 0 < largest < 0.5 * 10.0**-_DECIMALS:
        return min(1 - _exponent(largest), _MOST_DECIMALS)
    return min(max(_DECIMALS - _exponent(mean), 0), _DECIMALS) if mean else _DECIMALS


def _exponent(value: float) -> int:
    """Return the power of ten of a number's first digit, as it is rounded to four."""
    return int(f"{value:.3e}".partition("e")[2])


def rounded(value: float, decimals: int, *, digits: int = 3) -> str:
    """Write a finite number with some decimals, and one that is too large or too small for them as a power of ten.

    Parameters
    ----------
    value, decimals
        The number, and how many decimals it gets. What rounds to zero has no minus sign.
    digits
        Significant digits of a power of ten: from `HUGE` on, and where six decimals would show nothing but zeros.

    Examples
    --------
    >>> rounded(0.1234, 2), rounded(-0.001, 2), rounded(-386280794510770503680.0, 3), rounded(2.5e-9, 6)
    ('0.12', '0.00', '-3.86e20', '2.50e-9')
    """
    if abs(value) >= HUGE or (decimals == _MOST_DECIMALS and 0 < abs(value) < 10.0**-_MOST_DECIMALS):
        number, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{number}e{int(exponent)}"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def plain_number(value: float | None) -> str:
    """Format a cost or a count with three significant digits; "" for None.

    Examples
    --------
    >>> plain_number(12.345), plain_number(0.01234), plain_number(98765.4), plain_number(None)
    ('12.3', '0.0123', '98765', '')
    """
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(values: Sequence[int]) -> str:
    """Write counts that may differ between seeds: "199", or "190 to 204"."""
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
