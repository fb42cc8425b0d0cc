"""A spatial graph as tables: nodes, edges, and who is joined with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from urbanbench.items import NODE_KINDS, RELATIONS
from urbanbench.toolkit.ground.neighbours import Groups

__all__ = ["KINDS", "RELATIONS", "Edges", "Graph", "Nodes", "kind_code", "relation_code"]

KINDS = NODE_KINDS
"""Kinds of nodes; `Nodes.kind` holds positions in it.

`Edges.relation` holds positions in `RELATIONS`. near: a POI or image, and a POI, image or area. nearest: a POI or image, and the street
nearest to it. bounds: a street, and an area that it runs along. intersects: two streets that meet, or a crossing and a street that
leads over it. on_same_street: two crossings with no other between them on a street.
"""


def kind_code(kind: str) -> int:
    """Return the number of a kind of nodes."""
    return KINDS.index(kind)


def relation_code(relation: str) -> int:
    """Return the number of a kind of edges."""
    return RELATIONS.index(relation)


@dataclass(frozen=True, eq=False)
class Nodes:
    """n nodes, sorted by kind and then by the id they have in the city.

    Parameters
    ----------
    ids
        object (n,): "poi/ID", "area/ID", "street/ID" (of its first road), "crossing/NUMBER", "image/ID".
    kind
        int8 (n,): positions in `KINDS`.
    xy
        float64 (n, 2): (easting, northing), metres. Of areas a point inside; of streets the vertex nearest to their middle.
    lonlat
        float64 (n, 2): (longitude, latitude), degrees, rounded to 1e-6.
    category
        object (n,): what it is, in words that tell neither who nor where, such as "cafe".
    name, street, district
        object (n,): its name; the names of the street nearest to it, or of the streets that meet in it; the region it lies in. "" where
        there is none.
    pictures
        Paths of the pictures of image nodes, by row.
    heading
        Compass angle of image nodes with a picture in one direction, degrees clockwise from north, by row.
    """

    ids: np.ndarray
    kind: np.ndarray
    xy: np.ndarray
    lonlat: np.ndarray
    category: np.ndarray
    name: np.ndarray
    street: np.ndarray
    district: np.ndarray
    pictures: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    heading: Mapping[int, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, kind: str) -> np.ndarray:
        """Return the rows of a kind of nodes, int64, in order."""
        return np.flatnonzero(self.kind == kind_code(kind))


@dataclass(frozen=True, eq=False)
class Edges:
    """m edges, each once, sorted by relation, source and target.

    Parameters
    ----------
    relation
        int8 (m,): positions in `RELATIONS`.
    source, target
        int64 (m,): rows of nodes, in the order in which `RELATIONS` names them.
    distance_m
        float64 (m,): between the two shapes, metres, rounded to 0.1; 0 where they touch.
    bearing
        float64 (m,): from source to target, degrees clockwise from the grid north of the CRS, [0, 360), rounded to 0.1. Where the shapes are
        apart, along the shortest line between them, else between the nodes' places; NaN where these are one.
    """

    relation: np.ndarray
    source: np.ndarray
    target: np.ndarray
    distance_m: np.ndarray
    bearing: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Graph:
    """A city's graph.

    Parameters
    ----------
    city
        Name of the city.
    crs
        The projected CRS of `Nodes.xy`.
    nodes, edges
        The tables.
    """

    city: str
    crs: str
    nodes: Nodes
    edges: Edges

    @cached_property
    def steps(self) -> Groups:
        """Edges by node: group g holds 2 e for every edge e that begins in node g, and 2 e + 1 for every one that ends there."""
        end = np.column_stack([self.edges.source, self.edges.target]).ravel()
        return Groups.from_pairs(end, np.arange(len(end)), len(self.nodes))

    @cached_property
    def step_to(self) -> np.ndarray:
        """Node that each step of `steps` leads to, int64 (2 m,), by the step's number."""
        return np.column_stack([self.edges.target, self.edges.source]).ravel()
