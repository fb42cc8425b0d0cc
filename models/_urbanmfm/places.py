"""The POIs of a view as UrbanMFM uses them: place, text, region and, where there is one, footprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.city.tags import tag_table
from urbanbench.errors import RunRefused, UnknownName
from urbanbench.models._urbanmfm.roads import FOOT_ROADS, has_drivable, without_classes
from urbanbench.toolkit.neighbours import Groups, containing_polygon, groups_near_lines, groups_of_nearest
from urbanbench.toolkit.text import distinct_texts, is_object, is_place, is_shaped_place, place_texts

if TYPE_CHECKING:
    from urbanbench.city.view import View

POI_FILTERS = ("paper", "all")
GROUPINGS = ("auto", "road", "knn")


@dataclass(frozen=True, eq=False)
class Places:
    """n POIs: points of the layer `pois`, then buildings whose tags tell their use.

    Parameters
    ----------
    ids
        str (n,): poi_id or building_id.
    n_points
        How many of the n are points.
    xy
        float64 (n, 2): (easting, northing), metres.
    region
        int64 (n,): row in the view's regions, -1 outside of all.
    texts, text
        The t distinct texts, and int64 (n,): which one a POI has.
    shapes, shape
        Shapely footprints (p,), and int64 (n,): which one a POI has, -1 for none. A point has the smallest building around it.
    shape_row
        int64 (p,): row of each footprint in the view's buildings.
    """

    ids: np.ndarray
    n_points: int
    xy: np.ndarray
    region: np.ndarray
    texts: tuple[str, ...]
    text: np.ndarray
    shapes: np.ndarray
    shape: np.ndarray
    shape_row: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def gather_places(view: View, *, poi_filter: str, use_name: bool) -> Places:
    """Read the POIs of a view.

    Parameters
    ----------
    view
        `poi` is read, and `polygon` if allowed.
    poi_filter
        "paper" keeps what `is_place` keeps; "all" keeps what `is_object` keeps.
    use_name
        Whether names belong to the texts.

    Raises
    ------
    RunRefused
        No POI is left.
    """
    if poi_filter not in POI_FILTERS:
        raise UnknownName("POI filter", poi_filter, POI_FILTERS)
    points = _points(view, poi_filter, use_name)
    rows = _buildings(view, use_name) if view.has("polygon") else None
    ids, xy, region, texts = (
        (np.concatenate(both) for both in zip(points, rows[:4], strict=True)) if rows else points
    )
    if len(ids) == 0:
        msg = f"City {view.city_name!r} has no POI left after the filter {poi_filter!r}. Expected at least one. Mend: --set poi_filter=all"
        raise RunRefused(msg)
    building = _building_of(view, points[1], rows[4]) if rows else np.full(len(ids), -1, dtype=np.int64)
    shape_row, shape = np.unique(building, return_inverse=True)
    if shape_row[0] == -1:
        shape_row, shape = shape_row[1:], shape - 1
    shapes = np.asarray(view.buildings.geometry)[shape_row] if rows else np.empty(0, dtype=object)
    known, text = distinct_texts(texts.tolist())
    return Places(ids, len(points[0]), xy, region, known, text, shapes, shape, shape_row)


def road_groups(
    view: View, places: Places, *, grouping: str, radius_m: float, nearest: int, max_dist_m: float
) -> Groups:
    """Group POIs by the road they lie at, or with their nearest neighbours where there is none or none may be seen.

    Raises
    ------
    RunRefused
        ``grouping="road"`` and the view has no roads.
    """
    if grouping_in(view, grouping) == "knn":
        return groups_of_nearest(places.xy, k=nearest, radius_m=max_dist_m).at_least(2)
    roads = view.roads
    lines = np.asarray(roads.geometry)[without_classes(roads, FOOT_ROADS)]
    return groups_near_lines(places.xy, lines, radius_m=radius_m).at_least(2)


def grouping_in(view: View, grouping: str) -> str:
    """Return "road" or "knn": what a `grouping` word means in a view.

    "auto" reads the roads once, see `has_drivable`; a layer without any road for cars tells nothing about which POIs belong
    together.
    """
    if grouping not in GROUPINGS:
        raise UnknownName("grouping", grouping, GROUPINGS)
    if grouping == "road" and not view.has("road"):
        msg = f"UrbanMFM was asked to group POIs by road, but roads cannot be seen in {view.city_name!r} (inputs {', '.join(sorted(view.inputs))}). Mend: allow the input road, or --set grouping=knn"
        raise RunRefused(msg)
    if grouping == "auto":
        return "road" if has_drivable(view) else "knn"
    return grouping


def _points(view: View, poi_filter: str, use_name: bool) -> tuple[np.ndarray, ...]:
    pois = view.pois
    tags = tag_table(pois["tags"])
    kept = np.flatnonzero(is_place(tags) if poi_filter == "paper" else is_object(tags))
    texts = np.array(place_texts(tags, use_name=use_name, every_key=poi_filter == "all"), dtype=object)[kept]
    geometry = np.asarray(pois.geometry)[kept]
    xy = np.column_stack([shapely.get_x(geometry), shapely.get_y(geometry)])
    return (
        np.asarray(pois.index, dtype=object)[kept],
        xy,
        _region_rows(view, np.asarray(pois["region_id"])[kept]),
        texts,
    )


def _buildings(view: View, use_name: bool) -> tuple[np.ndarray, ...]:
    """Ids, centres, regions, texts and rows of the buildings that are POIs themselves."""
    buildings = view.buildings
    tags = tag_table(buildings["tags"])
    rows = np.flatnonzero(is_shaped_place(tags))
    texts = np.array(place_texts(tags, use_name=use_name), dtype=object)[rows]
    centre = shapely.centroid(np.asarray(buildings.geometry)[rows])
    xy = np.column_stack([shapely.get_x(centre), shapely.get_y(centre)])
    region = _region_rows(view, np.asarray(buildings["region_id"])[rows])
    return np.asarray(buildings.index, dtype=object)[rows], xy, region, texts, rows


def _building_of(view: View, xy: np.ndarray, own: np.ndarray) -> np.ndarray:
    around = containing_polygon(xy, np.asarray(view.buildings.geometry))
    return np.concatenate([around, own.astype(np.int64)])


def _region_rows(view: View, region_ids: np.ndarray) -> np.ndarray:
    row = {one: place for place, one in enumerate(view.region_ids)}
    return np.fromiter(
        (row.get(one, -1) for one in region_ids.tolist()), dtype=np.int64, count=len(region_ids)
    )
