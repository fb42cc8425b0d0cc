"""The POIs of a view as CityFM uses them: place, region, text and footprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.city.tags import tag_table
from urbanbench.errors import RunRefused
from urbanbench.toolkit.neighbours import containing_polygon
from urbanbench.toolkit.text import (
    EMPTY_TEXT,
    distinct_texts,
    is_object,
    is_place,
    is_shaped_place,
    place_texts,
)

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View

__all__ = ["Places", "gather_places", "region_rows"]


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
        The t distinct texts with `EMPTY_TEXT` among them, and int64 (n,): which one a POI has.
    building
        int64 (n,): row in the view's buildings of a POI's footprint, -1 for none. A point has the smallest building around it.
    """

    ids: np.ndarray
    n_points: int
    xy: np.ndarray
    region: np.ndarray
    texts: tuple[str, ...]
    text: np.ndarray
    building: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def none(self) -> int:
        """Row of `EMPTY_TEXT`, the text of a place without any POI."""
        return self.texts.index(EMPTY_TEXT)


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
    pois, every = view.pois, poi_filter == "all"
    tags = tag_table(pois["tags"])
    kept = np.flatnonzero(is_object(tags) if every else is_place(tags))
    written = place_texts(tags, use_name=use_name, every_key=every)
    chosen = pois.iloc[kept]
    parts = [(chosen, [written[row] for row in kept])]
    building = np.full(len(kept), -1, dtype=np.int64)
    if view.has("polygon"):
        rows, shaped, own = _buildings(view.buildings, use_name)
        parts.append((shaped, own))
        around = containing_polygon(_centres(chosen), np.asarray(view.buildings.geometry))
        building = np.concatenate([around, rows])
    if len(building) == 0:
        msg = f"City {view.city_name!r} has no POI left after the filter {poi_filter!r}. Expected at least one. Mend: --set poi_filter=all"
        raise RunRefused(msg)
    known, text = distinct_texts([*(one for _, some in parts for one in some), EMPTY_TEXT])
    return Places(
        ids=np.concatenate([np.asarray(frame.index, dtype=object) for frame, _ in parts]),
        n_points=len(kept),
        xy=np.concatenate([_centres(frame) for frame, _ in parts]),
        region=np.concatenate([region_rows(view, np.asarray(frame["region_id"])) for frame, _ in parts]),
        texts=known,
        text=text[:-1],
        building=building,
    )


def region_rows(view: View, region_ids: np.ndarray) -> np.ndarray:
    """Return the rows of region ids in the view's regions, -1 for None, int64 (n,)."""
    row = {one: place for place, one in enumerate(view.region_ids)}
    return np.fromiter(
        (row.get(one, -1) for one in region_ids.tolist()), dtype=np.int64, count=len(region_ids)
    )


def _buildings(buildings: gpd.GeoDataFrame, use_name: bool) -> tuple[np.ndarray, gpd.GeoDataFrame, list[str]]:
    """Return the rows, frame and texts of the buildings that are POIs themselves."""
    tags = tag_table(buildings["tags"])
    rows = np.flatnonzero(is_shaped_place(tags))
    written = place_texts(tags, use_name=use_name)
    return rows.astype(np.int64), buildings.iloc[rows], [written[row] for row in rows]


def _centres(frame: gpd.GeoDataFrame) -> np.ndarray:
    """Return (easting, northing) of points or of the centroids of polygons, float64 (n, 2)."""
    return np.asarray(shapely.get_coordinates(shapely.centroid(np.asarray(frame.geometry))))
