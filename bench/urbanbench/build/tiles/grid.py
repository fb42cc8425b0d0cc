"""Tile numbers, places on the grid that tiles are cut from, and degrees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanbench.build.map.objects import Box

__all__ = ["UNITS", "Grid", "Tile"]

UNITS = 4096
"""Steps of the grid per tile; a layer with a finer extent has places between them."""

_EQUATOR_M = 40_075_016.685578488
_MOST_LATITUDE = 85.0511287798066
"""Where the square of Web Mercator ends."""


@dataclass(frozen=True, order=True)
class Tile:
    """A tile's column from the west and row from the north."""

    x: int
    y: int

    def near(self, across: int, down: int) -> Tile:
        """Return the tile some columns east and rows south of this one."""
        return Tile(self.x + across, self.y + down)


@dataclass(frozen=True)
class Grid:
    """The tiles of one zoom level; places are (column, row) times `UNITS`, rows from the north.

    Examples
    --------
    >>> grid = Grid(14)
    >>> grid.tiles_of((9.0, 48.0, 9.01, 48.01))
    (Tile(x=8601, y=5692), Tile(x=8602, y=5693))
    >>> round(grid.step_m(48.0), 2)
    0.4
    """

    zoom: int

    @property
    def side(self) -> int:
        """Tiles from west to east."""
        return int(2**self.zoom)

    def degrees(self, places: np.ndarray) -> np.ndarray:
        """Return longitude and latitude of places (n, 2)."""
        whole = UNITS * self.side
        lon = places[:, 0] / whole * 360.0 - 180.0
        lat = np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * places[:, 1] / whole))))
        return np.column_stack([lon, lat])

    def places(self, degrees: np.ndarray) -> np.ndarray:
        """Return the places of longitude and latitude (n, 2)."""
        whole = UNITS * self.side
        lat = np.radians(np.clip(degrees[:, 1], -_MOST_LATITUDE, _MOST_LATITUDE))
        x = (degrees[:, 0] + 180.0) / 360.0 * whole
        y = (1.0 - np.arcsinh(np.tan(lat)) / np.pi) / 2.0 * whole
        return np.column_stack([x, y])

    def tiles_of(self, box: Box) -> tuple[Tile, Tile]:
        """Return the tiles at the north-west and the south-east corner of a box."""
        west, south, east, north = box
        (x0, y0), (x1, y1) = self.places(np.array([[west, north], [east, south]])) / UNITS
        most = self.side - 1
        first = Tile(*(int(np.clip(math.floor(one), 0, most)) for one in (x0, y0)))
        last = Tile(*(int(np.clip(math.ceil(one) - 1, 0, most)) for one in (x1, y1)))
        return first, Tile(max(first.x, last.x), max(first.y, last.y))

    def box_of(self, first: Tile, last: Tile) -> Box:
        """Return the box that the tiles from one to another cover."""
        corners = np.array([[first.x, last.y + 1], [last.x + 1, first.y]], dtype=float) * UNITS
        (west, south), (east, north) = self.degrees(corners)
        return float(west), float(south), float(east), float(north)

    def square(self, tile: Tile) -> tuple[float, float, float, float]:
        """Return a tile's (west, north, east, south) edge as places."""
        return tile.x * UNITS, tile.y * UNITS, (tile.x + 1) * UNITS, (tile.y + 1) * UNITS

    def step_m(self, latitude: float, extent: int = UNITS) -> float:
        """Return the ground that a step of a layer's own grid covers at a latitude, in metres."""
        return _EQUATOR_M * math.cos(math.radians(latitude)) / self.side / extent

    def shapes(self, shapes: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Return shapes of places in longitude and latitude."""
        import shapely

        return np.asarray(shapely.transform(np.array(shapes, dtype=object), self.degrees))
