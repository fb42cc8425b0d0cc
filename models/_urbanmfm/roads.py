"""How roads are spread over regions: their length and their intersections per km² (Eq. 20)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import shapely

from urbanbench.models._urbanmfm.clusters import numbered_rows
from urbanbench.toolkit.ground.roads import FOOT_ROADS, without_classes

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View

UNDRIVABLE = FOOT_ROADS | {
    "bridleway",
    "construction",
    "corridor",
    "elevator",
    "path",
    "pedestrian",
    "proposed",
}
"""Values of `highway` that carry no cars (yet): their density tells more of how eagerly an area is mapped than of its plan."""

SNAP_M = 0.1
"""Vertices in the same cell of this side are one node; a city's coordinates are rounded to about as much."""


def road_distribution(roads: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> np.ndarray:
    """Return F_r: per region, road km per km² and intersections per km²; float64 (n_regions, 2).

    A road counts with the part of it inside the region, its edge included. So a road on the edge of two regions is a road of
    both, as the node on the edge is a node of both.

    Parameters
    ----------
    roads
        Lines with `tags`, in a CRS in metres; those in `UNDRIVABLE` are left out.
    regions
        Polygons in the same CRS, with `area_km2`.
    """
    ways, shapes = drivable(roads), np.asarray(regions.geometry)
    area_km2 = np.maximum(np.asarray(regions["area_km2"], dtype=np.float64), 1e-6)
    counts = _count_inside(intersections(ways), shapes)
    return np.column_stack([lengths_inside_m(ways, shapes) / 1000.0, counts]) / area_km2[:, None]


def has_drivable(view: View) -> bool:
    """Tell whether a view shows a road that may carry cars.

    Roads are read, and count as touched, when a view is asked for the first time; the answer is kept as long as the view.
    """
    if not view.has("road"):
        return False
    if view not in _HAS_DRIVABLE:
        _HAS_DRIVABLE[view] = bool(without_classes(view.roads, UNDRIVABLE).any())
    return _HAS_DRIVABLE[view]


_HAS_DRIVABLE: WeakKeyDictionary[View, bool] = WeakKeyDictionary()


def drivable(roads: gpd.GeoDataFrame) -> np.ndarray:
    """Return the geometries of the roads that may carry cars, (g,)."""
    return np.asarray(np.asarray(roads.geometry)[without_classes(roads, UNDRIVABLE)])


def lengths_inside_m(ways: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the length of the ways inside each polygon in metres, float64 (n,).

    Only ways that cross an edge are cut; most lie inside of one polygon.
    """
    tree = shapely.STRtree(ways)
    met, inside = tree.query(shapes, predicate="intersects"), tree.query(shapes, predicate="covers")
    whole = np.isin(_pair_codes(met, len(ways)), _pair_codes(inside, len(ways)))
    shape, way = met[0], met[1]
    length = shapely.length(ways)[way]
    cut = np.flatnonzero(~whole)
    length[cut] = shapely.length(shapely.intersection(ways[way[cut]], shapes[shape[cut]]))
    return np.bincount(shape, weights=length, minlength=len(shapes))


def intersections(ways: np.ndarray) -> np.ndarray:
    """Return the nodes where three or more pieces of way meet, float64 (m, 2).

    Ways meet where they share a vertex, an end or an inner one, as OpenStreetMap joins them. Ways that cross without a shared
    vertex do not meet: one of them is a bridge or a tunnel. A piece drawn twice counts once.
    """
    xy, line = shapely.get_coordinates(ways, return_index=True)
    cells = np.round(xy / SNAP_M).astype(np.int64)
    order, first, node = numbered_rows(cells)
    joined = line[1:] == line[:-1]
    ends = np.sort(np.column_stack([node[:-1][joined], node[1:][joined]]), axis=1)
    ends = ends[ends[:, 0] < ends[:, 1]]
    pieces = np.unique(ends[:, 0] * len(first) + ends[:, 1])
    degree = np.bincount(np.concatenate(np.divmod(pieces, max(len(first), 1))), minlength=len(first))
    return np.asarray(xy[order[first]][degree >= 3])


def _count_inside(xy: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    shape, _ = shapely.STRtree(shapely.points(xy)).query(shapes, predicate="intersects")
    return np.bincount(shape, minlength=len(shapes))


def _pair_codes(pairs: np.ndarray, n: int) -> np.ndarray:
    return np.asarray(pairs[0] * n + pairs[1])
