"""The graph of near entities and random walks in it, without a Python loop over entities or walks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.seeds import generator
from urbanbench.toolkit.ground.neighbours import nearest_within

__all__ = ["NearGraph", "damped", "nearest_graph", "sample_walks", "sliding_graph", "spatial_order"]

NEAREST_KM = 1.1
"""No distance counts as less."""

BLOCK = 1 << 15
"""Walks that are drawn at once; each block has its own random stream."""

PER_CELL = 64
"""Entities that lie in a cell of `spatial_order` on average."""


@dataclass(frozen=True, eq=False)
class NearGraph:
    """A directed graph whose edges carry probabilities: entity i leads to ``target[start[i]:start[i + 1]]``.

    Parameters
    ----------
    start
        int64 (n + 1,), rising from 0.
    target
        int32 (m,): entities.
    reach
        float64 (m,): i plus the probability to leave entity i by this edge or an earlier one, so that all entities share one rising
        table and a step of all walks is one search in it.
    """

    start: np.ndarray
    target: np.ndarray
    reach: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @classmethod
    def from_edges(cls, source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> NearGraph:
        """Build the graph from edges and their weights; an edge that is named twice counts twice."""
        order = np.argsort(source, kind="stable")
        source, target, weight = source[order], target[order], weight[order]
        start = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n))]).astype(np.int64)
        summed = np.concatenate([[0.0], np.cumsum(weight)])
        before, whole = summed[start[:-1]], np.diff(summed[start])
        share = (summed[1:] - before[source]) / whole[source]
        return cls(start, target.astype(np.int32), source + np.minimum(share, 1.0))


def damped(distance_m: np.ndarray) -> np.ndarray:
    """Turn distances into weights of steps: max(1 / ln max(d, 1.1 km), e) (published code of the location model).

    The weight is 10.49 up to 1.1 km, falls until 1.445 km and is e beyond.
    """
    km = np.maximum(np.asarray(distance_m, dtype=np.float64) / 1000, NEAREST_KM)
    return np.asarray(np.maximum(1 / np.log(km), np.e))


def spatial_order(xy: np.ndarray) -> np.ndarray:
    """Return entities cell by cell of a square grid, int64 (n,): numbered so, near ones lie near in memory and walks are faster.

    Parameters
    ----------
    xy
        float64 (n, 2): metres, from 0.
    """
    width, height = np.maximum(np.ptp(xy, axis=0), 1.0)
    side = np.sqrt(width * height * PER_CELL / len(xy))
    column, row = (xy // side).T
    return np.lexsort((column, row))


def nearest_graph(xy: np.ndarray, k: int) -> NearGraph:
    """Link every entity to its k nearest others.

    Parameters
    ----------
    xy
        float64 (n, 2): metres.
    k
        Neighbours of each; all others where there are fewer.
    """
    index, distance = nearest_within(xy, radius_m=np.inf, cap=min(k, max(len(xy) - 1, 1)))
    source, slot = np.nonzero(index >= 0)
    return NearGraph.from_edges(source, index[source, slot], damped(distance[source, slot]), len(xy))


def sliding_graph(xy: np.ndarray, k: int) -> NearGraph:
    """Link every entity to the next k northwards and the next k eastwards, however far they are in the other direction.

    This is the published code's graph. Edges lead north and east only, so that walks drift, and end at the last entity.
    """
    sources, targets = [], []
    for order in (np.lexsort((xy[:, 0], xy[:, 1])), np.lexsort((xy[:, 1], xy[:, 0]))):
        for ahead in range(1, min(k, len(xy) - 1) + 1):
            sources.append(order[:-ahead])
            targets.append(order[ahead:])
    source, target = np.concatenate(sources), np.concatenate(targets)
    distance = np.hypot(*(xy[source] - xy[target]).T)
    return NearGraph.from_edges(source, target, damped(distance), len(xy))


def sample_walks(
    graph: NearGraph, *, per_node: int, length: int, seed: int, purpose: str = "walks"
) -> np.ndarray:
    """Draw weighted first-order walks from every entity (node2vec with p = q = 1), in random order.

    Parameters
    ----------
    graph
        Where to walk.
    per_node
        Walks that start at each entity.
    length
        Entities per walk.
    seed, purpose
        Seed, and a word that sets these walks apart from others.

    Returns
    -------
    numpy.ndarray
        int32 (n * per_node, length): entities; -1 after a walk came where no edge leads on.
    """
    walks = np.empty((len(graph) * per_node, length), dtype=np.int32)
    walks[:, 0] = np.repeat(np.arange(len(graph)), per_node)
    for first in range(0, len(walks), BLOCK):
        block, rng = walks[first : first + BLOCK], generator(seed, "geovectors", purpose, first)
        for step in range(1, length):
            block[:, step] = _next(graph, block[:, step - 1], rng.random(len(block)))
    return walks[generator(seed, "geovectors", purpose, "order").permutation(len(walks))]


def _next(graph: NearGraph, here: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return where walks go from here, int32 (w,), by numbers drawn from [0, 1)."""
    place = np.searchsorted(graph.reach, here + drawn, side="right")
    # A number next to 1 may be rounded up to the following entity's range, which is not this one's to use.
    last = graph.start[here + 1] - 1
    stuck = (here < 0) | (last < graph.start[here])
    place = np.where(stuck, 0, np.minimum(place, last))
    return np.where(stuck, -1, graph.target[place])
