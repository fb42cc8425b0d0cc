"""Which other region's POIs a region is told apart from: mostly any, sometimes one with similar categories (hard negatives)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.ground.neighbours import Groups

if TYPE_CHECKING:
    from urbanbench.models._hgi.categories import Categories

MOST_COMPARED = 2500
"""Regions that each region is compared with when its similar ones are looked up; a random sample in larger cities."""

ROWS_AT_ONCE = 1024


class NegativeRegions:
    """Draws another region for every region.

    Parameters
    ----------
    similar
        For each of g regions those of similar categories; may be empty.
    share
        Chance that a region's negative is one of its similar regions, if it has any.
    """

    def __init__(self, similar: Groups, share: float) -> None:
        self.similar, self.share = similar, share

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return another region for every region, int64 (g,): a similar one with chance `share`, else any other."""
        count = len(self.similar)
        own = np.arange(count)
        other = (own + 1 + (rng.random(count) * (count - 1)).astype(np.int64)) % count
        sizes = self.similar.sizes
        hard = np.flatnonzero((rng.random(count) < self.share) & (sizes > 0))
        place = (rng.random(len(hard)) * sizes[hard]).astype(np.int64)
        other[hard] = self.similar.member[self.similar.start[hard] + place]
        return other


def coarse_vectors(region: np.ndarray, categories: Categories, n_regions: int) -> np.ndarray:
    """Return the shares of first-level and second-level categories among each region's POIs, float32 (n_regions, f + c).

    Parameters
    ----------
    region
        int64 (n,): region of every place of `categories`, -1 outside.
    categories
        What the places are.
    n_regions
        Number of regions, each with at least one place.
    """
    first = int(categories.parent.max(initial=0)) + 1
    inside = region >= 0
    width = first + len(categories)
    counts = np.zeros((n_regions, width), dtype=np.float32)
    second = categories.of_place[inside]
    np.add.at(counts, (region[inside], categories.parent[second]), 1.0)
    np.add.at(counts, (region[inside], first + second), 1.0)
    return np.asarray(counts / np.bincount(region[inside], minlength=n_regions)[:, None].astype(np.float32))


def similar_regions(vectors: np.ndarray, low: float, high: float, rng: np.random.Generator) -> Groups:
    """Return for each region the others whose vectors have a cosine between `low` and `high`.

    Of more than 2,500 regions each is compared with the same random 2,500, so that time and memory grow with their number and not
    with its square.

    Parameters
    ----------
    vectors
        (g, d), none of them zero.
    low, high
        Bounds of the cosine, both excluded.
    rng
        Draws the regions to compare with.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    count = len(unit)
    compared = np.sort(rng.permutation(count)[:MOST_COMPARED])
    pairs = []
    for start in range(0, count, ROWS_AT_ONCE):
        cosine = unit[start : start + ROWS_AT_ONCE] @ unit[compared].T
        row, column = np.nonzero((cosine > low) & (cosine < high))
        row, column = row + start, compared[column]
        pairs.append(np.stack([row, column])[:, row != column].astype(np.int32))
    row, column = np.concatenate(pairs, axis=1)
    begin = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])
    return Groups(begin, column)
