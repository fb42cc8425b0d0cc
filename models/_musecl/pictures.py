"""The pictures that show a region: from its streets, from above, or, where nobody took one, the map of its buildings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.hashing import value_digest
from urbanbench.seen import saw
from urbanbench.toolkit.features.footprint_maps import FootprintMaps, square_windows
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.ground.places import region_rows
from urbanbench.toolkit.pictures.pixel_store import open_pixel_store
from urbanbench.toolkit.pictures.table import PictureTable

if TYPE_CHECKING:
    from urbanbench.city.view import View

COLUMNS = ("east", "south", "west", "north", "image")
"""Columns of a street view that name a picture."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Which objects of a layer the pictures show.

    Parameters
    ----------
    kind
        "street_view", "satellite" or "polygon".
    row, picture
        int64 (m,): rows of the view's layer, and pictures they are in.
    of
        Rows of the layer.
    """

    kind: str
    row: np.ndarray
    picture: np.ndarray
    of: int

    def tell(self, ok: np.ndarray) -> None:
        """Say that what is in the pictures that are `ok`, bool (p,), was used."""
        saw(self.kind, self.row[ok[self.picture]], of=self.of)


@dataclass(frozen=True, eq=False)
class Pictures:
    """p distinct pictures of one kind, and which of them show a region.

    Parameters
    ----------
    table
        Their pixels.
    digest
        Paths of the table to the hash of what they show.
    groups
        Pictures of every region of the view.
    shown
        What is in them.
    """

    table: PictureTable
    digest: Callable[[Sequence[str]], str]
    groups: Groups
    shown: Shown

    def without(self, ok: np.ndarray) -> Groups:
        """Return the pictures of every region that can be opened, bool (p,)."""
        owner = np.repeat(np.arange(len(self.groups)), self.groups.sizes)
        kept = ok[self.groups.member]
        return Groups.from_pairs(owner[kept], self.groups.member[kept], len(self.groups))


def street_pictures(view: View, size: int, *, keep: bool) -> Pictures | None:
    """Return the street pictures that lie in regions; None where there is none to be seen.

    Every picture of a point counts as one; a path that stands in several columns or views of a region counts once.

    Parameters
    ----------
    view
        `street_view` is read if allowed.
    size
        Pixels per side.
    keep
        Whether decoded pixels are kept on disk: worth their space where they are read more than once.
    """
    if not view.has("street_view"):
        return None
    frame = view.street_views
    region = region_rows(view, frame["region_id"].tolist())
    columns = [name for name in COLUMNS if name in frame]
    named = frame[columns].to_numpy(dtype=object)
    row, column = np.nonzero(frame[columns].notna().to_numpy() & (region >= 0)[:, None])
    paths = named[row, column]
    return _of_files(view, "street_view", paths, region[row], row, len(frame), size, keep=keep)


def overhead_pictures(view: View, size: int, *, keep: bool) -> Pictures | None:
    """Return the pictures from above; where they may not be seen, maps of the buildings; None without either."""
    if view.has("satellite"):
        frame = view.satellite
        named = frame["image"].to_numpy(dtype=object)
        shown = frame["image"].notna().to_numpy()
        region = region_rows(view, frame.index.tolist())
        row = np.flatnonzero(shown & (region >= 0))
        return _of_files(view, "satellite", named[row], region[row], row, len(frame), size, keep=keep)
    return _drawn(view, size, keep=keep) if view.has("polygon") else None


def _drawn(view: View, size: int, *, keep: bool) -> Pictures | None:
    """Return a map of each region that has buildings, in the square around it."""
    buildings = view.buildings
    region = region_rows(view, buildings["region_id"].tolist())
    inside = np.flatnonzero(region >= 0)
    if not len(inside):
        return None
    regions, place = np.unique(region[inside], return_inverse=True)
    windows = square_windows(np.asarray(view.regions.geometry)[regions])
    groups = Groups.from_pairs(place, inside, len(regions))
    maps = FootprintMaps(np.asarray(buildings.geometry), groups, windows, size)
    own = Groups.from_pairs(regions, np.arange(len(regions)), len(view.region_ids))
    table = maps.table()
    if keep:
        shown = value_digest(
            [maps.digest([path]) for path in table.paths]
        )  # one by one: a city has many corners
        store = open_pixel_store(shown, len(table), size)
        table = PictureTable(table.open_image, table.paths, size, store=store)
    return Pictures(table, maps.digest, own, Shown("polygon", inside, place, len(buildings)))


def _of_files(
    view: View,
    kind: str,
    paths: np.ndarray,
    region: np.ndarray,
    row: np.ndarray,
    of: int,
    size: int,
    *,
    keep: bool,
) -> Pictures | None:
    """Put the pictures together that rows of a layer name: path, region and row of each mention, (m,)."""
    if not len(paths):
        return None
    distinct, place = np.unique(paths.astype(str), return_inverse=True)
    pairs = np.unique(np.column_stack([region, place]), axis=0)
    names = tuple(distinct.tolist())
    store = open_pixel_store(view.picture_digest(names), len(names), size) if keep else None
    table = PictureTable(view.open_image, names, size, store=store)
    groups = Groups.from_pairs(pairs[:, 0], pairs[:, 1], len(view.region_ids))
    return Pictures(table, view.picture_digest, groups, Shown(kind, row, place, of))
