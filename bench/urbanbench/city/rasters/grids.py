"""Grids: rasters whose pixels lie on one lattice, and the lattice cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.city.rasters.heads import RasterHead

__all__ = ["Grid", "Placed", "block_side", "grids_of"]

_SAME_SIZE = 1e-9
"""Share by which pixels of one lattice may differ in size."""
_SNAP = 6
"""Digits, in pixels, that the place of a lattice is rounded to: files of one lattice differ in the last bits."""
_SAME_PLACE = 1e-3
"""Pixels by which files of one lattice may lie beside it."""
_BLOCK_NUMBERS = 8_388_608
"""Numbers of a block at most: 64 MiB as float64."""


@dataclass(frozen=True)
class Placed:
    """A raster on a lattice.

    Parameters
    ----------
    place
        Row of the raster among the layer's files.
    head
        Its head.
    column, row
        Of its north-western pixel on the lattice; rows count southwards.
    """

    place: int
    head: RasterHead
    column: int
    row: int


@dataclass(frozen=True)
class Grid:
    """A lattice of pixels and the rasters on it.

    Parameters
    ----------
    crs
        WKT.
    dx, dy
        Width and height of a pixel, in the CRS.
    phase
        Where the lattice lies: (east, south) of a multiple of the pixel's size, in pixels [0, 1).
    rasters
        In the order of the layer's files.
    """

    crs: str
    dx: float
    dy: float
    phase: tuple[float, float]
    rasters: tuple[Placed, ...]

    def pixels(self, xy: np.ndarray) -> np.ndarray:
        """Return positions (n, 2) in the CRS as (columns eastwards, rows southwards) of the lattice, (n, 2)."""
        return np.asarray(xy / (self.dx, -self.dy) - self.phase)

    def positions(self, pixels: np.ndarray) -> np.ndarray:
        """Return the positions in the CRS of (columns, rows), (n, 2)."""
        return np.asarray((pixels + self.phase) * (self.dx, -self.dy))

    def blocks(self, side: int, within: Sequence[float]) -> Iterator[tuple[int, int]]:
        """Name the blocks (column, row) that hold pixels of a raster and meet a box of pixels, row by row.

        Parameters
        ----------
        side
            Pixels per side of a block.
        within
            (west, north, east, south) in pixels of the lattice.
        """
        west, north, east, south = within
        spans = []
        for one in self.rasters:
            left, right = max(one.column, west), min(one.column + one.head.width, east)
            top, bottom = max(one.row, north), min(one.row + one.head.height, south)
            if left < right and top < bottom:
                spans.append(
                    [
                        int(np.floor(edge / side))
                        for edge in (top, np.nextafter(bottom, top), left, np.nextafter(right, left))
                    ]
                )
        for row in sorted({row for span in spans for row in range(span[0], span[1] + 1)}):
            columns = {
                column
                for span in spans
                if span[0] <= row <= span[1]
                for column in range(span[2], span[3] + 1)
            }
            yield from ((column, row) for column in sorted(columns))


def block_side(bands: int) -> int:
    """Return the pixels per side of a block: a power of two, so that blocks of few bands are no smaller than those of many.

    Examples
    --------
    >>> [block_side(bands) for bands in (1, 64, 128, 1024)]
    [512, 256, 256, 64]
    """
    side = 512
    while side > 16 and side * side * bands > _BLOCK_NUMBERS:
        side //= 2
    return side


def grids_of(heads: Sequence[RasterHead]) -> list[Grid]:
    """Sort rasters by lattice, lattices in the order of their first raster."""
    grids: list[tuple[RasterHead, tuple[float, float], list[Placed]]] = []
    for place, head in enumerate(heads):
        corner = np.array([head.left / head.dx, -head.top / head.dy])
        for first, phase, rasters in grids:
            at = corner - phase
            if _alike(first, head) and np.abs(at - np.round(at)).max() < _SAME_PLACE:
                rasters.append(Placed(place, head, *np.round(at).astype(int).tolist()))
                break
        else:
            phase = tuple((np.round(corner % 1, _SNAP) % 1).tolist())
            column, row = np.round(corner - phase).astype(int).tolist()
            grids.append((head, phase, [Placed(place, head, column, row)]))
    return [Grid(first.crs, first.dx, first.dy, phase, tuple(rasters)) for first, phase, rasters in grids]


def _alike(one: RasterHead, other: RasterHead) -> bool:
    sizes = abs(one.dx / other.dx - 1) < _SAME_SIZE and abs(one.dy / other.dy - 1) < _SAME_SIZE
    return sizes and one.crs == other.crs
