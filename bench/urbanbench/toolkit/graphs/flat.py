"""Sub-graphs as flat arrays, cut to the nodes that are read, and batches of any of them without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from urbanbench.items import LocalGraph

__all__ = ["Batch", "GraphTable", "graph_table", "with_read_edges"]


@dataclass(frozen=True, eq=False)
class Batch:
    """g graphs behind one another: n nodes and m directed edges, sorted by the node they lead to.

    Parameters
    ----------
    text
        int64 (n,): rows of the distinct texts.
    offset_m
        float32 (n, 2): (east, north) of a graph's first node, metres.
    first
        int64 (g,): rows of the first nodes.
    graph_of
        int64 (n,): which graph a node belongs to.
    source, target
        int64 (m,): rows of nodes; targets rise.
    distance_m, bearing
        float32 (m,): metres, and degrees from source to target, NaN where both are one place.
    """

    text: np.ndarray
    offset_m: np.ndarray
    first: np.ndarray
    graph_of: np.ndarray
    source: np.ndarray
    target: np.ndarray
    distance_m: np.ndarray
    bearing: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, eq=False)
class GraphTable:
    """All graphs of a view, node by node and edge by edge; every edge stands once in each direction.

    Parameters
    ----------
    nodes, edges
        int64 (g + 1,): where each graph's nodes and edges begin.
    text, offset_m, source, target, distance_m, bearing
        As of `Batch`, ends counted from the graph's first node.
    """

    nodes: np.ndarray
    edges: np.ndarray
    text: np.ndarray
    offset_m: np.ndarray
    source: np.ndarray
    target: np.ndarray
    distance_m: np.ndarray
    bearing: np.ndarray

    def __len__(self) -> int:
        return len(self.nodes) - 1

    def batch(self, rows: np.ndarray) -> Batch:
        """Put graphs behind one another, int64 (g,); a graph that is named twice is there twice."""
        node, graph_of = _runs(self.nodes, rows)
        edge, owner = _runs(self.edges, rows)
        first = np.cumsum(np.diff(self.nodes)[rows]) - np.diff(self.nodes)[rows]
        return Batch(
            self.text[node],
            self.offset_m[node],
            first,
            graph_of,
            self.source[edge] + first[owner],
            self.target[edge] + first[owner],
            self.distance_m[edge],
            self.bearing[edge],
        )


def graph_table(
    graphs: Sequence[LocalGraph], text_row: Sequence[np.ndarray], most_nodes: int, joined: int | None = None
) -> GraphTable:
    """Lay graphs flat.

    Parameters
    ----------
    graphs
        g graphs.
    text_row
        For each its nodes' rows of the distinct texts.
    most_nodes
        Nodes that are read of a graph.
    joined
        The first so many of them, of the fewest hops, then the nearest, are read with the edges among them; the rest are the nearest of all
        others. None for all.
    """
    joined = most_nodes if joined is None else joined
    cut = [_cut(graph, most_nodes, joined) for graph in graphs]
    ends = [_both_ways(graph, rows[:joined]) for graph, rows in zip(graphs, cut, strict=True)]
    columns = [_joined([end[k] for end in ends]) for k in range(4)]
    return GraphTable(
        _starts([len(rows) for rows in cut]),
        _starts([len(end[0]) for end in ends]),
        _joined([text[rows] for text, rows in zip(text_row, cut, strict=True)]).astype(np.int64),
        _joined([graph.offset_m[rows] for graph, rows in zip(graphs, cut, strict=True)])
        .reshape(-1, 2)
        .astype(np.float32),
        columns[0].astype(np.int64),
        columns[1].astype(np.int64),
        columns[2].astype(np.float32),
        columns[3].astype(np.float32),
    )


def with_read_edges(graph: LocalGraph, most_nodes: int, joined: int | None = None) -> LocalGraph:
    """Return a graph without the edges that `graph_table` leaves out; most of a dense graph's memory is in them."""
    read = np.zeros(len(graph), dtype=bool)
    joined = most_nodes if joined is None else joined
    read[_cut(graph, most_nodes, joined)[:joined]] = True
    kept = read[graph.source] & read[graph.target]
    edges = ("source", "target", "relation", "distance_m", "bearing")
    return replace(graph, **{name: getattr(graph, name)[kept] for name in edges})


def _cut(graph: LocalGraph, most: int, joined: int) -> np.ndarray:
    """Return the rows of the nodes that are read, the first of all first."""
    away, rows = np.hypot(*graph.offset_m.T), np.arange(len(graph))
    first = np.lexsort((rows, away, graph.hops, rows > 0))[: min(joined, most)]
    others = np.setdiff1d(rows, first)
    rest = others[np.lexsort((others, away[others]))]
    return np.concatenate([first, rest])[:most]


def _both_ways(graph: LocalGraph, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return source, target, distance and bearing of the edges among some nodes, each in both directions, by target and source."""
    place = np.full(len(graph), -1)
    place[rows] = np.arange(len(rows))
    source, target = place[graph.source], place[graph.target]
    kept = (source >= 0) & (target >= 0)
    source, target = source[kept], target[kept]
    there, back = np.concatenate([source, target]), np.concatenate([target, source])
    distance = np.tile(graph.distance_m[kept], 2)
    bearing = np.concatenate([graph.bearing[kept], (graph.bearing[kept] + 180.0) % 360.0])
    order = np.lexsort((bearing, distance, there, back))
    return there[order], back[order], distance[order], bearing[order]


def _starts(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)


def _runs(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the members of some runs, and which of the runs each is of."""
    sizes = np.diff(starts)[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    inside = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return starts[rows][owner] + inside, owner
