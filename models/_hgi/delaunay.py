"""The graph between neighbouring POIs: a Delaunay triangulation whose edges are the stronger the shorter they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay, QhullError

JITTER_M = 0.1
"""How far places at one spot are moved apart, metres."""

LEAST_WEIGHT = 1e-9
"""Weight of an edge as long as the diagonal of the bounding box, whose logarithm is 0."""


@dataclass(frozen=True, eq=False)
class PlaceGraph:
    """An undirected graph of n places in compressed form: the neighbours of i are ``neighbour[start[i]:start[i + 1]]``.

    Parameters
    ----------
    start
        int64 (n + 1,), rising from 0.
    neighbour
        int64 (m,), rising within each place; every edge stands in both directions.
    weight
        float64 (m,), above 0, the same in both directions.
    """

    start: np.ndarray
    neighbour: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def degree(self) -> np.ndarray:
        """Number of neighbours, int64 (n,)."""
        return np.diff(self.start)

    @property
    def rows(self) -> np.ndarray:
        """Place that each entry of `neighbour` belongs to, int64 (m,)."""
        return np.repeat(np.arange(len(self)), self.degree)

    def rescaled(self) -> np.ndarray:
        """Return the weights moved linearly to [0, 1], ones where all are equal; float64 (m,)."""
        low, high = self.weight.min(initial=np.inf), self.weight.max(initial=-np.inf)
        return (self.weight - low) / (high - low) if high > low else np.ones_like(self.weight)


def delaunay_graph(
    xy: np.ndarray,
    region: np.ndarray,
    *,
    cross: float,
    max_edge_m: float | None,
    rng: np.random.Generator,
) -> PlaceGraph:
    """Link the places that are neighbours in the Delaunay triangulation.

    The weight of an edge of length l is ln((1 + L^1.5) / (1 + l^1.5)), with L the diagonal of the places' bounding box (both in
    metres), times `cross` where it leads into another region.

    Parameters
    ----------
    xy
        float64 (n, 2): (easting, northing), metres.
    region
        int64 (n,): region of each place, -1 outside of all.
    cross
        Factor of edges between regions.
    max_edge_m
        Longer edges are left out; None for none.
    rng
        Draws how places at one spot are moved apart.
    """
    spread = moved_apart(xy, rng)
    one, other = triangulate(spread).T
    length = np.hypot(*(spread[one] - spread[other]).T)
    if max_edge_m is not None:
        kept = length <= max_edge_m
        one, other, length = one[kept], other[kept], length[kept]
    diagonal = float(np.hypot(*np.ptp(spread, axis=0)))
    weight = closeness(length, diagonal) * np.where(region[one] == region[other], 1.0, cross)
    return _compressed(one, other, np.maximum(weight, LEAST_WEIGHT), len(xy))


def closeness(length_m: np.ndarray, diagonal_m: float) -> np.ndarray:
    """Return ln((1 + L^1.5) / (1 + l^1.5)) of edges' lengths l and the diagonal L (HGI, Section 4.1)."""
    return np.asarray(np.log1p(diagonal_m**1.5) - np.log1p(length_m**1.5))


def moved_apart(xy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move all but the first of the places at one spot by at most 0.1 m east or west and north or south."""
    _, first = np.unique(xy, axis=0, return_index=True)
    again = np.ones(len(xy), dtype=bool)
    again[first] = False
    moved = xy.copy()
    moved[again] += rng.uniform(-JITTER_M, JITTER_M, size=(int(again.sum()), 2))
    return moved


def triangulate(xy: np.ndarray) -> np.ndarray:
    """Return the edges of the Delaunay triangulation of distinct points, int64 (e, 2), each once with the lower row first.

    Points on one line are linked to a chain.
    """
    try:
        mesh = Delaunay(xy)
    except (QhullError, ValueError):  # fewer than three points, or all on one line
        order = np.lexsort((xy[:, 1], xy[:, 0]))
        return np.sort(np.column_stack([order[:-1], order[1:]]), axis=1)
    corners = mesh.simplices.astype(np.int64)
    left_out = mesh.coplanar[:, [0, 2]].astype(
        np.int64
    )  # too near to another point for Qhull: linked to that one
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]], left_out])
    return np.unique(np.sort(edges, axis=1), axis=0)


def _compressed(one: np.ndarray, other: np.ndarray, weight: np.ndarray, n: int) -> PlaceGraph:
    row, column = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((column, row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    return PlaceGraph(start, column[order], np.concatenate([weight, weight])[order])
