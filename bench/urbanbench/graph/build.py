"""How a graph is built: nodes, edges, then what each node would give away of its street."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanbench.errors import RunRefused
from urbanbench.graph.bearings import bearing_between, measure_between
from urbanbench.graph.gather import Charted, Gathered, gather_nodes
from urbanbench.graph.join import (
    Pairs,
    bounds,
    intersects,
    near_areas,
    near_points,
    nearest_streets,
    on_same_street,
)
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import Edges, Graph, Nodes, relation_code

__all__ = ["build_graph"]

_AT_ONCE = 50_000
"""Pairs of shapes that are measured at once."""


def build_graph(city: Charted, plan: GraphPlan | None = None) -> Graph:
    """Build the graph of a city folder.

    Parameters
    ----------
    city
        With any of the layers pois, roads, landuse and street_views.
    plan
        Distances and numbers; the usual ones when left out.

    Raises
    ------
    RunRefused
        Nothing can be joined: the city has neither POIs nor roads nor street views.
    """
    plan = plan or GraphPlan()
    if not {"pois", "roads", "street_views"} & set(city.layers):
        msg = f"City {city.name!r} has no layer a graph begins with. Expected one of pois, roads and street_views, found {', '.join(city.layers) or 'none'}. Mend: add one (docs/city_format.md)."
        raise RunRefused(msg)
    gathered = gather_nodes(city, plan)
    nearest = nearest_streets(gathered, plan)
    at_crossing, meeting = intersects(gathered)
    parts = [
        _joined(gathered, "near", near_points(gathered, plan)),
        _joined(gathered, "near", near_areas(gathered, plan)),
        _joined(gathered, "nearest", nearest),
        _joined(gathered, "bounds", bounds(gathered, plan)),
        _touching(gathered, "intersects", meeting),
        _touching(gathered, "intersects", at_crossing),
        _joined(gathered, "on_same_street", on_same_street(gathered)),
    ]
    nodes = _with_streets(gathered, nearest, at_crossing)
    return Graph(city.name, city.crs, nodes, _sorted(parts))


def _joined(gathered: Gathered, relation: str, pairs: Pairs) -> Edges:
    """Measure edges between shapes that may be apart."""
    source, target = pairs
    distance, bearing = np.empty(len(source)), np.empty(len(source))
    xy = gathered.nodes.xy
    for start in range(0, len(source), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        one, other = source[part], target[part]
        distance[part], bearing[part] = measure_between(
            (_shapes(gathered, one), _shapes(gathered, other)), (xy[one], xy[other])
        )
    return Edges(_codes(relation, len(source)), source, target, distance, bearing)


def _touching(gathered: Gathered, relation: str, pairs: Pairs) -> Edges:
    """Give edges between shapes that have a vertex in common: no distance, and the bearing between their places."""
    source, target = pairs
    bearing = bearing_between(gathered.nodes.xy[source], gathered.nodes.xy[target])
    return Edges(_codes(relation, len(source)), source, target, np.zeros(len(source)), bearing)


def _codes(relation: str, n: int) -> np.ndarray:
    return np.full(n, relation_code(relation), dtype=np.int8)


def _shapes(gathered: Gathered, rows: np.ndarray) -> np.ndarray:
    """Return the shapes behind nodes: polygons, lines, or points."""
    import shapely

    nodes = gathered.nodes
    shapes = np.asarray(shapely.points(nodes.xy[rows]), dtype=object)
    for kind, some in (("area", gathered.areas), ("street", gathered.streets.shapes)):
        own = nodes.rows(kind)
        if len(own):
            inside = (rows >= own[0]) & (rows <= own[-1])
            shapes[inside] = some[rows[inside] - own[0]]
    return shapes


def _with_streets(gathered: Gathered, nearest: Pairs, at_crossing: Pairs) -> Nodes:
    """Tell the streets of POIs, images and crossings, and name crossings after them."""
    nodes = gathered.nodes
    street, name = nodes.street.copy(), nodes.name.copy()
    rows = nodes.rows("street")
    street[rows] = nodes.name[rows]
    street[nearest[0]] = nodes.name[nearest[1]]
    met: dict[int, list[str]] = {}
    for crossing, one in zip(*(part.tolist() for part in at_crossing), strict=True):
        if nodes.name[one]:
            met.setdefault(crossing, []).append(nodes.name[one])
    for crossing, names in met.items():
        street[crossing] = " / ".join(sorted(set(names)))
        name[crossing] = street[crossing]
    return replace(nodes, street=street, name=name)


def _sorted(parts: list[Edges]) -> Edges:
    relation, source, target, distance, bearing = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("relation", "source", "target", "distance_m", "bearing")
    )
    order = np.lexsort((target, source, relation))
    return Edges(relation[order], source[order], target[order], distance[order], bearing[order])
