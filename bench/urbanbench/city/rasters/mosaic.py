"""Blocks of a grid, put together from the rasters that lie on it: of several with data for a pixel the first counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.rasters.grids import Grid, Placed
from urbanbench.city.rasters.laws import too_large, values_of, with_data
from urbanbench.city.rasters.opening import FaultyRaster, OpenFiles, unreadable

__all__ = ["Block", "read_block", "read_window"]


@dataclass(frozen=True)
class Block:
    """Values of a square of pixels.

    Parameters
    ----------
    values
        float64 (side², bands), row by row from the north-western pixel; 0 without data.
    known
        bool (side²,): where there are data.
    """

    values: np.ndarray
    known: np.ndarray


def read_block(files: OpenFiles, info: RasterInfo, grid: Grid, at: tuple[int, int], side: int) -> Block:
    """Read a block of a grid.

    Parameters
    ----------
    files
        Open files of the city folder.
    info
        What city.json says of the layer.
    grid
        The lattice and its rasters.
    at
        (column, row) of the block among blocks.
    side
        Pixels per side.

    Raises
    ------
    FaultyRaster
        Pixels that cannot be read, or hold numbers that no embedding has.
    """
    bands = grid.rasters[0].head.bands
    values = np.zeros((side, side, bands))
    known = np.zeros((side, side), dtype=bool)
    for placed in grid.rasters:
        window = _shared(placed, at, side)
        if window is None:
            continue
        there = np.s_[window[0] : window[1], window[2] : window[3]]
        if known[there].all():
            continue
        inner = _within(placed, at, side, window)
        stored, data, scales = _stored(files, info, placed, inner)
        new = data & ~known[there]
        if new.any():
            found = values_of(info, stored[:, new].T, None if scales is None else scales[new])
            _check(placed.head.file, found)
            values[there][new], known[there] = found, known[there] | new
    return Block(values.reshape(-1, bands), known.reshape(-1))


def _shared(placed: Placed, at: tuple[int, int], side: int) -> tuple[int, int, int, int] | None:
    """Return rows and columns of a block (first, behind the last) that a raster has, or None."""
    left, top = placed.column - at[0] * side, placed.row - at[1] * side
    rows = max(top, 0), min(top + placed.head.height, side)
    columns = max(left, 0), min(left + placed.head.width, side)
    return (*rows, *columns) if rows[0] < rows[1] and columns[0] < columns[1] else None


def _within(
    placed: Placed, at: tuple[int, int], side: int, window: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    """Return the same rows and columns, counted from the raster's north-western pixel."""
    down, across = at[1] * side - placed.row, at[0] * side - placed.column
    return window[0] + down, window[1] + down, window[2] + across, window[3] + across


def _stored(
    files: OpenFiles, info: RasterInfo, placed: Placed, inner: tuple[int, int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Read numbers as stored (bands, rows, columns), where there are data, and the pixels' scales."""
    head = placed.head
    file = files.get(head.file)
    stored = read_window(file, head.file, inner, bottom_up=head.bottom_up)
    data = with_data(info, stored, head.nodata)
    if head.masked:
        data &= read_window(file, head.file, inner, bottom_up=head.bottom_up, mask=True)[0] > 0
    if not info.scales:
        return stored, data, None
    name = info.scales[placed.place]
    door = files.get(name)
    # A file of scales may run the other way than its raster.
    scales = read_window(door, name, inner, bottom_up=door.transform.e > 0)[0]
    with np.errstate(invalid="ignore"):
        data &= np.isfinite(scales) & (scales > 0)
    return stored, data, scales


def read_window(
    file: Any, name: str, inner: tuple[int, int, int, int], *, bottom_up: bool, mask: bool = False
) -> np.ndarray:
    """Read part of an open file, north up.

    Parameters
    ----------
    file, name
        The file, and what sentences call it.
    inner
        Rows and columns (first, behind the last), counted from the north-western pixel.
    bottom_up
        Whether the file's first row is the southernmost.
    mask
        Whether the file's own mask is read, (1, rows, columns), not its bands.

    Returns
    -------
    numpy.ndarray
        (bands, rows, columns).

    Raises
    ------
    FaultyRaster
        Pixels that cannot be read.
    """
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    first, behind, left, right = inner
    if bottom_up:
        first, behind = file.height - behind, file.height - first
    window = Window(left, first, right - left, behind - first)
    try:
        read = file.read_masks(1, window=window)[None] if mask else file.read(window=window)
    except (RasterioError, OSError, ValueError) as error:
        raise unreadable(name, error) from error
    return np.asarray(read[:, ::-1] if bottom_up else read)


def _check(name: str, values: np.ndarray) -> None:
    wrong = too_large(values)
    if wrong is not None:
        msg = f'{name}: expected the values of an embedding, found {wrong:.6g}. If it stands for no data, say so: "nodata" in city.json, or gdal_edit.py -a_nodata {wrong:.6g} FILE'
        raise FaultyRaster(msg)
