"""The POIs of a view: place, region, text and, where there is one, footprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import RunRefused, UnknownName
from urbanbench.seen import saw
from urbanbench.toolkit.ground.neighbours import containing_polygon
from urbanbench.toolkit.texts.place_texts import (
    building_texts,
    distinct_texts,
    is_object,
    is_place,
    is_shaped_place,
    place_texts,
)

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View

__all__ = ["POI_FILTERS", "UNTAGGED", "Places", "centres", "gather_places", "region_rows", "shaped_places"]

POI_FILTERS = ("paper", "all")

UNTAGGED = ("strict", "poi")
"""What becomes of footprints whose tags tell no use: they are no places, as with the authors of CityFM and UrbanMFM, or all are."""


@dataclass(frozen=True, eq=False)
class Places:
    """n POIs: points of the layer `pois`, then buildings whose tags tell their use, or all buildings.

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

    @property
    def building(self) -> np.ndarray:
        """Row of each POI's footprint in the view's buildings, -1 for none, int64 (n,)."""
        return np.asarray(np.append(self.shape_row, -1)[self.shape])


def gather_places(
    view: View,
    *,
    poi_filter: str,
    use_name: bool,
    further_texts: Sequence[str] = (),
    untagged: str = "strict",
) -> Places:
    """Read the POIs of a view, and say which of its POIs and footprints they are (`urbanbench.seen.saw`).

    Parameters
    ----------
    view
        `poi` is read, and `polygon` if allowed.
    poi_filter
        "paper" keeps what `is_place` keeps; "all" keeps what `is_object` keeps.
    use_name
        Whether names belong to the texts.
    further_texts
        Stand among the distinct texts even if no POI has them.
    untagged
        "strict" takes the buildings that `is_shaped_place` keeps; "poi" takes every building, one whose tags say no more than that it
        is one by the text "building".

    Raises
    ------
    UnknownName
        No such filter, or no such word for untagged buildings.
    RunRefused
        No POI is left.
    """
    if poi_filter not in POI_FILTERS:
        raise UnknownName("POI filter", poi_filter, POI_FILTERS)
    kept, chosen, written = _points(view, every=poi_filter == "all", use_name=use_name)
    frames, n_points = [chosen], len(chosen)
    shapes, building = np.empty(0, dtype=object), np.full(n_points, -1, dtype=np.int64)
    saw("poi", kept)
    if view.has("polygon"):
        rows, shaped, own = _buildings(view, use_name=use_name, untagged=untagged)
        shapes = np.asarray(view.buildings.geometry)
        around = containing_polygon(centres(chosen.geometry), shapes)
        building = np.concatenate([around, rows])
        frames, written = [chosen, shaped], written + own
        saw("poi_with_footprint", np.flatnonzero(kept)[around >= 0], of=len(kept))
        saw("polygon", building[building >= 0], of=len(shapes))
    if not written:
        msg = f"City {view.city_name!r} has no POI left after the filter {poi_filter!r}. Expected at least one. Mend: --set poi_filter=all"
        raise RunRefused(msg)
    known, text = distinct_texts([*written, *further_texts])
    shape_row, shape = np.unique(np.append(building, -1), return_inverse=True)
    return Places(
        ids=np.concatenate([np.asarray(frame.index, dtype=object) for frame in frames]),
        n_points=n_points,
        xy=np.concatenate([centres(frame.geometry) for frame in frames]),
        region=np.concatenate([region_rows(view, frame["region_id"]) for frame in frames]),
        texts=known,
        text=text[: len(written)],
        shapes=shapes[shape_row[1:]],
        shape=shape[:-1] - 1,
        shape_row=shape_row[1:],
    )


def region_rows(view: View, region_ids: Sequence[str | None]) -> np.ndarray:
    """Return the rows of region ids in the view's regions, -1 for None, int64 (n,)."""
    row: dict[str | None, int] = {one: place for place, one in enumerate(view.region_ids)}
    return np.fromiter((row.get(one, -1) for one in region_ids), dtype=np.int64, count=len(region_ids))


def centres(shapes: gpd.GeoSeries | np.ndarray) -> np.ndarray:
    """Return points, or the centroids of lines and polygons, float64 (n, 2): (easting, northing) in metres."""
    import shapely

    points = shapely.centroid(np.asarray(shapes, dtype=object))
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def shaped_places(tags: TagTable, untagged: str) -> np.ndarray:
    """Tell which buildings are places, bool (n,): those that `is_shaped_place` keeps, or all; see `UNTAGGED`.

    Raises
    ------
    UnknownName
        No such word.
    """
    if untagged not in UNTAGGED:
        kind = "word for untagged buildings"
        raise UnknownName(kind, untagged, UNTAGGED)
    return np.ones(tags.n, dtype=bool) if untagged == "poi" else is_shaped_place(tags)


def _points(view: View, *, every: bool, use_name: bool) -> tuple[np.ndarray, gpd.GeoDataFrame, list[str]]:
    """Return which points the filter keeps, bool, these, and their texts."""
    pois = view.pois
    tags = tag_table(pois["tags"])
    kept = is_object(tags) if every else is_place(tags)
    written = place_texts(tags, use_name=use_name, every_key=every)
    return kept, pois[kept], [written[row] for row in np.flatnonzero(kept)]


def _buildings(
    view: View, *, use_name: bool, untagged: str
) -> tuple[np.ndarray, gpd.GeoDataFrame, list[str]]:
    """Return the rows, frame and texts of the buildings that are POIs themselves."""
    buildings = view.buildings
    tags = tag_table(buildings["tags"])
    rows = np.flatnonzero(shaped_places(tags, untagged))
    written = building_texts(tags, use_name=use_name)
    return rows.astype(np.int64), buildings.iloc[rows], [written[row] for row in rows]
