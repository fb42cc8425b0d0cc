"""Ground from a folder of map tiles, ``<zoom>/<x>/<y>.png`` in Web Mercator, as web maps serve them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, floor
from pathlib import Path

import numpy as np

from urbanbench.city.folder.paths import last_part
from urbanbench.city.ground import Box
from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.errors import BadInput

__all__ = ["Tiles"]

HALF_WORLD_M = 20_037_508.342789244
"""Half the side of the Web Mercator square (EPSG:3857), in its metres."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_MOST_SAMPLES = 4
_KEPT = 256
"""Decoded tiles kept: neighbouring regions need them again."""


class Tiles:
    """Ground that a folder of tiles shows.

    For each box the coarsest zoom level is taken that is as fine as the picture, else the finest there is. Tiles that are not there or
    cannot be opened show nothing.

    Parameters
    ----------
    folder
        Holds a folder for each zoom level; rows are counted from the north (XYZ, not TMS).
    crs
        CRS of the boxes that will be asked for.

    Raises
    ------
    BadInput
        No tile in the folder, or the first one cannot be opened.
    """

    def __init__(self, folder: Path, crs: str) -> None:
        from pyproj import Transformer

        self.folder = folder
        zooms = [one.name for one in folder.iterdir() if one.is_dir() and one.name.isdecimal()]
        self.zooms = sorted(int(name) for name in zooms if next(_tiles(folder / name), None) is not None)
        if not self.zooms:
            msg = f"The folder {last_part(folder)!r} holds no tiles. Expected <zoom>/<x>/<y> with suffix {', '.join(SUFFIXES)}, or GeoTIFF files."
            raise BadInput(msg)
        self._to_web = Transformer.from_crs(crs, "EPSG:3857", always_xy=True)
        first = next(_tiles(folder / str(self.zooms[0])))
        try:
            self.side = open_picture(first).width
        except FaultyPicture as error:
            msg = f"{first.relative_to(folder)}: expected a tile (PNG, JPEG or WebP), found {error}."
            raise BadInput(msg) from error
        self._tile = lru_cache(maxsize=_KEPT)(self._read)
        self.words = (
            f"Cut from the map tiles of {last_part(folder)}, zoom {self.zooms[0]} to {self.zooms[-1]}."
        )

    def picture(self, box: Box, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Show a square of ground; see `Ground.picture`. Pixels are means over the tile pixels they cover."""
        zoom, fine = self._zoom(box, size)
        samples = int(np.clip(ceil(1 / fine), 1, _MOST_SAMPLES))
        many = size * samples
        x = box[0] + (np.arange(many) + 0.5) * (box[2] - box[0]) / many
        y = box[3] - (np.arange(many) + 0.5) * (box[3] - box[1]) / many
        across, down = np.meshgrid(x, y)
        east, north = self._to_web.transform(across.ravel(), down.ravel())
        scale = 2**zoom * self.side / (2 * HALF_WORLD_M)
        column, row = (np.asarray(east) + HALF_WORLD_M) * scale, (HALF_WORLD_M - np.asarray(north)) * scale
        column, row = self._on_map(column, row, 2**zoom * self.side)
        colour, there = self._sampled(zoom, column - 0.5, row - 0.5)
        blocks = (size, samples, size, samples)
        weight = there.reshape(blocks).sum(axis=(1, 3))
        total = (colour * there[:, None]).reshape(*blocks, 3).sum(axis=(1, 3))
        pixels = np.rint(total / np.maximum(weight, 1)[..., None]).astype(np.uint8)
        return pixels, np.asarray(2 * weight >= samples**2)

    def _on_map(self, column: np.ndarray, row: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Let columns go on beyond the date line, and keep rows near the map, which ends before the poles."""
        known = np.isfinite(column) & np.isfinite(row)
        column, row = np.where(known, column, 0.0), np.where(known, row, -2.0 * self.side)
        if np.ptp(column) > width / 2:
            column = np.where(column < width / 2, column + width, column)
        return column, row.clip(-2.0 * self.side, width + 2.0 * self.side)

    def _zoom(self, box: Box, size: int) -> tuple[int, float]:
        """Choose a zoom level; also tell how many pixels of the picture one pixel of its tiles covers."""
        corners = self._to_web.transform(np.array([box[0], box[2]]), np.array([box[1], box[3]]))
        spans = np.abs(np.diff(corners, axis=1))
        spans[0] = np.minimum(spans[0], 2 * HALF_WORLD_M - spans[0])
        wanted = float(np.nan_to_num(spans, nan=1.0, posinf=2 * HALF_WORLD_M).max()) / size
        of_pixel = {zoom: 2 * HALF_WORLD_M / (2**zoom * self.side) / wanted for zoom in self.zooms}
        # A hundredth of slack: tiles of just the wanted resolution are fine enough.
        fine = [zoom for zoom in self.zooms if of_pixel[zoom] <= 1.01]
        zoom = fine[0] if fine else self.zooms[-1]
        return zoom, of_pixel[zoom]

    def _sampled(self, zoom: int, column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read colours float64 (n, 3) between tile pixels, bilinearly, and whether the nearest pixel is there, bool (n,)."""
        west, north = floor(column.min() / self.side), floor(row.min() / self.side)
        mosaic, known = self._mosaic(
            zoom, west, north, floor((column.max() + 1) / self.side), floor((row.max() + 1) / self.side)
        )
        left, top = column - west * self.side, row - north * self.side
        x, y = np.floor(left).astype(np.int64), np.floor(top).astype(np.int64)
        total, weight = np.zeros((len(x), 3)), np.zeros(len(x))
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            share = np.abs(1 - dx - (left - x)) * np.abs(1 - dy - (top - y))
            share = share * known[y + dy, x + dx]
            total += share[:, None] * mosaic[y + dy, x + dx]
            weight += share
        return total / np.maximum(weight, 1e-9)[:, None], weight > 0.5

    def _mosaic(
        self, zoom: int, west: int, north: int, east: int, south: int
    ) -> tuple[np.ndarray, np.ndarray]:
        side = self.side
        shape = ((south - north + 1) * side, (east - west + 1) * side)
        mosaic, known = np.zeros((*shape, 3), dtype=np.uint8), np.zeros(shape, dtype=bool)
        for x in range(west, east + 1):
            for y in range(north, south + 1):
                tile = self._tile(zoom, x % 2**zoom, y)
                if tile is not None:
                    place = np.s_[
                        (y - north) * side : (y - north + 1) * side, (x - west) * side : (x - west + 1) * side
                    ]
                    mosaic[place], known[place] = tile, True
        return mosaic, known

    def _read(self, zoom: int, x: int, y: int) -> np.ndarray | None:
        for suffix in SUFFIXES:
            path = self.folder / str(zoom) / str(x) / f"{y}{suffix}"
            if path.is_file():
                try:
                    return np.asarray(open_picture(path).resize((self.side, self.side)))
                except FaultyPicture:
                    return None
        return None


def _tiles(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in SUFFIXES and path.stem.isdecimal()
    )
