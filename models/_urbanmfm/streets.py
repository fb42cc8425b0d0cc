"""The street views of a city as UrbanMFM uses them: sampling points with up to four pictures, one in each direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View

DIRECTIONS = ("east", "south", "west", "north")
"""Order of the columns of `Streets.picture`: clockwise, 90° apart, the first at a heading of 90°."""

EAST = 0
MERGE_M = 1.0
"""Single pictures taken so near to one another count as one sampling point, unless the city names its points."""


@dataclass(frozen=True, eq=False)
class Streets:
    """g sampling points.

    Parameters
    ----------
    xy
        float64 (g, 2): (easting, northing), metres.
    pictures
        The p distinct pictures, paths for `View.open_image`.
    picture
        int64 (g, 4): row in `pictures` of the picture to the east, south, west and north, -1 for none. Every point has at least one.
    view_ids
        For every point the ids of the street views it was made of.
    region
        int64 (g,): row in the view's regions, -1 outside of all.
    """

    xy: np.ndarray
    pictures: tuple[str, ...]
    picture: np.ndarray
    view_ids: tuple[tuple[str, ...], ...]
    region: np.ndarray

    def __len__(self) -> int:
        return len(self.picture)


def gather_streets(view: View) -> Streets | None:
    """Read the sampling points of a view, in the order of its street views; None where it shows no picture of a street.

    A view with several pictures is a point of its own. Views with one picture are merged into one point where they have the same
    `location_id`, however far apart, or, those without one, where they lie within 1 m of each other; each in the direction nearest to its heading (0 = north, 90 = east). A picture whose direction is taken
    already opens another point at the same place, so that none is lost. The direction of a picture without a heading is not
    known: it stands in the slot of the east.

    Parameters
    ----------
    view
        `street_view` is read if allowed.
    """
    if not view.has("street_view"):
        return None
    frame = view.street_views
    row, direction, path = _taken_pictures(frame)
    if len(row) == 0:
        return None
    place = np.asarray(frame.geometry)
    xy = np.column_stack([shapely.get_x(place), shapely.get_y(place)])
    spot = _spots(xy, np.bincount(row, minlength=len(frame)) == 1, _location(frame))[row]
    point, first = _points(spot, direction, row)
    pictures, picture = np.unique(path, return_inverse=True)
    table = np.full((len(first), 4), -1, dtype=np.int64)
    table[point, direction] = picture
    region = frame["region_id"].map({one: k for k, one in enumerate(view.region_ids)}).fillna(-1).to_numpy()
    return Streets(
        xy[first],
        tuple(map(str, pictures)),
        table,
        _merged_ids(point, row, frame.index.to_numpy(), len(first)),
        region.astype(np.int64)[first],
    )


def direction_of(heading: np.ndarray) -> np.ndarray:
    """Return the column of the direction nearest to each heading (n,) in degrees clockwise from north; east where it is NaN."""
    known = np.nan_to_num(heading, nan=90.0)
    return np.asarray(np.floor((known - 45.0) / 90.0).astype(np.int64) % 4)


def _taken_pictures(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row of the view, direction and path of every picture, ordered by row and direction."""
    sides = frame[list(DIRECTIONS)].to_numpy(dtype=object)
    row, direction = np.nonzero(frame[list(DIRECTIONS)].notna().to_numpy())
    path = sides[row, direction]
    # An `image` beside its own direction column repeats that picture.
    image = frame["image"].to_numpy(dtype=object)
    single = np.flatnonzero(frame["image"].notna().to_numpy() & ~(sides == image[:, None]).any(axis=1))
    heading = frame["heading"].to_numpy(dtype=float) if "heading" in frame else np.full(len(frame), np.nan)
    row = np.concatenate([row, single])
    direction = np.concatenate([direction, direction_of(heading[single])])
    order = np.lexsort((direction, row))
    return row[order], direction[order], np.concatenate([path, image[single]])[order]


def _location(frame: gpd.GeoDataFrame) -> np.ndarray:
    """Return the number of every view's `location_id`, -1 where there is none; int64 (n,)."""
    import pandas as pd

    if "location_id" not in frame:
        return np.full(len(frame), -1, dtype=np.int64)
    return np.asarray(pd.factorize(frame["location_id"])[0], dtype=np.int64)


def _spots(xy: np.ndarray, is_single: np.ndarray, location: np.ndarray) -> np.ndarray:
    """Return for every view the first view it is merged into, int64 (n,); only views with a single picture are merged."""
    spot = np.arange(len(xy))
    named = np.flatnonzero(is_single & (location >= 0))
    _, first, place = np.unique(location[named], return_index=True, return_inverse=True)
    spot[named] = named[first][place]
    nameless = np.flatnonzero(is_single & (location < 0))
    if len(nameless):
        spot[nameless] = _leaders(xy, nameless)
    return spot


def _leaders(xy: np.ndarray, single: np.ndarray) -> np.ndarray:
    """Return for some views the first of them within `MERGE_M` that it is merged into, int64 (m,)."""
    from scipy.spatial import cKDTree

    places, place = np.unique(xy[single], axis=0, return_inverse=True)
    first = np.full(len(places), len(xy))
    np.minimum.at(first, place, single)
    leader = np.arange(len(places))
    led = np.zeros(len(places), dtype=bool)
    pairs = cKDTree(places).query_pairs(MERGE_M, output_type="ndarray")
    # In the order of the file: a place joins the first leader within reach and leads nobody itself, so that a chain of near
    # places along a street does not grow into one point.
    pairs = np.where((first[pairs[:, 0]] > first[pairs[:, 1]])[:, None], pairs[:, ::-1], pairs)
    for one, other in pairs[np.lexsort((first[pairs[:, 1]], first[pairs[:, 0]]))].tolist():
        if not led[one] and not led[other]:
            leader[other], led[other] = one, True
    return np.asarray(first[leader][place])


def _points(spot: np.ndarray, direction: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the pictures their points: the k-th pictures of a spot in all directions make its k-th point.

    Returns
    -------
    point, first
        int64 (m,): point of every picture; int64 (g,): first view of every point. Points are ordered by spot and k.
    """
    slot = spot * 4 + direction
    order = np.lexsort((row, slot))
    start = np.flatnonzero(np.diff(slot[order], prepend=-1))
    rank = np.empty(len(slot), dtype=np.int64)
    rank[order] = np.arange(len(slot)) - np.repeat(start, np.diff(start, append=len(slot)))
    keys, point = np.unique(spot * (rank.max() + 1) + rank, return_inverse=True)
    first = np.full(len(keys), row.max())
    np.minimum.at(first, point, row)
    return point, first


def _merged_ids(
    point: np.ndarray, row: np.ndarray, ids: np.ndarray, n_points: int
) -> tuple[tuple[str, ...], ...]:
    pairs = np.unique(np.column_stack([point, row]), axis=0)
    ends = np.cumsum(np.bincount(pairs[:, 0], minlength=n_points))[:-1]
    return tuple(tuple(str(ids[one]) for one in part) for part in np.split(pairs[:, 1], ends))
