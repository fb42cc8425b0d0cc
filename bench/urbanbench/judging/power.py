"""Power: how many seeds, units or cities would separate two rows whose difference is the one that was seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from urbanbench.judging.sharing import Sharing

__all__ = ["Needed", "Variance", "needed", "power"]

POWER, LEVEL = 0.8, 0.05
_MOST = 100_000
_SHARES = (np.arange(500) + 0.5) / 500
"""Quantiles of the standard error that power is averaged over."""


@dataclass(frozen=True)
class Variance:
    """What the variance of a mean difference is made of.

    Parameters
    ----------
    of_seeds
        Variance of one split's difference around the mean: falls with the number of seeds.
    shared
        Variance that more seeds leave as it is: units, and trainings.
    seeds, units
        Numbers it was measured with.
    sharing
        What splits share: gives the degrees of freedom of any number of them.
    df
        Degrees of freedom, where they do not depend on the number of seeds.
    """

    of_seeds: float
    shared: float
    seeds: int
    units: int
    sharing: Sharing
    df: float | None = None

    def total(self, seeds: int) -> float:
        """Variance of the mean over some number of seeds."""
        return self.of_seeds / seeds + self.shared

    def freedom(self, seeds: int) -> float:
        """Degrees of freedom with some number of seeds."""
        return self.sharing.freedom(seeds) if self.df is None else self.df


@dataclass(frozen=True)
class Needed:
    """What would separate two rows with a power of 80 %; None where no number up to 100,000 would.

    Parameters
    ----------
    power
        Power of the comparison as it was made, in [0, 1].
    seeds
        Seeds in the same city with the same units.
    units
        Units of a larger city of the same kind, at the same seeds.
    cities
        Cities of the same kind and size, at the same seeds.
    """

    power: float
    seeds: int | None
    units: int | None
    cities: int | None


def power(effect: float, error: float, df: float, *, level: float = LEVEL) -> float:
    """Return the probability that a two-sided t test finds an effect: the tails of the noncentral t, averaged over the standard error's own scatter.

    Parameters
    ----------
    effect, error
        True difference and standard error of its estimate, in one unit.
    df
        Degrees of freedom.
    """
    from scipy.special import chdtri, ndtr, stdtrit

    if error == 0:
        return float(effect != 0)
    critical, shift = float(stdtrit(df, 1 - level / 2)), abs(effect) / error
    reach = critical * np.sqrt(chdtri(df, _SHARES) / df)
    return float((ndtr(shift - reach) + ndtr(-shift - reach)).mean())


def needed(effect: float, variance: Variance) -> Needed:
    """Return how much more of each kind of evidence would separate two rows (two-sided, 5 %, power 80 %).

    All variance falls in proportion to units; cities are independent, so their variances average and their degrees of freedom add up. How much
    the true difference varies from city to city cannot be seen in one, and is taken as nothing.

    Parameters
    ----------
    effect
        The difference seen, taken for the true one.
    variance
        Measured.
    """
    now, df = variance.total(variance.seeds), variance.freedom(variance.seeds)

    def by_seeds(seeds: int) -> float:
        return power(effect, math.sqrt(variance.total(seeds)), variance.freedom(seeds))

    def by_units(units: int) -> float:
        return power(effect, math.sqrt(now * variance.units / units), df)

    def by_cities(cities: int) -> float:
        return power(effect, math.sqrt(now / cities), df * cities)

    return Needed(
        power(effect, math.sqrt(now), df), _least(by_seeds, 2), _least(by_units, 1), _least(by_cities, 1)
    )


def _least(found: Callable[[int], float], low: int) -> int | None:
    """Return the smallest number with enough power, by bisection: power rises with it."""
    if found(_MOST) < POWER:
        return None
    high = _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) >= POWER else (middle + 1, high)
    return low
