"""Spatial reasoning paths: walks along the edges of a graph, drawn for many images at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.graph.tables import kind_code
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.graph.plan import GraphPlan
    from urbanbench.graph.tables import Graph

__all__ = ["similarity", "walk_from"]

_TRIES = 3
"""Walks that are drawn for each one wanted; some end too early, and some are like others."""

_AT_ONCE = 512
"""Images whose walks are drawn together."""

_STREET_NAMES = 2
"""How often a walk may come to streets of one name."""


def walk_from(graph: Graph, rows: np.ndarray, plan: GraphPlan) -> list[list[np.ndarray]]:
    """Draw paths that begin at nodes.

    A path has between `plan.shortest` and `plan.longest` edges, comes to no node twice, to streets of one name at most twice, and
    never farther than `plan.reach_m` from where it began. At every node each edge that may be taken is equally likely.

    Parameters
    ----------
    graph
        The whole graph.
    rows
        int64 (n,): where paths begin.
    plan
        How many, how long, how far, and the seed.

    Returns
    -------
    list of list of numpy.ndarray
        For each row its paths, at most `plan.paths`: steps of `Graph.steps`, int64 (hops,). No two of one row share
        `plan.alike` of their edges.
    """
    found: list[list[np.ndarray]] = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        draw = generator(plan.seed, "graph paths", start // _AT_ONCE)
        steps = _drawn(graph, np.repeat(some, plan.paths * _TRIES), plan, draw)
        for drawn in steps.reshape(len(some), plan.paths * _TRIES, plan.longest):
            walks = [walk[walk >= 0] for walk in drawn]
            found.append(_unlike([walk for walk in walks if len(walk) >= plan.shortest], plan))
    return found


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of common edges of two paths: edges of both over edges of either, [0, 1]."""
    first, second = set((one // 2).tolist()), set((other // 2).tolist())
    return len(first & second) / len(first | second)


def _unlike(walks: list[np.ndarray], plan: GraphPlan) -> list[np.ndarray]:
    kept: list[np.ndarray] = []
    for walk in walks:
        if len(kept) == plan.paths:
            break
        if all(similarity(walk, other) < plan.alike for other in kept):
            kept.append(walk)
    return kept


def _drawn(graph: Graph, begin: np.ndarray, plan: GraphPlan, draw: np.random.Generator) -> np.ndarray:
    """Walk from every node of `begin` at once; steps (n, longest), -1 where a walk has ended."""
    goal = draw.integers(plan.shortest, plan.longest + 1, size=len(begin))
    visited = np.full((len(begin), plan.longest + 1), -1, dtype=np.int64)
    visited[:, 0] = begin
    steps = np.full((len(begin), plan.longest), -1, dtype=np.int64)
    walking = np.arange(len(begin))
    street = _street_numbers(graph)
    for hop in range(plan.longest):
        walking = walking[goal[walking] > hop]
        step, owner = graph.steps.take(visited[walking, hop])
        allowed = _allowed(graph, street, visited[walking], graph.step_to[step], owner, plan)
        step, owner = step[allowed], owner[allowed]
        order = np.lexsort((draw.random(len(step)), owner))
        went, first = np.unique(owner[order], return_index=True)
        chosen = step[order][first]
        walking = walking[went]
        steps[walking, hop] = chosen
        visited[walking, hop + 1] = graph.step_to[chosen]
    return steps


def _allowed(
    graph: Graph, street: np.ndarray, visited: np.ndarray, to: np.ndarray, owner: np.ndarray, plan: GraphPlan
) -> np.ndarray:
    """Tell which nodes `to` the walks `owner` may come to, bool."""
    xy = graph.nodes.xy
    near = np.hypot(*(xy[to] - xy[visited[owner, 0]]).T) <= plan.reach_m
    new = ~(visited[owner] == to[:, None]).any(axis=1)
    own = street[to]
    been = np.where(visited[owner] >= 0, street[visited[owner]], -1)
    seldom = (own < 0) | ((been == own[:, None]).sum(axis=1) < _STREET_NAMES)
    return np.asarray(near & new & seldom)


def _street_numbers(graph: Graph) -> np.ndarray:
    """Return a number for the name of every street node, -1 for other nodes and streets without a name."""
    nodes = graph.nodes
    number = np.full(len(nodes), -1, dtype=np.int64)
    named = np.flatnonzero((nodes.kind == kind_code("street")) & (nodes.name != ""))
    number[named] = np.unique(nodes.name[named].astype(str), return_inverse=True)[1].reshape(-1)
    return number
