"""Spatial block bootstrap: scores as they would be on other test units of the same place, neighbours drawn together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.seeds import generator

__all__ = ["Resampled", "block_bootstrap"]

_GRIDS = 20
_FEWEST = 3.0
"""Blocks, on average over grids, of which a spread can be told."""


@dataclass(frozen=True, eq=False)
class Resampled:
    """Scores of resampled test units.

    Parameters
    ----------
    scores
        (R, rows): mean over splits of each row, all rows on the same draws.
    own
        (rows,): the same on the units as they are.
    blocks
        Mean number of blocks that units were drawn by.
    """

    scores: np.ndarray
    own: np.ndarray
    blocks: float

    @property
    def enough(self) -> bool:
        """Whether there are blocks enough to be drawn again; else no interval says anything."""
        return self.blocks >= _FEWEST

    def interval(self, row: int, level: float = 0.95) -> tuple[float, float]:
        """Return (low, high) of a row's score."""
        return self._around(self.scores[:, row], float(self.own[row]), level)

    def gap_interval(self, row: int, other: int, level: float = 0.95) -> tuple[float, float]:
        """Return (low, high) of the score of one row minus that of another."""
        gap = self.scores[:, row] - self.scores[:, other]
        return self._around(gap, float(self.own[row] - self.own[other]), level)

    def _around(self, drawn: np.ndarray, own: float, level: float) -> tuple[float, float]:
        """Return the interval of Student's t: few blocks scatter less than their population, by (B - 1) / B, and their spread is uncertain."""
        from scipy.special import stdtrit

        if not self.enough:
            return -np.inf, np.inf
        freedom = self.blocks - 1
        half = stdtrit(freedom, (1 + level) / 2) * drawn.std(ddof=1) * np.sqrt(self.blocks / freedom)
        return float(own - half), float(own + half)


def block_bootstrap(
    means: np.ndarray,
    contributions: np.ndarray,
    xy: np.ndarray,
    size_m: float,
    *,
    repeats: int = 2000,
    seed: int = 0,
) -> Resampled:
    """Draw square blocks of units with replacement and score again (Lahiri 2003, chapter 12).

    Twenty grids with random corners share the repeats, so that no border between blocks is always there. A block's units go together on every
    split. Scores of draws follow from what each unit contributes: R² of the very few units that a draw may leave to one split would be any
    number. The vectors, heads and splits stay as they are: the interval is of other test units, not of other trainings.

    Parameters
    ----------
    means
        (rows,): mean score over splits of each row.
    contributions
        (rows, u): what each unit adds to it (`urbanbench.judging.answers.Answers.contributions`).
    xy
        Positions (u, 2) in metres of the units.
    size_m
        Side of the blocks in metres; the range over which units resemble each other.
    repeats
        Number of draws.
    seed
        Of the grids and draws.
    """
    rng = generator(seed, "block bootstrap")
    drawn, counts = [], []
    for _ in range(_GRIDS):
        corner = xy.min(axis=0) - rng.uniform(0.0, size_m, size=2)
        cells = np.floor((xy - corner) / size_m).astype(np.int64)
        block = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
        sums = np.stack([np.bincount(block, weights=one) for one in contributions])
        count = sums.shape[1]
        times = rng.multinomial(count, np.full(count, 1 / count), size=-(-repeats // _GRIDS))
        drawn.append(means + times @ sums.T)
        counts.append(count)
    return Resampled(np.concatenate(drawn), means, float(np.mean(counts)))
