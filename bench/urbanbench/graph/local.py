"""What a model may see of a sub-graph: kinds, categories, offsets and edges, and neither names nor places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.graph.around import edges_within
from urbanbench.items import LocalGraph

if TYPE_CHECKING:
    from urbanbench.graph.around import Around
    from urbanbench.graph.tables import Graph

__all__ = ["local_graph"]


def local_graph(graph: Graph, around: Around, words: Mapping[int, str]) -> LocalGraph:
    """Return the nodes around one, and the edges among them.

    Parameters
    ----------
    graph, around
        The whole graph, and the nodes.
    words
        What nodes are, by row of the graph.
    """
    nodes, edges = graph.nodes, graph.edges
    within = edges_within(graph, around.rows)
    place = {row: at for at, row in enumerate(around.rows.tolist())}
    ends = ([place[row] for row in side[within].tolist()] for side in (edges.source, edges.target))
    source, target = (np.array(side, dtype=np.int64) for side in ends)
    return LocalGraph(
        kind=nodes.kind[around.rows],
        text=tuple(words[row] for row in around.rows.tolist()),
        offset_m=np.round(nodes.xy[around.rows] - nodes.xy[around.rows[0]], 1),
        hops=around.hops,
        source=source,
        target=target,
        relation=edges.relation[within],
        distance_m=edges.distance_m[within],
        bearing=edges.bearing[within],
    )
