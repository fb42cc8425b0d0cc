"""How alike regions are, and what follows from it: whose picture is a positive, and whose may be a negative."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

import numpy as np

from urbanbench.seeds import generator

if TYPE_CHECKING:
    from scipy import sparse

TILE = 1 << 22
"""Most likenesses that are held at once."""

CANDIDATES = 8192
"""Most regions that a region is compared with; in larger cities these are drawn at random, so that time grows with the regions and not with their square."""

ROUNDING = 1e-9
"""Likenesses that differ by less count as equal: a product of matrices and one of rows differ in their last digits."""

FEWEST = 4
"""With fewer regions there may be no negative left beside the anchor, its positive and what is too like it."""


class Likeness(Protocol):
    """Tells how alike g regions are; larger is more alike."""

    comparable: np.ndarray
    """Which regions can be compared at all, bool (g,)."""

    def block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the likeness of each row with each column, float64 (r, c)."""

    def pairs(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the likeness of regions one by one, float64 (b,)."""

    def nearest(self, regions: np.ndarray, k: int) -> np.ndarray | None:
        """Return the k most alike others of regions int64 (m,), as places among them (m, k); None where that takes comparing all with all."""


class Cosines:
    """Likeness as the cosine of features.

    Parameters
    ----------
    features
        float64 (g, c), dense or sparse; a region whose features are all zero cannot be compared.
    """

    def __init__(self, features: np.ndarray | sparse.csr_array) -> None:
        from scipy import sparse

        table = sparse.csr_array(features, dtype=np.float64)
        length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
        self.comparable: np.ndarray = length > 0
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=self.comparable)
        self.table = sparse.csr_array(sparse.diags_array(scale) @ table)

    def block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return cosines, float64 (r, c)."""
        asked = (
            self.table[rows].toarray().T
        )  # a sparse matrix times a dense one is far quicker than two sparse ones
        return np.ascontiguousarray((self.table[columns] @ asked).T)

    def pairs(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return cosines, float64 (b,)."""
        return np.asarray(self.table[one].multiply(self.table[other]).sum(axis=1)).ravel()

    def nearest(self, regions: np.ndarray, k: int) -> None:
        """Return None: all would have to be compared."""


class Nearness:
    """Likeness as the negative distance of places.

    Parameters
    ----------
    xy
        float64 (g, 2), metres; rounded to the millimetre so that equal distances are equal wherever the city lies.
    """

    def __init__(self, xy: np.ndarray) -> None:
        self.xy = np.round(xy - xy.min(axis=0), 3)
        self.comparable = np.ones(len(xy), dtype=bool)

    def block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return negative distances, float64 (r, c), metres."""
        apart = self.xy[rows][:, None] - self.xy[columns]
        return np.asarray(-np.hypot(apart[..., 0], apart[..., 1]))

    def pairs(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return negative distances, float64 (b,), metres."""
        apart = self.xy[one] - self.xy[other]
        return np.asarray(-np.hypot(apart[:, 0], apart[:, 1]))

    def nearest(self, regions: np.ndarray, k: int) -> np.ndarray:
        """Return the k nearest others, the nearest first, int64 (m, k)."""
        from urbanbench.toolkit.ground.neighbours import nearest_within

        return nearest_within(self.xy[regions], radius_m=np.inf, cap=k)[0]


@dataclass(frozen=True, eq=False)
class Partners:
    """What m regions have for positives and negatives.

    Parameters
    ----------
    likeness
        Of all regions.
    regions
        int64 (m,): the regions, rows of `likeness`. Everything else names them by their place here.
    top
        int64 (m, k): the most alike others, the most alike first.
    bar
        float64 (m,): others more alike than this are no negatives.
    """

    likeness: Likeness
    regions: np.ndarray
    top: np.ndarray
    bar: np.ndarray

    def __len__(self) -> int:
        return len(self.regions)

    def draw_positives(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one of the most alike regions of every anchor, each as likely; int64 (b,)."""
        return np.asarray(self.top[anchors, rng.integers(0, self.top.shape[1], len(anchors))])

    def draw_negatives(
        self, anchors: np.ndarray, positives: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw a region for every anchor, uniformly among those that are neither itself nor its positive nor above its bar."""
        drawn = np.empty(len(anchors), dtype=np.int64)
        open_ = np.arange(len(anchors))
        while len(open_):
            one, some = anchors[open_], rng.integers(0, len(self), len(open_))
            alike = self.likeness.pairs(self.regions[one], self.regions[some])
            drawn[open_] = some
            wrong = (some == one) | (some == positives[open_]) | (alike > self.bar[one] + ROUNDING)
            open_ = open_[wrong]
        return drawn


def find_partners(
    likeness: Likeness, regions: np.ndarray, *, top_k: int, spared: float, seed: int = 0
) -> Partners:
    """Compare regions with one another; each of more than `CANDIDATES` with so many of them, the same for all.

    Parameters
    ----------
    likeness
        Of all regions.
    regions
        int64 (m,), at least `FEWEST`, all comparable.
    top_k
        Positives of a region; no more than there are regions too alike to be negatives, but one at least.
    spared
        Share of the others that are too alike to be negatives: the ceil(spared (m - 1)) most alike, less those as alike as the
        next one.
    seed
        Draws the regions to compare with.
    """
    m = len(regions)
    compared = np.arange(m)
    if m > CANDIDATES:
        drawn = generator(seed, "musecl", "compared").choice(m, CANDIDATES, replace=False)
        compared = np.sort(drawn)
    c = len(compared)
    beyond = min(ceil(spared * (c - 1)), c - 2)
    kept = min(top_k, max(beyond, 1))  # so that a negative is left for every anchor
    found = likeness.nearest(regions, kept) if c < m else None
    top, bar = np.empty((m, kept), dtype=np.int64), np.empty(m)
    step = max(1, TILE // c)
    for start in range(0, m, step):
        rows = np.arange(start, min(start + step, m))
        alike = likeness.block(regions[rows], regions[compared])
        alike[rows[:, None] == compared] = -np.inf
        bar[rows] = np.partition(alike, c - 1 - beyond, axis=1)[:, c - 1 - beyond]
        top[rows] = compared[_largest(alike, kept)] if found is None else found[rows]
    return Partners(likeness, regions, top, bar)


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the k largest values of each row, largest first; of values that are equal up to rounding the first."""
    if k == 1:
        return np.asarray((values >= values.max(axis=1, keepdims=True) - ROUNDING).argmax(axis=1)[:, None])
    coarse = np.round(values / ROUNDING)
    return np.asarray(np.argsort(-coarse, axis=1, kind="stable")[:, :k])
