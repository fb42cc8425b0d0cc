"""Estimate: a number with its standard error and degrees of freedom, and what follows from the three."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Estimate", "combined"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean whose distance from the truth, over its standard error, follows Student's t; or an array of such.

    Parameters
    ----------
    mean, error
        The number and its standard error, arrays of one shape. A standard error of 0 means that nothing varied.
    df
        Degrees of freedom, of a shape that fits.
    """

    mean: np.ndarray
    error: np.ndarray
    df: np.ndarray

    @property
    def t(self) -> np.ndarray:
        """Mean over standard error; 0 where both are 0, infinite where only the error is."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(self.mean / self.error)
        return np.where((self.mean == 0) & (self.error == 0), 0.0, found)

    @property
    def p(self) -> np.ndarray:
        """Probability of a mean at least as far from 0, on either side, were the truth 0."""
        from scipy.special import stdtr

        return np.asarray(np.minimum(2 * stdtr(self.df, -np.abs(self.t)), 1.0))

    @property
    def p_above(self) -> np.ndarray:
        """Probability of a mean at least as large, were the truth 0: small where the truth is above 0."""
        from scipy.special import stdtr

        return np.asarray(stdtr(self.df, -self.t))

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return (low, high) that hold the truth with a probability of `level`."""
        from scipy.special import stdtrit

        half = stdtrit(self.df, (1 + level) / 2) * self.error
        return np.asarray(self.mean - half), np.asarray(self.mean + half)


def combined(estimate: Estimate, variances: np.ndarray, dfs: np.ndarray) -> Estimate:
    """Add independent variances of the mean to an estimate.

    The degrees of freedom of the sum are Satterthwaite's (1946): (sum v)² / sum(v² / df).

    Parameters
    ----------
    estimate
        A single one.
    variances, dfs
        (m,) each: further variances of the mean and their degrees of freedom.
    """
    every = np.concatenate([[float(estimate.error) ** 2], variances])
    freedom = np.concatenate([[float(estimate.df)], dfs])
    total = every.sum()
    if total == 0:
        return estimate
    return Estimate(estimate.mean, np.sqrt(total), np.asarray(total**2 / (every**2 / freedom).sum()))
