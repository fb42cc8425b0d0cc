"""Random walks over the graph of POIs, second order as in node2vec, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.models._hgi.delaunay import PlaceGraph

AT_ONCE = 65_536
"""Walks that take their steps together; bounds the memory."""


def random_walks(
    graph: PlaceGraph,
    *,
    per_place: int,
    length: int,
    return_bias: float,
    far_bias: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Walk from every place.

    A step goes to a neighbour with a chance in proportion to the edge's weight, times `return_bias` where it leads back to where the
    walk came from and `far_bias` where it leads to no neighbour of that place.

    Returns
    -------
    numpy.ndarray
        int64 (n · per_place, length), the start first; -1 after a place without neighbours.
    """
    starts = np.tile(np.arange(len(graph)), per_place)
    links = graph.rows * len(graph) + graph.neighbour
    bias = (return_bias, far_bias)
    parts = [
        _walk(graph, links, starts[k : k + AT_ONCE], length, bias, rng)
        for k in range(0, len(starts), AT_ONCE)
    ]
    return np.concatenate(parts)


def _walk(
    graph: PlaceGraph,
    links: np.ndarray,
    starts: np.ndarray,
    length: int,
    bias: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    walks = np.full((len(starts), length), -1, dtype=np.int64)
    walks[:, 0] = starts
    alive = np.flatnonzero(graph.degree[starts] > 0)
    for step in range(1, length):
        before = walks[alive, step - 2] if step > 1 else None
        walks[alive, step] = _next_places(graph, links, walks[alive, step - 1], before, bias, rng)
    return walks


def _next_places(
    graph: PlaceGraph,
    links: np.ndarray,
    here: np.ndarray,
    before: np.ndarray | None,
    bias: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw the next place of walks that are `here` and were `before`, both int64 (w,)."""
    sizes = graph.degree[here]
    last = np.cumsum(sizes)
    first = last - sizes
    entry = np.repeat(graph.start[here] - first, sizes) + np.arange(last[-1] if len(last) else 0)
    weight = graph.weight[entry]
    if before is not None:
        came = np.repeat(before, sizes)
        weight = weight * _second_order(links, came, graph.neighbour[entry], len(graph), bias)
    total = np.concatenate([[0.0], np.cumsum(weight)])
    aim = total[first] + rng.random(len(here)) * (total[last] - total[first])
    chosen = np.clip(np.searchsorted(total, aim, side="right") - 1, first, last - 1)
    return np.asarray(graph.neighbour[entry[chosen]])


def _second_order(
    links: np.ndarray, came: np.ndarray, candidate: np.ndarray, n: int, bias: tuple[float, float]
) -> np.ndarray:
    """Return the factor of each candidate by how it lies to the place the walk came from."""
    wanted = came * n + candidate
    place = np.minimum(np.searchsorted(links, wanted), len(links) - 1)
    factor = np.where(links[place] == wanted, 1.0, bias[1])
    return np.where(candidate == came, bias[0], factor)
