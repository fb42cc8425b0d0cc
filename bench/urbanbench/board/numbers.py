"""Means, sample standard deviations and how many digits of them a reader gets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["PLUS_MINUS", "Score", "plain_number", "span"]

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
_MOST_DECIMALS = 6
_DECIMALS_WITHOUT_SPREAD = 3


@dataclass(frozen=True)
class Score:
    """One metric over seeds.

    Parameters
    ----------
    values
        One number per seed in the order of the run's seeds; None where the metric has no value.
    """

    values: tuple[float | None, ...]

    @cached_property
    def finite(self) -> tuple[float, ...]:
        """The values that are numbers."""
        return tuple(value for value in self.values if value is not None and math.isfinite(value))

    @cached_property
    def mean(self) -> float:
        """Mean over the finite values; NaN when there is none."""
        return statistics.fmean(self.finite) if self.finite else math.nan

    @cached_property
    def std(self) -> float:
        """Sample standard deviation (divisor n - 1) over the finite values; NaN below two values."""
        return statistics.stdev(self.finite) if len(self.finite) > 1 else math.nan

    @property
    def text(self) -> str:
        """Mean ± sample standard deviation, the latter with two significant digits.

        Examples
        --------
        >>> Score((0.70, 0.75, 0.80)).text
        '0.750 ± 0.050'
        >>> Score((3.25,)).text
        '3.250'
        >>> Score(()).text
        ''
        """
        if not self.finite:
            return ""
        if not self.std > 0:
            spread = f" {PLUS_MINUS} 0" if len(self.finite) > 1 else ""
            return f"{_signed(self.mean, _DECIMALS_WITHOUT_SPREAD)}{spread}"
        decimals = _decimals(self.std)
        return f"{_signed(self.mean, decimals)} {PLUS_MINUS} {self.std:.{decimals}f}"


def _decimals(std: float) -> int:
    """Return the decimals that show two significant digits of a positive number, between 0 and 6."""
    exponent = int(f"{std:.1e}".partition("e")[2])
    return min(max(1 - exponent, 0), _MOST_DECIMALS)


def _signed(value: float, decimals: int) -> str:
    """Format without a minus sign before zero."""
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
