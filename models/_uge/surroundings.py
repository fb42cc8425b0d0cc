"""Our extension: regions as the mean of their street views, each with what lies around it; towers learn from captions and ways alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.asking.lessons import PATHS, WANTED
from urbanbench.city.item_view import ItemView
from urbanbench.errors import LayerMissing
from urbanbench.graph.around import sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.captions import context_captions
from urbanbench.graph.local import local_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import told_steps, what
from urbanbench.items import Exam, Item, Lesson, LocalGraph
from urbanbench.need import refuse_beyond_memory
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.graphs.flat import with_read_edges
from urbanbench.units import Units

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View
    from urbanbench.graph.tables import Graph

__all__ = ["items_of", "mean_of_views"]

_LOOKED_AT = 64
"""Graphs whose size tells that of all."""

_LAYERS = {"poi": "pois", "road": "roads", "street_view": "street_views"}


class _Seen:
    """What of a city a view shows to make a graph of; areas are its regions, for land use is no input."""

    def __init__(self, view: View) -> None:
        self._view, self.name, self.crs = view, view.city_name, view.crs
        self.layers = tuple(layer for name, layer in _LAYERS.items() if view.has(name))

    @property
    def regions(self) -> gpd.GeoDataFrame:
        return self._view.regions

    @property
    def pois(self) -> gpd.GeoDataFrame:
        return self._view.pois

    @property
    def roads(self) -> gpd.GeoDataFrame:
        return self._view.roads

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        return self._view.street_views

    @property
    def landuse(self) -> gpd.GeoDataFrame:
        raise LayerMissing(self.name, "landuse", self.layers)


def items_of(view: View, nodes: int = GraphPlan.most_nodes, joined: int | None = None) -> ItemView:
    """Return a view's own items, or where it shows a city its street views with their graphs, and what lies around them to learn from.

    Parameters
    ----------
    view
        Of items or of a city.
    nodes, joined
        What is read of a city's sub-graphs, as `graph_table` is told; edges that are not are not kept.

    Raises
    ------
    RunRefused
        The graphs of all street views are more than memory holds.
    """
    if isinstance(view, ItemView):
        return view
    plan, seen = GraphPlan(), _Seen(view)
    graph = build_graph(seen, plan)
    rows = graph.nodes.rows("image")
    names = [str(one).partition("/")[2] for one in graph.nodes.ids[rows]]
    around = {name: sub_graph(graph, int(row), plan) for name, row in zip(names, rows, strict=True)}
    there = np.unique(np.concatenate([one.rows for one in around.values()])).tolist()
    _tell_used(view, graph, there)
    words = {row: what(graph, row) for row in there}
    graphs: dict[str, LocalGraph] = {}
    for name in names:
        graphs[name] = with_read_edges(local_graph(graph, around.pop(name), words), nodes, joined)
        if len(graphs) == _LOOKED_AT:
            _check_room(graphs, len(names))
    items = {name: Item(image=name, graph=name) for name in sorted(names)}
    lessons = tuple(_lessons(graph, rows, names, plan))
    return ItemView.within(view, Exam(items, dict.fromkeys(items, "candidate"), graphs, lessons))


def _check_room(graphs: Mapping[str, LocalGraph], count: int) -> None:
    """Refuse graphs that memory cannot hold after the first of them: they are much alike."""
    each = sum(_bytes_of(graph) for graph in graphs.values()) / len(graphs)
    what = f"What lies around {count:,} street views, {each / 1000:,.0f} kB each,"
    refuse_beyond_memory(
        what, count * each, mend="--set joined=24, a smaller city, or a machine with more memory"
    )


def _bytes_of(graph: LocalGraph) -> int:
    parts = (getattr(graph, part.name) for part in fields(graph))
    return sum(one.nbytes if isinstance(one, np.ndarray) else sys.getsizeof(one) for one in parts)


def mean_of_views(view: View, space: EmbeddingSpace, units: Units) -> EmbeddingSpace:
    """Return regions (n, dim) as the mean of the vectors of the street views inside; one without any is not covered."""
    region = view.street_views["region_id"].reindex(space.ids)
    row = {name: at for at, name in enumerate(units.ids)}
    at = np.array([row.get(one, -1) for one in region], dtype=np.int64)
    kept = (at >= 0) & space.mask
    count = np.bincount(at[kept], minlength=len(units.ids))
    total = np.zeros((len(units.ids), space.dim), dtype=np.float64)
    np.add.at(total, at[kept], space.vectors[kept])
    mean = (total / np.maximum(count, 1)[:, None]).astype(np.float32)
    return EmbeddingSpace(units.level, np.array(units.ids), mean, count > 0)


def _tell_used(view: View, graph: Graph, there: list[int]) -> None:
    """Say which POIs lie in the graph of a street view."""
    if "poi" not in view.inputs:
        return
    kept = np.intersect1d(graph.nodes.rows("poi"), there)
    used = {str(one).partition("/")[2] for one in graph.nodes.ids[kept]}
    saw("poi", np.asarray(view.pois.index.astype(str).isin(list(used))))


def _lessons(graph: Graph, rows: np.ndarray, names: list[str], plan: GraphPlan) -> Iterator[Lesson]:
    """Pair every picture with its caption and with ways that end there."""
    told = zip(
        names,
        context_captions(graph, rows, plan),
        walk_from(graph, rows, replace(plan, paths=PATHS)),
        strict=True,
    )
    for name, caption, ways in told:
        texts = [("caption", str(caption["text"]))]
        texts += [("path", str(told_steps(graph, way[::-1] ^ 1)["text"])) for way in ways]
        for kind, text in texts:
            if text:
                yield Lesson(kind, Item(image=name, graph=name, instruction=WANTED[kind]), Item(text=text))
