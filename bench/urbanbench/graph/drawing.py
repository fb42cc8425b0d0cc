"""One sub-graph as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.drawing.canvas import credit, empty_map
from urbanbench.figures.files import save_figure
from urbanbench.graph.around import edges_within
from urbanbench.graph.tables import KINDS, RELATIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from urbanbench.graph.around import Around
    from urbanbench.graph.tables import Graph

__all__ = ["draw_sub_graph"]

_COLOURS = dict(zip(KINDS, ("#d1495b", "#66a182", "#2e4057", "#8d96a3", "#edae49"), strict=True))
_LINES = dict(zip(RELATIONS, ("#c9b3b6", "#2f7fb5", "#66a182", "#8d96a3", "#2e4057"), strict=True))
_MARKS = dict(zip(KINDS, ("o", "s", "D", "x", "*"), strict=True))
_MOST_NAMES = 14


def draw_sub_graph(graph: Graph, around: Around, path: Path, whose: list[str]) -> None:
    """Draw a sub-graph where its nodes lie: nodes by kind, edges by relation, the names of what is nearest.

    Parameters
    ----------
    graph, around
        The graph, and the nodes that are drawn.
    path
        A .png, .svg or .pdf file; the same sub-graph gives the same bytes.
    whose
        Whose data it is.
    """
    import geopandas as gpd
    import shapely

    nodes, rows = graph.nodes, around.rows
    middle = str(nodes.name[rows[0]]) or f"an unnamed {KINDS[nodes.kind[rows[0]]]}"
    extent = gpd.GeoSeries(shapely.points(nodes.xy[rows])).buffer(20.0)
    figure, axes = empty_map(extent, f"{graph.city}: {len(rows)} nodes around {middle}")
    _draw_edges(axes, graph, rows)
    for kind in KINDS:
        own = rows[nodes.kind[rows] == KINDS.index(kind)]
        own = own[own != rows[0]]
        if len(own):
            label = f"{kind} ({len(own)})"
            _mark(axes, nodes.xy[own], kind, _COLOURS[kind], size=22, zorder=5, label=label)
    first = KINDS[nodes.kind[rows[0]]]
    for colour, size in (("black", 260), (_COLOURS[first], 120)):
        _mark(axes, nodes.xy[rows[:1]], first, colour, size=size, zorder=8, label="_middle")
    _write_names(axes, graph, rows)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    credit(axes, whose)
    save_figure(figure, path)


def _mark(
    axes: Axes, xy: np.ndarray, kind: str, colour: str, *, size: float, zorder: int, label: str
) -> None:
    """Draw nodes of a kind as marks."""
    axes.scatter(
        xy[:, 0], xy[:, 1], s=size, c=colour, marker=_MARKS[kind], linewidths=0.8, zorder=zorder, label=label
    )  # fmt: skip


def _draw_edges(axes: Axes, graph: Graph, rows: np.ndarray) -> None:
    from matplotlib.collections import LineCollection

    edges = edges_within(graph, rows)
    for code, relation in enumerate(RELATIONS):
        own = edges[graph.edges.relation[edges] == code]
        if len(own):
            ends = np.stack(
                [graph.nodes.xy[graph.edges.source[own]], graph.nodes.xy[graph.edges.target[own]]], axis=1
            )
            axes.add_collection(
                LineCollection(
                    list(ends), colors=_LINES[relation], linewidths=0.7, alpha=0.8, zorder=3,
                    label=f"{relation} ({len(own)})",
                )
            )  # fmt: skip


def _write_names(axes: Axes, graph: Graph, rows: np.ndarray) -> None:
    """Write the names of the nodes nearest to the middle, each name once, and none over another."""
    nodes = graph.nodes
    named = rows[1:][(nodes.name[rows[1:]] != "") & (nodes.kind[rows[1:]] != KINDS.index("crossing"))]
    away = np.hypot(*(nodes.xy[named] - nodes.xy[rows[0]]).T)
    room = np.array([0.16, 0.022]) * float(np.ptp(axes.get_xlim()))
    seen: set[str] = set()
    taken: list[np.ndarray] = []
    for row in named[np.argsort(away, kind="stable")].tolist():
        name, place = str(nodes.name[row]), nodes.xy[row]
        free = all((np.abs(place - other) > room).any() for other in taken)
        if free and name not in seen and len(seen) < _MOST_NAMES:
            seen.add(name)
            taken.append(place)
            axes.annotate(
                name, (place[0], place[1]), xytext=(4, 3), textcoords="offset points", fontsize=7, zorder=9,
                color=_COLOURS[KINDS[nodes.kind[row]]],
            )  # fmt: skip
