"""The area split: which pictures are asked about, and which may be learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.seeds import generator

__all__ = ["BLOCK_M", "BORDER_M", "FEWEST_BLOCKS", "TEST_SHARE", "AreaSplit", "split_area"]

BLOCK_M = 1130.0
"""Side of a block, metres: S2 cells of level 13 hold 1.27 km2 on average."""

FEWEST_BLOCKS = 10
"""Where pictures lie in fewer blocks, blocks are halved until they do not."""

TEST_SHARE = 0.3
"""Share of the pictures, at least, whose blocks are asked about."""

BORDER_M = 100.0
"""A picture of a lesson is so far from every picture that is asked about, metres: nearer ones may show the same fronts."""

_SMALLEST_M = 50.0


@dataclass(frozen=True, eq=False)
class AreaSplit:
    """n pictures, parted by square blocks of ground.

    Parameters
    ----------
    block
        int64 (n,): number of the block of each picture.
    test
        bool (n,): pictures in blocks that are asked about.
    lesson
        bool (n,): pictures in other blocks, at least `BORDER_M` from every one that is asked about.
    side_m
        Side of a block, metres.
    """

    block: np.ndarray
    test: np.ndarray
    lesson: np.ndarray
    side_m: float


def split_area(xy: np.ndarray, seed: int = 0) -> AreaSplit:
    """Part pictures by where they were taken.

    Blocks are squares of the city's CRS with sides of `BLOCK_M`, halved where the pictures lie in fewer than `FEWEST_BLOCKS` of them. They are
    drawn one by one until they hold `TEST_SHARE` of the pictures. The rule looks at places alone, so views of one point stay together.

    Parameters
    ----------
    xy
        float64 (n, 2): (easting, northing), metres.
    seed
        Draws the blocks; all tasks and all runs use the same.
    """
    side, block = _blocks(xy)
    many = int(block.max()) + 1 if len(block) else 0
    order = generator(seed, "area split").permutation(many)
    held = np.cumsum(np.bincount(block, minlength=many)[order])
    wanted = int(np.searchsorted(held, TEST_SHARE * len(xy))) + 1
    test = np.isin(block, order[: min(wanted, max(many - 1, 1))])
    return AreaSplit(block, test, ~test & _far_from(xy, xy[test]), side)


def _blocks(xy: np.ndarray) -> tuple[float, np.ndarray]:
    side = BLOCK_M
    while True:
        cell = np.floor(xy / side).astype(np.int64)
        block = np.unique(cell, axis=0, return_inverse=True)[1].reshape(-1)
        if not len(block) or block.max() + 1 >= FEWEST_BLOCKS or side / 2 < _SMALLEST_M:
            return side, block
        side /= 2


def _far_from(xy: np.ndarray, others: np.ndarray) -> np.ndarray:
    from scipy.spatial import KDTree

    if not len(others):
        return np.ones(len(xy), dtype=bool)
    return np.asarray(KDTree(others).query(xy)[0] >= BORDER_M)
