"""Which regions are alike: the pairs that the macro scale pulls together (Eq. 21)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanbench.toolkit.ground.neighbours import Groups

ROUNDING = 1e-12
"""How far below the threshold a cosine may lie: less than the last digits of a matrix product differ by."""

CANDIDATES = 8192
"""Most regions that a block of regions is compared with."""

TILE = 1 << 22
"""Most cosines that are held at once."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """Tells which of n regions are alike.

    Parameters
    ----------
    by_poi, by_road
        float64 (n, 12) and (n, 2): F_p and F_r, rows scaled to length 1 or zero; `by_road` is None where only POIs decide.
    threshold
        Least cosine of both.
    """

    by_poi: np.ndarray
    by_road: np.ndarray | None
    threshold: float

    @classmethod
    def from_features(
        cls, by_poi: np.ndarray, by_road: np.ndarray | None, threshold: float = 0.95
    ) -> Similarity:
        """Scale F_p and F_r; a region whose F_p or F_r is zero is like none."""
        return cls(_scaled(by_poi), None if by_road is None else _scaled(by_road), threshold)

    def __len__(self) -> int:
        return len(self.by_poi)

    @cached_property
    def comparable(self) -> np.ndarray:
        """Which regions can be like another: those with a direction in F_p and in F_r; bool (n,)."""
        told = self.by_poi.any(axis=1)
        return np.asarray(told if self.by_road is None else told & self.by_road.any(axis=1))

    def between(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return bool (rows, columns): True where both cosines reach the threshold; zero vectors reach none."""
        alike = np.asarray(self.comparable[rows][:, None] & self.comparable[columns])
        for features in (self.by_poi, self.by_road):
            if features is not None:
                alike &= features[rows] @ features[columns].T >= self.threshold - ROUNDING
        return alike


def similar_pairs(
    by_poi: np.ndarray,
    by_road: np.ndarray | None,
    threshold: float = 0.95,
    keep: int = 64,
    block: int = 2048,
    *,
    rng: np.random.Generator,
    usable: np.ndarray | None = None,
    candidates: int = CANDIDATES,
) -> Groups:
    """Find for every region others like it, at most `keep` of them drawn at random.

    Memory grows with n · keep. Every region is compared with every other as long as there are no more than `candidates`; in larger
    cities each block of regions is compared with so many regions drawn at random, so that the time grows with n too.

    Parameters
    ----------
    by_poi, by_road
        F_p (n, 12) and F_r (n, 2), or None where only POIs decide.
    threshold
        Least cosine of both.
    keep
        Most partners of a region.
    block
        Most regions that are compared with all others at once; fewer in large cities, so that a block of cosines stays small.
    rng
        Source of randomness.
    usable
        bool (n,): regions that may be in a pair; None for all.
    candidates
        Most regions that a block is compared with.

    Returns
    -------
    Groups
        n groups of partners, in rising order.
    """
    similarity = Similarity.from_features(by_poi, by_road, threshold)
    n = len(similarity)
    allowed = np.flatnonzero(similarity.comparable & (True if usable is None else usable))
    step = max(1, min(block, TILE // max(min(len(allowed), candidates), 1)))
    owners, partners = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in range(0, len(allowed), step):
        rows, others = allowed[start : start + step], allowed
        if len(allowed) > candidates:
            others = rng.choice(allowed, candidates, replace=False)
        alike = similarity.between(rows, others) & (rows[:, None] != others)
        row, column = draw_true(alike, keep, rng)
        owners.append(rows[row])
        partners.append(others[column])
    return Groups.from_pairs(np.concatenate(owners), np.concatenate(partners), n)


def draw_true(mask: np.ndarray, keep: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw at most `keep` true columns of every row of bool (r, n); return rows and columns, int64 (m,).

    Of a row with more, its true columns are split into `keep` stretches of about equal length and one is drawn of each; where the
    first stretch begins is random, so every column is as likely as any other.
    """
    found = np.flatnonzero(mask)
    counts = np.count_nonzero(mask, axis=1)
    first = np.cumsum(counts) - counts
    taken = np.minimum(counts, keep)
    row = np.repeat(np.arange(len(mask)), taken)
    place = np.arange(len(row)) - np.repeat(np.cumsum(taken) - taken, taken)
    many = counts[row] > keep
    size, stretch = counts[row][many], place[many]
    begin, end = stretch * size // keep, (stretch + 1) * size // keep
    turn = np.repeat(rng.integers(0, counts[counts > keep]), keep)
    place[many] = (rng.integers(begin, end) + turn) % size
    return row, found[first[row] + place] % mask.shape[1]


def _scaled(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, length, out=np.zeros_like(features), where=length > 0))
