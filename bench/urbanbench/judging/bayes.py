"""Bayesian comparisons: how probable it is that one row is better, practically the same, or worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.judging.estimate import Estimate
from urbanbench.judging.paired import resampled_t
from urbanbench.judging.sharing import Sharing
from urbanbench.seeds import generator

__all__ = ["Odds", "correlated_t", "odds_of", "signed_rank"]

_PRIOR_STRENGTH = 0.5
"""Weight of the prior's one pseudo-observation, as Benavoli et al. (2014, 2017) choose it."""
_CHUNK = 2000


@dataclass(frozen=True)
class Odds:
    """Probabilities that add up to 1: the difference is below the region of practical equivalence, inside, above."""

    worse: float
    same: float
    better: float


def correlated_t(differences: np.ndarray, sharing: Sharing, rope: float) -> Odds:
    """Judge one task by the Bayesian correlated t test (Corani and Benavoli 2015; Benavoli et al. 2017, section 3).

    With a flat prior the mean difference has a Student t with J - 1 degrees of freedom around the observed mean, whose scale is the standard error
    of `urbanbench.judging.paired.resampled_t`: the correlation of splits is n2 / (n1 + n2). Of few blocks there are fewer degrees of freedom, as there.

    Parameters
    ----------
    differences
        (J,): score of one row minus that of another, higher is better.
    sharing
        What the splits share.
    rope
        Half width of the region of practical equivalence, in the metric's unit; >= 0.
    """
    return odds_of(resampled_t(differences, sharing), rope)


def odds_of(estimate: Estimate, rope: float) -> Odds:
    """Return the odds of a Student t around an estimate: with a flat prior its posterior."""
    from scipy.special import stdtr

    mean, error, df = float(estimate.mean), float(estimate.error), float(estimate.df)
    if error == 0:
        return Odds(float(mean < -rope), float(-rope <= mean <= rope), float(mean > rope))
    worse = float(stdtr(df, (-rope - mean) / error))
    better = float(stdtr(df, -(rope - mean) / error))
    return Odds(worse, max(1.0 - worse - better, 0.0), better)


def signed_rank(differences: np.ndarray, rope: float, *, draws: int = 50_000, seed: int = 0) -> Odds:
    """Judge several tasks or cities by the Bayesian signed-rank test (Benavoli et al. 2014; 2017, section 4.2).

    The differences are draws from an unknown distribution with a Dirichlet process prior (strength 0.5, one pseudo-observation at 0). A draw
    of weights says which share of all pairs of differences has its mean below, inside or above the region; the odds count which of
    the three is largest.

    Parameters
    ----------
    differences
        (K,): one number for each task or city, higher is better.
    rope
        Half width of the region of practical equivalence; >= 0.
    draws, seed
        Of the Monte Carlo: 50,000 draws are exact to about half a percent.
    """
    values = np.concatenate([[0.0], differences])
    means = (values[:, None] + values[None, :]) / 2
    above, below = np.heaviside(means - rope, 0.5), np.heaviside(-rope - means, 0.5)
    rng = generator(seed, "signed rank")
    strength = np.concatenate([[_PRIOR_STRENGTH], np.ones(len(differences))])
    counts = np.zeros(3)
    for start in range(0, draws, _CHUNK):
        weights = rng.dirichlet(strength, size=min(_CHUNK, draws - start))
        better = ((weights @ above) * weights).sum(axis=1)
        worse = ((weights @ below) * weights).sum(axis=1)
        counts += _winners(np.stack([worse, 1.0 - better - worse, better]))
    shares = counts / draws
    return Odds(*shares.tolist())


def _winners(shares: np.ndarray) -> np.ndarray:
    """Count (3,) in how many columns of (3, n) each row is largest; equal ones share a column."""
    largest = shares >= shares.max(axis=0) - 1e-12
    return np.asarray((largest / largest.sum(axis=0)).sum(axis=1))
