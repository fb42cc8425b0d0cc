"""Rasters to copy from: opened one at a time, read window by window, north up, whatever kind of file they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from urbanbench.build.rasters.find import ARRAY, Found
from urbanbench.city.rasters.heads import RasterHead, head_of
from urbanbench.city.rasters.mosaic import read_window
from urbanbench.city.rasters.opening import FaultyRaster, open_geotiff, raster_library
from urbanbench.errors import BadInput

__all__ = ["Source", "heads_of", "open_source"]

Inner = tuple[int, int, int, int]
"""Rows and columns (first, behind the last), counted from the north-western pixel."""


class Source(Protocol):
    """An open raster."""

    @property
    def head(self) -> RasterHead:
        """Its head."""

    def read(self, inner: Inner) -> np.ndarray:
        """Return numbers as stored (bands, rows, columns), and what is masked as no data."""


def heads_of(found: Found) -> tuple[RasterHead, RasterHead | None]:
    """Read the heads of a raster and of its scales.

    Raises
    ------
    BadInput
        They cannot be read, or lie nowhere.
    ExtraMissing
        A package is not installed.
    """
    with open_source(found.path, found.place) as source:
        head = source.head
    if found.scales is None:
        return head, None
    with open_source(found.scales, found.place) as source:
        return head, source.head


@contextmanager
def open_source(path: Path, place: Path | None) -> Iterator[Source]:
    """Open a GeoTIFF, or an array with the GeoTIFF that says where it lies.

    Raises
    ------
    BadInput
        It cannot be read, or lies nowhere.
    ExtraMissing
        A package is not installed.
    """
    try:
        with (
            raster_library(alone=False) as rasterio,
            open_geotiff(rasterio, place or path, path.name) as file,
        ):
            if path.suffix.lower() == ARRAY:
                yield _array_source(path, head_of(file, (place or path).name))
            else:
                yield _GeoTiff(file, head_of(file, path.name))
    except FaultyRaster as error:
        raise BadInput(str(error)) from error


@dataclass(frozen=True)
class _GeoTiff:
    file: Any
    head: RasterHead

    def read(self, inner: Inner) -> np.ndarray:
        """See `Source.read`."""
        head = self.head
        stored = read_window(self.file, head.file, inner, bottom_up=head.bottom_up)
        if not head.masked:
            return stored
        hidden = read_window(self.file, head.file, inner, bottom_up=head.bottom_up, mask=True)[0] == 0
        if not hidden.any():
            return stored
        nothing = np.nan if stored.dtype.kind == "f" else head.nodata
        if nothing is None:
            msg = f"{head.file}: expected a number for pixels without data beside its mask, found none. Mend: gdal_translate -a_nodata NUMBER {head.file} out.tif"
            raise FaultyRaster(msg)
        return np.where(hidden, np.asarray(nothing).astype(stored.dtype), stored)


@dataclass(frozen=True)
class _Array:
    numbers: np.ndarray
    head: RasterHead

    def read(self, inner: Inner) -> np.ndarray:
        """See `Source.read`."""
        rows, columns = slice(*inner[:2]), slice(*inner[2:])
        if self.head.bottom_up:
            rows = slice(self.head.height - inner[1], self.head.height - inner[0])
        part = np.array(self.numbers[rows, columns])
        part = part[::-1] if self.head.bottom_up else part
        return np.ascontiguousarray(part.transpose(2, 0, 1))


def _array_source(path: Path, place: RasterHead) -> _Array:
    try:
        numbers = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        msg = f"{path.name}: expected an array of numbers (.npy), found a file that cannot be read ({str(error)[:120]}). Fetch it again."
        raise FaultyRaster(msg) from error
    numbers = numbers[..., None] if numbers.ndim == 2 else numbers
    if (
        numbers.ndim != 3
        or numbers.shape[:2] != (place.height, place.width)
        or numbers.dtype.kind not in "iuf"
    ):
        msg = f"{path.name}: expected numbers (rows, columns, bands) for the {place.height} x {place.width} pixels of {place.file}, found {numbers.dtype} {numbers.shape}. Take the GeoTIFF that came with the array."
        raise FaultyRaster(msg)
    bands = numbers.shape[2]
    head = replace(
        place,
        file=path.name,
        bands=bands,
        dtype=numbers.dtype.name,
        nodata=None,
        scale=(),
        offset=(),
        masked=False,
    )
    return _Array(numbers, head)
