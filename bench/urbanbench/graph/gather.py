"""The nodes of a city's graph: its POIs, areas, streets, crossings and street views."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.city.folder.tags import tag_table
from urbanbench.graph.streets import Streets, gather_streets
from urbanbench.graph.tables import KINDS, Nodes
from urbanbench.toolkit.ground.neighbours import containing_polygon
from urbanbench.toolkit.texts.place_texts import CLASS_KEYS, PRIMARY_KEYS

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.graph.plan import GraphPlan

__all__ = ["Charted", "Gathered", "gather_nodes"]

_AREA_KEYS = ("landuse", "leisure", "natural", "amenity", "tourism")
_CLEAN = str.maketrans({"_": " ", ";": ","})
_COMPASS = dict(zip(("north", "east", "south", "west"), (0.0, 90.0, 180.0, 270.0), strict=True))


class Charted(Protocol):
    """What a graph is made of: a city, or what of one may be seen. A layer is read only where `layers` names it."""

    @property
    def name(self) -> str:
        """One word."""

    @property
    def crs(self) -> str:
        """The projected CRS of all geometry."""

    @property
    def layers(self) -> Collection[str]:
        """Names of the layers that are there."""

    @property
    def regions(self) -> gpd.GeoDataFrame:
        """Index region_id."""

    @property
    def pois(self) -> gpd.GeoDataFrame:
        """Index poi_id."""

    @property
    def roads(self) -> gpd.GeoDataFrame:
        """Index road_id."""

    @property
    def landuse(self) -> gpd.GeoDataFrame:
        """Index landuse_id."""

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        """Index view_id."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """Nodes, whose streets are not told yet, and the shapes behind them.

    Parameters
    ----------
    nodes
        POIs, areas, streets, crossings and images, in the order of `KINDS`.
    areas
        Shapely polygons of the area nodes, in their order.
    streets
        Streets, pieces and crossings; the rows of their nodes follow one another as they do.
    """

    nodes: Nodes
    areas: np.ndarray
    streets: Streets


def gather_nodes(city: Charted, plan: GraphPlan) -> Gathered:
    """Make the nodes of a city; layers that it lacks give none.

    Areas are the land-use polygons; where a city has none, its regions.
    """
    streets = _streets(city, plan)
    area, shapes = _areas(city)
    parts = [_pois(city), area, _of_streets(streets), _of_crossings(streets), _images(city)]
    xy = np.concatenate([part.xy for part in parts])
    ids = [f"{kind}/{one}" for kind, part in zip(KINDS, parts, strict=True) for one in part.ids]
    starts = np.cumsum([0, *(len(part.ids) for part in parts)])
    pictures, heading = _pictures(city, int(starts[4]))
    nodes = Nodes(
        ids=np.array(ids, dtype=object),
        kind=np.repeat(np.arange(len(KINDS), dtype=np.int8), np.diff(starts)),
        xy=xy,
        lonlat=_lonlat(xy, city.crs),
        category=np.concatenate([part.category for part in parts]),
        name=np.concatenate([part.name for part in parts]),
        street=np.full(len(ids), "", dtype=object),
        district=_districts(city, xy),
        pictures=pictures,
        heading=heading,
    )
    return Gathered(nodes, shapes, streets)


@dataclass(frozen=True, eq=False)
class _Part:
    """Nodes of one kind."""

    ids: Sequence[str]
    xy: np.ndarray
    category: np.ndarray
    name: np.ndarray


def _pois(city: Charted) -> _Part:
    if "pois" not in city.layers:
        return _nothing()
    pois = city.pois
    category = _first_value(pois, (*CLASS_KEYS, *PRIMARY_KEYS, "building"), "place")
    return _Part(list(pois.index), _points(pois.geometry), category, _first_value(pois, ("name",), ""))


def _areas(city: Charted) -> tuple[_Part, np.ndarray]:
    import shapely

    if "landuse" in city.layers:
        frame = city.landuse
        category, name = _first_value(frame, _AREA_KEYS, "area"), _first_value(frame, ("name",), "")
    else:
        frame = city.regions
        category = np.full(len(frame), "district", dtype=object)
        name = _region_names(frame)
    shapes = np.asarray(frame.geometry, dtype=object)
    return _Part(list(frame.index), _points(shapely.point_on_surface(shapes)), category, name), shapes


def _streets(city: Charted, plan: GraphPlan) -> Streets:
    if "roads" in city.layers:
        return gather_streets(city.roads, foot_ways=plan.foot_ways)
    none, pairs = np.empty(0, dtype=object), np.empty((0, 2), dtype=np.int64)
    whole = np.empty(0, dtype=np.int64)
    return Streets(none, none, none, none, none, whole, np.empty((0, 2)), whole, pairs, pairs)


def _of_streets(streets: Streets) -> _Part:
    import shapely

    category = _words(streets.highway)
    return _Part(list(streets.ids), _points(shapely.point_on_surface(streets.shapes)), category, streets.name)


def _of_crossings(streets: Streets) -> _Part:
    n = len(streets.crossing_xy)
    category = np.array([f"crossing of {arms} arms" for arms in streets.arms], dtype=object)
    width = len(str(max(n - 1, 0)))
    return _Part(
        [f"{k:0{width}d}" for k in range(n)], streets.crossing_xy, category, np.full(n, "", dtype=object)
    )


def _images(city: Charted) -> _Part:
    if "street_views" not in city.layers:
        return _nothing()
    views = city.street_views
    category = np.full(len(views), "street view", dtype=object)
    return _Part(list(views.index), _points(views.geometry), category, np.full(len(views), "", dtype=object))


def _nothing() -> _Part:
    none = np.empty(0, dtype=object)
    return _Part([], np.empty((0, 2)), none, none)


def _pictures(city: Charted, start: int) -> tuple[dict[int, tuple[str, ...]], dict[int, float]]:
    """Return paths and headings of the images' pictures by row of their node; a single picture in a direction has that heading."""
    if "street_views" not in city.layers:
        return {}, {}
    views = city.street_views
    pictures: dict[int, tuple[str, ...]] = {}
    heading: dict[int, float] = {}
    stated = views["heading"].tolist() if "heading" in views else [None] * len(views)
    columns = {name: views[name].tolist() for name in ("image", *DIRECTIONS)}
    for k, angle in enumerate(stated):
        paths = {name: some[k] for name, some in columns.items() if isinstance(some[k], str)}
        pictures[start + k] = tuple(dict.fromkeys(paths.values()))
        turned = [_COMPASS[name] for name in paths if name in _COMPASS]
        if isinstance(angle, float) and np.isfinite(angle):
            heading[start + k] = round(angle % 360.0, 1)
        elif len(pictures[start + k]) == 1 and turned:
            heading[start + k] = turned[0]
    return pictures, heading


def _points(shapes: gpd.GeoSeries | np.ndarray) -> np.ndarray:
    import shapely

    return np.asarray(shapely.get_coordinates(np.asarray(shapes, dtype=object))).reshape(-1, 2)


def _first_value(frame: gpd.GeoDataFrame, keys: Sequence[str], otherwise: str) -> np.ndarray:
    """Return for every object the value of the first of these keys that it has, in words; of office=yes the key, of office=no nothing."""
    found = np.full(len(frame), otherwise, dtype=object)
    tags = tag_table(frame["tags"])
    for key in reversed(keys):
        some = tags.with_key(key)
        if key == "name":
            found[some.rows] = some.value
            continue
        told = some.value != "no"
        words = _words(np.where(some.value == "yes", key, some.value))
        found[some.rows[told]] = words[told]
    return found


def _words(values: np.ndarray) -> np.ndarray:
    return np.array([str(one).translate(_CLEAN) for one in values], dtype=object)


def _districts(city: Charted, xy: np.ndarray) -> np.ndarray:
    names = np.append(_region_names(city.regions), "").astype(object)
    return np.asarray(names[containing_polygon(xy, np.asarray(city.regions.geometry))])


def _region_names(regions: gpd.GeoDataFrame) -> np.ndarray:
    ids = np.asarray(regions.index, dtype=object)
    if "name" not in regions:
        return ids
    return np.array(
        [
            name if isinstance(name, str) and name else one
            for one, name in zip(ids, regions["name"], strict=True)
        ],
        dtype=object,
    )


def _lonlat(xy: np.ndarray, crs: str) -> np.ndarray:
    from pyproj import Transformer

    if not len(xy):
        return np.empty((0, 2))
    return np.round(np.column_stack(Transformer.from_crs(crs, 4326, always_xy=True).transform(*xy.T)), 6)
