"""Sub-graphs: what lies a few edges around an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.graph.plan import GraphPlan
    from urbanbench.graph.tables import Graph

__all__ = ["Around", "anchors", "edges_within", "sub_graph"]


@dataclass(frozen=True, eq=False)
class Around:
    """The nodes around one, the nearest first.

    Parameters
    ----------
    rows
        int64 (n,): rows of nodes; the first is the one they lie around.
    hops
        int64 (n,): edges from it, rising from 0.
    """

    rows: np.ndarray
    hops: np.ndarray


def sub_graph(graph: Graph, row: int, plan: GraphPlan) -> Around:
    """Collect the nodes within `plan.hops` edges of one, at most `plan.most_nodes`.

    From the second hop on a node lies within `plan.context_m` of the first, or a river would lead to the other end of the city. Of a hop
    that does not fit whole, those nearest in metres are taken, then those of the smallest row.
    """
    rows, hops = [np.array([row])], [np.zeros(1, dtype=np.int64)]
    known, left = {row}, plan.most_nodes - 1
    for hop in range(1, plan.hops + 1):
        steps, _ = graph.steps.take(rows[-1])
        reached = [one for one in np.unique(graph.step_to[steps]).tolist() if one not in known]
        fresh = np.array(reached, dtype=np.int64)
        away = np.hypot(*(graph.nodes.xy[fresh] - graph.nodes.xy[row]).T)
        order = np.lexsort((fresh, away))
        fresh = fresh[order[away[order] <= plan.context_m] if hop > 1 else order][:left]
        if not len(fresh):
            break
        rows.append(fresh)
        hops.append(np.full(len(fresh), hop))
        known.update(fresh.tolist())
        left -= len(fresh)
    return Around(np.concatenate(rows), np.concatenate(hops))


def edges_within(graph: Graph, rows: np.ndarray) -> np.ndarray:
    """Return the edges of a graph both of whose ends are among some nodes, int64, sorted."""
    steps, _ = graph.steps.take(rows)
    # Of the two steps along an edge the even one begins at its source: it stands once.
    forward = steps[steps % 2 == 0]
    return np.sort(forward[np.isin(graph.step_to[forward], rows)] // 2)


def anchors(graph: Graph, plan: GraphPlan) -> np.ndarray:
    """Return the rows of the images that have a sub-graph, paths and a caption: the first few of every square cell, int64, in order."""
    rows = graph.nodes.rows("image")
    if not len(rows):
        return rows
    cell = np.floor(graph.nodes.xy[rows] / plan.cell_m).astype(np.int64)
    _, cell_of = np.unique(cell, axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    order = np.lexsort((rows, cell_of))
    first = np.searchsorted(cell_of[order], cell_of[order])
    kept = np.arange(len(rows)) - first < plan.most_in_cell
    return np.sort(rows[order[kept]])
