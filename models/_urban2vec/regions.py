"""What a region starts from in step 2: the mean of its pictures' vectors, and what stands in where it has none."""

from __future__ import annotations

import numpy as np
import shapely


def means(vectors: np.ndarray, group: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Average vectors by group.

    Parameters
    ----------
    vectors
        float32 (p, dim).
    group
        int64 (p,): 0 … n - 1.
    n
        Number of groups.

    Returns
    -------
    mean, count
        float32 (n, dim), zeros for an empty group; int64 (n,).
    """
    from scipy import sparse

    count = np.bincount(group, minlength=n)
    chosen = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(n, len(group)))
    total = chosen @ vectors.astype(np.float64)
    return np.asarray(total / np.maximum(count, 1)[:, None], dtype=np.float32), count


def filled(vectors: np.ndarray, known: np.ndarray, shapes: np.ndarray, gap_m: float) -> np.ndarray:
    """Give regions without a vector the mean of their neighbours' vectors, else of all; float32 (g, dim).

    Parameters
    ----------
    vectors
        float32 (g, dim).
    known
        bool (g,), at least one.
    shapes
        Polygons of the regions, object (g,).
    gap_m
        Largest distance of a neighbour, metres.
    """
    bare = np.flatnonzero(~known)
    one, other = shapely.STRtree(shapes[known]).query(shapes[bare], predicate="dwithin", distance=gap_m)
    near, count = means(vectors[known][other], one, len(bare))
    made = np.array(vectors)
    made[bare] = np.where(count[:, None] > 0, near, vectors[known].mean(axis=0, dtype=np.float64))
    return made


def chosen_pictures(region: np.ndarray, most: int | None, rng: np.random.Generator) -> np.ndarray:
    """Choose at most so many pictures of every region at random, int64 (k,) sorted; those outside of all regions are left out."""
    inside = np.flatnonzero(region >= 0)
    if most is None:
        return inside
    mixed = rng.permutation(inside)
    mixed = mixed[np.argsort(region[mixed], kind="stable")]
    count = np.bincount(region[mixed])
    rank = np.arange(len(mixed)) - np.repeat(np.cumsum(count) - count, count)
    return np.sort(mixed[rank < most])
