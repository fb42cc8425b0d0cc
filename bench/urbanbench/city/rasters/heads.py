"""What a GeoTIFF says of itself before a pixel is read, and what it may not say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.folder.limits import MAX_RASTER_BANDS, MAX_RASTER_BLOCK_BYTES, MAX_RASTER_NUMBERS, MIB
from urbanbench.city.rasters.opening import FaultyRaster, open_geotiff, raster_library

__all__ = ["RasterHead", "head_of", "read_head"]

_MOST_PIXELS = 2.0**40
"""No place is so many pixels from the origin of its CRS: beyond, positions lose their digits."""


@dataclass(frozen=True)
class RasterHead:
    """Place, size and kind of a raster whose sides run east and north.

    Parameters
    ----------
    file
        What sentences call it.
    crs
        WKT.
    width, height, bands
        Pixels and bands.
    dtype
        Of all bands.
    left, top
        The north-western corner, in the CRS.
    dx, dy
        Width and height of a pixel, above 0, in the CRS.
    bottom_up
        Whether the file's first row is the southernmost.
    nodata
        Stored number of a pixel without data, or None.
    scale, offset
        What the file itself says of each band; 1 and 0 where it is silent.
    masked
        Whether the file has a mask of its own.
    """

    file: str
    crs: str
    width: int
    height: int
    bands: int
    dtype: str
    left: float
    top: float
    dx: float
    dy: float
    bottom_up: bool = False
    nodata: float | None = None
    scale: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()
    masked: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in the CRS."""
        return self.left, self.top - self.height * self.dy, self.left + self.width * self.dx, self.top


def read_head(folder: Path, name: str) -> RasterHead:
    """Read the head of a file of a city folder.

    Raises
    ------
    FaultyRaster
        It cannot be read, lies nowhere or aslant, or breaks a limit.
    ExtraMissing
        A package is not installed.
    """
    with raster_library() as rasterio, open_geotiff(rasterio, folder / name, name) as file:
        return head_of(file, name)


def head_of(file: Any, name: str) -> RasterHead:
    """Judge an open file and return its head; see `read_head`."""
    from rasterio.enums import MaskFlags

    base = Path(name).name
    if file.crs is None:
        raise _wrong(name, "a CRS", "none", f"gdal_edit.py -a_srs EPSG:CODE {base}")
    at = file.transform
    if at.is_identity:
        raise _wrong(name, "a place", "none", f"gdal_edit.py -a_ullr WEST NORTH EAST SOUTH {base}")
    if at.b or at.d or at.a <= 0 or not at.e:
        found = "one that is rotated, sheared or mirrored"
        raise _wrong(
            name, "a raster whose rows run from west to east", found, f"gdalwarp {base} straight.tif"
        )
    dx, dy, bottom_up = float(at.a), float(abs(at.e)), at.e > 0
    top = float(at.f + at.e * file.height) if bottom_up else float(at.f)
    _check_place(name, float(at.c), top, dx, dy)
    kinds = sorted(set(file.dtypes))
    if len(kinds) > 1 or np.dtype(kinds[0]).kind not in "iuf":
        raise _wrong(
            name,
            "real numbers of one type in all bands",
            ", ".join(kinds),
            f"gdal_translate -ot Float32 {base} out.tif",
        )
    _check_size(name, file, kinds[0])
    flags = file.mask_flag_enums[0]
    return RasterHead(
        file=name,
        crs=_wkt(name, file.crs),
        width=file.width,
        height=file.height,
        bands=file.count,
        dtype=kinds[0],
        left=float(at.c),
        top=top,
        dx=dx,
        dy=dy,
        bottom_up=bottom_up,
        nodata=None if file.nodata is None else float(file.nodata),
        scale=tuple(map(float, file.scales)),
        offset=tuple(map(float, file.offsets)),
        masked=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
    )


def _wrong(name: str, expected: str, found: str, mend: str) -> FaultyRaster:
    return FaultyRaster(f"{name}: expected {expected}, found {found}. Mend: {mend}")


def _wkt(name: str, crs: Any) -> str:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        known = CRS.from_wkt(crs.to_wkt())
    except (CRSError, ValueError) as error:
        raise _wrong(
            name, "a CRS", "one that is not understood", f"gdal_edit.py -a_srs EPSG:CODE {Path(name).name}"
        ) from error
    if not (known.is_projected or known.is_geographic):
        raise _wrong(
            name,
            "a projected or geographic CRS",
            f"{known.name[:60]!r}",
            f"gdal_edit.py -a_srs EPSG:CODE {Path(name).name}",
        )
    return str(known.to_wkt())


def _check_place(name: str, left: float, top: float, dx: float, dy: float) -> None:
    if not np.isfinite([left, top, dx, dy]).all() or max(abs(left) / dx, abs(top) / dy) > _MOST_PIXELS:
        found = f"pixels of {dx:g} by {dy:g} at {left:g}, {top:g}"
        raise _wrong(
            name, "pixels of a size that a map has", found, f"gdal_edit.py -tr WIDTH HEIGHT {Path(name).name}"
        )


def _check_size(name: str, file: Any, dtype: str) -> None:
    if file.count > MAX_RASTER_BANDS or file.width * file.height * file.count > MAX_RASTER_NUMBERS:
        expected = f"at most {MAX_RASTER_BANDS} bands and {MAX_RASTER_NUMBERS:.0e} numbers"
        found = f"{file.count} bands of {file.width} x {file.height} pixels"
        raise _wrong(
            name, expected, found, f"gdal_translate -projwin WEST NORTH EAST SOUTH {Path(name).name} out.tif"
        )
    rows, columns = file.block_shapes[0]
    together = file.count if str(getattr(file.interleaving, "value", "")).lower() == "pixel" else 1
    size = rows * columns * together * np.dtype(dtype).itemsize
    if size > MAX_RASTER_BLOCK_BYTES:
        expected = f"a raster stored in parts of at most {MAX_RASTER_BLOCK_BYTES // MIB} MiB"
        raise _wrong(
            name, expected, f"parts of {size // MIB} MiB", f"gdal_translate -of COG {Path(name).name} out.tif"
        )
