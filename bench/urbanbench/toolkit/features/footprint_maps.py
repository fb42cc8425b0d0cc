"""Maps of the buildings of an area, drawn when they are asked for, to be used like pictures that were taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.toolkit.pictures.table import PictureTable

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanbench.toolkit.ground.neighbours import Groups

__all__ = ["FootprintMaps", "draw_footprints", "square_windows"]

STEPS = 2.0**20
"""Parts of a pixel that places are rounded to, so that they do not depend on where the city lies."""


class FootprintMaps:
    """One map per area, north up: footprints white, all else black.

    Parameters
    ----------
    polygons
        Shapely polygons (b,) in a projected CRS.
    groups
        Which polygons are drawn on each of the p maps.
    windows
        float64 (p, 3): west and south edge and side of each map, metres.
    size
        Pixels per side.
    """

    def __init__(self, polygons: np.ndarray, groups: Groups, windows: np.ndarray, size: int) -> None:
        self.polygons, self.groups, self.windows, self.size = polygons, groups, windows, size

    def __len__(self) -> int:
        return len(self.groups)

    def table(self) -> PictureTable:
        """Return the maps as pictures whose paths are their numbers."""
        return PictureTable(self.open_image, [str(row) for row in range(len(self))], self.size)

    def open_image(self, path: str) -> Image:
        """Draw the map with a number."""
        from PIL import Image

        row = int(path)
        member = self.polygons[self.groups.member[self.groups.start[row] : self.groups.start[row + 1]]]
        owner = np.zeros(len(member), dtype=np.int64)
        drawn = draw_footprints(member, owner, self.windows[row : row + 1], self.size)
        return Image.fromarray(drawn[0] * np.uint8(255)).convert("RGB")

    def digest(self, paths: Sequence[str]) -> str:
        """Hash what is drawn on some maps and how; the same wherever the city lies."""
        rows = np.array([int(path) for path in paths], dtype=np.int64)
        member, owner = self.groups.take(rows)
        xy, _, polygon = _corners(self.polygons[member], owner, self.windows[rows], self.size)
        return value_digest([array_digest(xy, polygon, owner), self.size, code_digest(Path(__file__))])


def square_windows(areas: np.ndarray) -> np.ndarray:
    """Return the square around the middle of each area's bounds, as west and south edge and side, float64 (n, 3), metres."""
    import shapely

    west, south, east, north = shapely.bounds(areas).T
    side = np.maximum(np.maximum(east - west, north - south), 1e-6)
    return np.column_stack([(west + east - side) / 2, (south + north - side) / 2, side])


def draw_footprints(polygons: np.ndarray, owner: np.ndarray, windows: np.ndarray, size: int) -> np.ndarray:
    """Draw polygons into the maps they belong to, all at once.

    A pixel is set where its centre lies inside any polygon of its map (each by the even-odd rule, so holes stay empty). In every
    row of pixels a polygon's crossings with the line through their centres, sorted, are the ends of what is inside of it.

    Parameters
    ----------
    polygons
        Shapely polygons or multipolygons (b,).
    owner
        int64 (b,): map of each polygon.
    windows
        float64 (n, 3): west and south edge and side of each map.
    size
        Pixels per side.

    Returns
    -------
    numpy.ndarray
        uint8 (n, size, size) of 0 and 1; row 0 is the north.
    """
    xy, ring, polygon = _corners(polygons, owner, windows, size)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    begin, end = xy[edge], xy[edge + 1]
    first, count = _rows_between(begin[:, 1], end[:, 1], size)
    which = np.repeat(np.arange(len(edge)), count)
    row = np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count)
    slope = (end[which, 0] - begin[which, 0]) / (end[which, 1] - begin[which, 1])
    x = begin[which, 0] + (row + 0.5 - begin[which, 1]) * slope
    column = np.clip(np.ceil(x - 0.5), 0, size).astype(np.int64)
    of = polygon[edge][which]
    order = np.lexsort((column, row, of))
    line = owner[of[order]] * size + (size - 1 - row[order])
    steps = np.zeros((len(windows) * size, size + 1), dtype=np.int32)
    np.add.at(steps, (line[0::2], column[order][0::2]), 1)  # crossings of closed rings come in pairs
    np.add.at(steps, (line[1::2], column[order][1::2]), -1)
    inside = steps[:, :size].cumsum(axis=1) > 0
    return inside.reshape(len(windows), size, size).astype(np.uint8)


def _corners(
    polygons: np.ndarray, owner: np.ndarray, windows: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the corners in pixels from the south-west, float64 (m, 2), the ring and the polygon of each, int64 (m,)."""
    import shapely

    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    polygon = part_owner[ring_part[ring]] if len(ring) else np.empty(0, dtype=np.int64)
    window = windows[owner[polygon]]
    scaled = (xy - window[:, :2]) / window[:, 2:] * size
    return np.round(scaled * STEPS) / STEPS, ring, polygon


def _rows_between(begin: np.ndarray, end: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of pixels whose centres an edge crosses, and how many there are, both int64; only rows of the map."""
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    first, last = (np.clip(np.ceil(one - 0.5), 0, size).astype(np.int64) for one in (low, high))
    return first, last - first
