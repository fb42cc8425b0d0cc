"""The pictures of a city as Urban2Vec sees them: where each was taken, in which region; street views, or drawn footprints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.ground.places import centres, region_rows
from urbanbench.toolkit.shapes.polygon import at_origin
from urbanbench.toolkit.texts.place_texts import distinct_texts

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View
    from urbanbench.models.urban2vec import Urban2Vec

DIRECTIONS = ("east", "south", "west", "north", "image")
"""Columns that name pictures."""

MILLIMETRE = 3
"""Digits to which coordinates are rounded, so that equal distances stay equal wherever the city lies."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """p pictures.

    Parameters
    ----------
    kind
        "street_view" or "polygon".
    sources
        Distinct paths, or Shapely polygons, object (s,).
    source
        int64 (p,): which of `sources` a picture is.
    unit
        int64 (p,): row of its street view, or of its building.
    point
        int64 (p,): the place it was taken at, 0 … g - 1.
    xy
        float64 (g, 2): where the places are, (easting, northing) in metres from the south-western corner of all.
    region
        int64 (p,): row of its region, -1 outside of all.
    """

    kind: str
    sources: np.ndarray
    source: np.ndarray
    unit: np.ndarray
    point: np.ndarray
    xy: np.ndarray
    region: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


def gather_pictures(model: Urban2Vec, view: View) -> Pictures | None:
    """Read the pictures of the kind that the view gives; None where there are none."""
    kind = model.pictures_in(view)
    if kind == "none":
        return None
    made = street_pictures(view) if kind == "street_view" else footprints(view)
    return made if len(made) else None


def street_pictures(view: View) -> Pictures:
    """Read all pictures of all street views, by row and direction.

    Views with the same `location_id`, or without one at the same place, are one point.
    """
    frame = view.street_views
    sides = frame[[name for name in DIRECTIONS if name in frame]].to_numpy(dtype=object)
    named = frame[[name for name in DIRECTIONS if name in frame]].notna().to_numpy()
    unit, side = np.nonzero(named)
    path = sides[unit, side].tolist()
    _, first = np.unique(
        np.array([f"{row}\n{one}" for row, one in zip(unit, path, strict=True)], dtype=str), return_index=True
    )
    kept = np.sort(first)  # an `image` may repeat the picture of its direction
    unit, path = unit[kept], [path[k] for k in kept]
    sources, source = distinct_texts(path)
    place, xy = _places(frame)
    used, point = np.unique(place[unit], return_inverse=True)
    return Pictures(
        "street_view",
        np.array(sources, dtype=object),
        source,
        unit,
        point.astype(np.int64),
        xy[used],
        region_rows(view, frame["region_id"].tolist())[unit],
    )


def footprints(view: View) -> Pictures:
    """Take every building as a picture of its own, at its centroid."""
    frame = view.buildings
    shapes = np.asarray(frame.geometry)
    rows = np.arange(len(shapes))
    return Pictures(
        "polygon",
        at_origin(shapes),
        rows,
        rows,
        rows,
        _spots(shapes),
        region_rows(view, frame["region_id"].tolist()),
    )


def _places(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of every view, int64 (n,), and where the places are, that of their first view; float64 (g, 2)."""
    xy = _spots(np.asarray(frame.geometry))
    _, spot = np.unique(xy, axis=0, return_inverse=True)
    names = [f"at {one}" for one in spot.tolist()]
    if "location_id" in frame:
        given = frame["location_id"]
        told = given.notna().tolist()
        names = [
            f"id {one}" if known else name
            for name, one, known in zip(names, given.tolist(), told, strict=True)
        ]
    _, first, place = np.unique(np.array(names, dtype=str), return_index=True, return_inverse=True)
    return place.astype(np.int64), xy[first]


def _spots(shapes: np.ndarray) -> np.ndarray:
    """Return centres from the south-western corner of all, rounded; float64 (n, 2)."""
    xy = centres(shapes)
    return np.asarray(np.round(xy - xy.min(axis=0), MILLIMETRE)) if len(xy) else xy
