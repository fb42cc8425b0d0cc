"""Streets out of roads: rows of one name that hang together, the pieces between their crossings, and the crossings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.toolkit.ground.roads import FOOT_ROADS, without_classes

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["Streets", "gather_streets"]

_GRID_M = 0.01
"""Vertices of two roads within the same square of a centimetre are one."""


@dataclass(frozen=True, eq=False)
class Streets:
    """s streets, cut into p pieces at c crossings.

    A street is roads of one name that hang together; roads without a name hang together where one ends and another of the same class
    begins and nothing else meets. A crossing is a vertex where three arms meet, or two streets. Roads that cross in the drawing without
    a common vertex, as on a bridge, do not meet.

    Parameters
    ----------
    ids
        object (s,): the first road_id of each street, in order.
    name, highway
        object (s,): its name, "" for none, and the value of `highway` of its first road.
    shapes
        Shapely LineStrings or MultiLineStrings (s,).
    pieces
        Shapely LineStrings (p,), each between two vertices where roads end or meet.
    piece_street
        int64 (p,): the street of each piece.
    crossing_xy
        float64 (c, 2): metres, sorted by easting and northing.
    arms
        int64 (c,): how many arms meet.
    meeting
        int64 (k, 2): (crossing, street), each pair once, sorted.
    neighbours
        int64 (q, 2): pairs of crossings on one street with no other between them, the smaller first, each once, sorted.
    """

    ids: np.ndarray
    name: np.ndarray
    highway: np.ndarray
    shapes: np.ndarray
    pieces: np.ndarray
    piece_street: np.ndarray
    crossing_xy: np.ndarray
    arms: np.ndarray
    meeting: np.ndarray
    neighbours: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class _Vertices:
    """Every vertex of every road: its road, its place among all distinct places, whether the road begins or ends there; places, their arms."""

    road: np.ndarray
    place: np.ndarray
    is_end: np.ndarray
    xy: np.ndarray
    arms: np.ndarray


def gather_streets(roads: gpd.GeoDataFrame, *, foot_ways: bool) -> Streets:
    """Make streets, pieces and crossings of a city's roads.

    Parameters
    ----------
    roads
        As `City.roads`: index road_id; geometry (LineStrings), tags.
    foot_ways
        Whether cycleways, footways and steps count.
    """
    kept = _with_extent(roads if foot_ways else roads[without_classes(roads, FOOT_ROADS)])
    name, highway = _tag(kept, "name"), _tag(kept, "highway")
    vertices = _vertices(np.asarray(kept.geometry, dtype=object))
    street = _joined(vertices, name, highway)
    first = np.unique(street, return_index=True)[1]
    ids = np.asarray(kept.index, dtype=object)[first]
    is_crossing = _are_crossings(vertices, street)
    pieces, piece_road, piece_ends = _pieces(vertices)
    number = np.cumsum(is_crossing) - 1
    met = is_crossing[vertices.place]
    meeting = np.unique(
        np.column_stack([number[vertices.place[met]], street[vertices.road[met]]]), axis=0
    ).reshape(-1, 2)
    return Streets(
        ids=ids,
        name=name[first],
        highway=highway[first],
        shapes=_gathered(pieces, street[piece_road], len(ids)),
        pieces=pieces,
        piece_street=street[piece_road],
        crossing_xy=vertices.xy[is_crossing],
        arms=vertices.arms[is_crossing],
        meeting=meeting,
        neighbours=_neighbours(piece_ends, is_crossing, number),
    )


def _with_extent(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out lines of hardly any length: they lead nowhere."""
    west, south, east, north = roads.geometry.bounds.to_numpy(dtype=np.float64).T
    return roads[np.maximum(east - west, north - south) > 2 * _GRID_M]


def _tag(roads: gpd.GeoDataFrame, key: str) -> np.ndarray:
    found = np.full(len(roads), "", dtype=object)
    tags = tag_table(roads["tags"]).with_key(key)
    found[tags.rows] = tags.value
    return found


def _vertices(lines: np.ndarray) -> _Vertices:
    import shapely

    xy, road = shapely.get_coordinates(lines, return_index=True)
    snapped = np.rint(xy / _GRID_M).astype(np.int64)
    repeated = np.zeros(len(xy), dtype=bool)
    repeated[1:] = (road[1:] == road[:-1]) & (snapped[1:] == snapped[:-1]).all(axis=1)
    xy, road, snapped = xy[~repeated], road[~repeated], snapped[~repeated]
    _, first, place = np.unique(snapped, axis=0, return_index=True, return_inverse=True)
    is_end = np.ones(len(road), dtype=bool)
    is_end[1:-1] = (road[1:-1] != road[:-2]) | (road[1:-1] != road[2:])
    place = place.reshape(-1)
    arms = np.bincount(place, weights=np.where(is_end, 1, 2), minlength=len(first)).astype(np.int64)
    return _Vertices(road.astype(np.int64), place, is_end, xy[first], arms)


def _joined(vertices: _Vertices, name: np.ndarray, highway: np.ndarray) -> np.ndarray:
    """Return the street of every road, int64, numbered in the order of their first roads."""
    from scipy import sparse

    n = len(name)
    named = name != ""
    words, code = np.unique(
        np.where(named, "name " + name.astype(str), "class " + highway.astype(str)), return_inverse=True
    )
    joins = (vertices.arms[vertices.place] > 1) & (
        named[vertices.road] | (vertices.is_end & (vertices.arms[vertices.place] == 2))
    )
    key = vertices.place[joins] * len(words) + code.reshape(-1)[vertices.road[joins]]
    _, knot = np.unique(key, return_inverse=True)
    size = n + (int(knot.max()) + 1 if len(knot) else 0)
    links = sparse.coo_array(
        (np.ones(len(knot), dtype=np.int8), (vertices.road[joins], n + knot.reshape(-1))), shape=(size, size)
    )
    return _in_order(sparse.csgraph.connected_components(links, directed=False)[1][:n])


def _in_order(label: np.ndarray) -> np.ndarray:
    """Return numbers of groups, in the order in which they first come."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return place[inverse.reshape(-1)] if len(label) else np.empty(0, dtype=np.int64)


def _are_crossings(vertices: _Vertices, street: np.ndarray) -> np.ndarray:
    """Tell which places are crossings, bool."""
    own = street[vertices.road]
    low = np.full(len(vertices.xy), np.iinfo(np.int64).max)
    high = np.full(len(vertices.xy), -1)
    np.minimum.at(low, vertices.place, own)
    np.maximum.at(high, vertices.place, own)
    return np.asarray((vertices.arms >= 3) | (low < high))


def _pieces(vertices: _Vertices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut every road where roads end or meet: lines (p,), their roads, and the places of their two ends (p, 2)."""
    import shapely

    stop = vertices.is_end | (vertices.arms[vertices.place] >= 3)
    at = np.flatnonzero(stop)
    inside = vertices.road[at[:-1]] == vertices.road[at[1:]] if len(at) else np.empty(0, dtype=bool)
    start, end = at[:-1][inside], at[1:][inside]
    sizes = end - start + 1
    owner = np.repeat(np.arange(len(start)), sizes)
    member = start[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = vertices.place
    lines = (
        shapely.linestrings(vertices.xy[place[member]], indices=owner)
        if len(owner)
        else np.empty(0, dtype=object)
    )
    return np.asarray(lines, dtype=object), vertices.road[start], np.column_stack([place[start], place[end]])


def _gathered(pieces: np.ndarray, street: np.ndarray, n: int) -> np.ndarray:
    """Put the pieces of every street together: one LineString stays, several become a MultiLineString."""
    import shapely

    order = np.argsort(street, kind="stable")
    shapes = shapely.multilinestrings(pieces[order], indices=street[order], out=np.empty(n, dtype=object))
    single = np.bincount(street, minlength=n) == 1
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return np.asarray(shapes)


def _neighbours(ends: np.ndarray, is_crossing: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return pairs of crossings that a piece joins, or several pieces one after the other, without a crossing between."""
    from scipy import sparse

    p = len(ends)
    inner = ~is_crossing[ends]
    piece = np.repeat(np.arange(p), 2)[inner.ravel()]
    _, knot = np.unique(ends.ravel()[inner.ravel()], return_inverse=True)
    size = p + (int(knot.max()) + 1 if len(knot) else 0)
    links = sparse.coo_array(
        (np.ones(len(knot), dtype=np.int8), (piece, p + knot.reshape(-1))), shape=(size, size)
    )
    chain = sparse.csgraph.connected_components(links, directed=False)[1][:p]
    outer = np.repeat(chain, 2)[~inner.ravel()]
    crossing = number[ends.ravel()[~inner.ravel()]]
    order = np.lexsort((crossing, outer))
    outer, crossing = outer[order], crossing[order]
    # A chain has at most two ends; those with two stand beside one another now.
    both = np.flatnonzero(outer[1:] == outer[:-1]) if len(outer) else np.empty(0, dtype=np.int64)
    pairs = np.column_stack([crossing[both], crossing[both + 1]])
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).reshape(-1, 2)
