"""What is wrong with a graph, its sub-graphs and its paths: rules that a built one keeps, looked up one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.graph.tables import KINDS, RELATIONS

if TYPE_CHECKING:
    from urbanbench.graph.around import Around
    from urbanbench.graph.plan import GraphPlan
    from urbanbench.graph.tables import Graph

__all__ = ["graph_faults", "path_faults", "sub_graph_faults"]

JOINS = {
    "near": {("poi", "poi"), ("poi", "image"), ("image", "image"), ("poi", "area"), ("image", "area")},
    "nearest": {("poi", "street"), ("image", "street")},
    "bounds": {("street", "area")},
    "intersects": {("street", "street"), ("crossing", "street")},
    "on_same_street": {("crossing", "crossing")},
}
"""Kinds of the two ends of each relation."""


def graph_faults(graph: Graph) -> list[str]:
    """Return all that is wrong with nodes and edges, one sentence each; [] for a sound graph."""
    nodes, edges = graph.nodes, graph.edges
    faults = []
    if len(set(nodes.ids.tolist())) < len(nodes):
        faults.append("Nodes have an id twice.")
    if not np.isfinite(nodes.xy).all() or not np.isfinite(nodes.lonlat).all():
        faults.append("Nodes have no place.")
    if len(edges) and not (
        min(edges.source.min(), edges.target.min()) >= 0
        and max(edges.source.max(), edges.target.max()) < len(nodes)
    ):
        return [*faults, "Edges end in nodes that are not there."]
    # One number an edge: rows of numbers are compared many times slower.
    ends = (edges.relation.astype(np.int64) * len(nodes) + edges.source) * len(nodes) + edges.target
    if len(np.unique(ends)) < len(edges):
        faults.append("Edges stand twice.")
    if (edges.source == edges.target).any():
        faults.append("Edges join a node with itself.")
    if not (np.isfinite(edges.distance_m).all() and (edges.distance_m >= 0).all()):
        faults.append("Edges have a distance that is no number from 0 m on.")
    known = edges.bearing[~np.isnan(edges.bearing)]
    if ((known < 0) | (known >= 360)).any():
        faults.append("Edges have a bearing outside of [0, 360) degrees.")
    return faults + _kinds_faults(graph)


def sub_graph_faults(graph: Graph, around: Around, plan: GraphPlan) -> list[str]:
    """Return what is wrong with a sub-graph: too large, a node twice, hops that no edge explains."""
    rows, hops = around.rows, around.hops
    word = f"Sub-graph of {graph.nodes.ids[rows[0]]}"
    faults = []
    if len(rows) > plan.most_nodes or hops.max() > plan.hops:
        faults.append(
            f"{word}: {len(rows)} nodes and {hops.max()} hops, more than {plan.most_nodes} and {plan.hops}."
        )
    if len(np.unique(rows)) < len(rows):
        faults.append(f"{word}: a node twice.")
    depth = dict(zip(rows.tolist(), hops.tolist(), strict=True))
    steps, owner = graph.steps.take(rows)
    reached = {rows[0]: 0}
    for to, origin in zip(graph.step_to[steps].tolist(), hops[owner].tolist(), strict=True):
        if to in depth:
            reached[to] = min(reached.get(to, origin + 1), origin + 1)
    if any(reached.get(row) != hop for row, hop in depth.items()):
        faults.append(f"{word}: nodes that lie in another distance than told.")
    return faults


def path_faults(graph: Graph, row: int, walks: Sequence[np.ndarray], plan: GraphPlan) -> list[str]:
    """Return what is wrong with the paths of a node: their lengths, steps that do not follow one another, nodes twice, too far away."""
    faults = []
    for walk in walks:
        word = f"Path of {graph.nodes.ids[row]}"
        begins, to = graph.step_to[walk ^ 1], graph.step_to[walk]
        if not plan.shortest <= len(walk) <= plan.longest:
            faults.append(f"{word}: {len(walk)} hops, not {plan.shortest} to {plan.longest}.")
        if begins[0] != row or (begins[1:] != to[:-1]).any():
            faults.append(f"{word}: steps that do not follow one another.")
        if len(set(to.tolist()) | {row}) < len(to) + 1:
            faults.append(f"{word}: a node twice.")
        if (np.hypot(*(graph.nodes.xy[to] - graph.nodes.xy[row]).T) > plan.reach_m).any():
            faults.append(f"{word}: farther than {plan.reach_m:.0f} m away.")
    return faults


def _kinds_faults(graph: Graph) -> list[str]:
    kind, edges = graph.nodes.kind, graph.edges
    many = len(KINDS)
    code = (edges.relation.astype(np.int64) * many + kind[edges.source]) * many + kind[edges.target]
    joined = [(one // many**2, one // many % many, one % many) for one in np.unique(code).tolist()]
    return [
        f"Edges {RELATIONS[relation]!r} join {KINDS[source]} and {KINDS[target]}."
        for relation, source, target in joined
        if (KINDS[source], KINDS[target]) not in JOINS[RELATIONS[relation]]
    ]
