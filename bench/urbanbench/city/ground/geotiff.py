"""Ground from GeoTIFF files: any CRS, one to many bands, 8 bits or more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.ground import Box
from urbanbench.errors import BadInput, ExtraMissing

__all__ = ["GeoTiffs"]

_GLANCE = 1024
"""Pixels per side at most of the reduced picture that brightness is measured on."""


class GeoTiffs:
    """Ground that one or several GeoTIFF files show; where they overlap, the first counts.

    A file with one band is grey, or coloured by its palette; of more bands the first three are red, green and blue. Values of more than
    8 bits are stretched between the 2nd and the 98th percentile of each file's band, the same for all regions.

    Parameters
    ----------
    paths
        The files.
    crs
        CRS of the boxes that will be asked for.

    Raises
    ------
    ExtraMissing
        The package rasterio is not installed.
    BadInput
        A file that is no raster, or has no CRS.
    """

    def __init__(self, paths: Sequence[Path], crs: str) -> None:
        rasterio = _rasterio()
        self.crs, self._files = crs, []
        for path in paths:
            try:
                # By content alone a file of this name may be a VRT, which reads other files and addresses.
                file = rasterio.open(path, driver="GTiff")
            except rasterio.errors.RasterioError as error:
                msg = (
                    f"{path.name}: expected a GeoTIFF, found a file that cannot be read ({str(error)[:120]})."
                )
                raise BadInput(msg) from error
            if file.crs is None:
                msg = f"{path.name}: expected a GeoTIFF with a CRS, found none. Mend: gdal_edit.py -a_srs EPSG:CODE {path.name}"
                raise BadInput(msg)
            self._files.append((file, _Look(file)))
        self.words = (
            f"Cut from {', '.join(path.name for path in paths[:3])}{', …' if len(paths) > 3 else ''}."
        )

    def picture(self, box: Box, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Show a square of ground; see `Ground.picture`."""
        pixels = np.zeros((size, size, 3), dtype=np.uint8)
        known = np.zeros((size, size), dtype=bool)
        for file, look in self._files:
            if known.all():
                break
            made, there = self._warped(file, look, box, size)
            new = there & ~known
            pixels[new], known = made[new], known | there
        return pixels, known

    def _warped(self, file: Any, look: _Look, box: Box, size: int) -> tuple[np.ndarray, np.ndarray]:
        from rasterio.enums import Resampling
        from rasterio.transform import from_bounds
        from rasterio.vrt import WarpedVRT

        how = Resampling.nearest if look.palette is not None else Resampling.bilinear
        place = {"crs": self.crs, "transform": from_bounds(*box, size, size), "width": size, "height": size}
        with WarpedVRT(file, resampling=how, add_alpha=look.adds_alpha, **place) as warped:
            bands = warped.read(look.bands)
            known = np.asarray(warped.dataset_mask() > 0)
        return look.colours(bands), known


class _Look:
    """How a file's values become colours."""

    def __init__(self, file: Any) -> None:
        self.bands = [1, 2, 3] if file.count >= 3 else [1]
        self.adds_alpha = file.nodata is None and not any("alpha" in str(one) for one in file.colorinterp)
        self.palette = _palette(file) if self.bands == [1] else None
        self.range = None if file.dtypes[0] == "uint8" else _brightness(file, self.bands)

    def colours(self, bands: np.ndarray) -> np.ndarray:
        """Turn values (b, size, size) into colours uint8 (size, size, 3)."""
        if self.palette is not None:
            return np.asarray(self.palette[bands[0].astype(np.int64).clip(0, len(self.palette) - 1)])
        values = np.moveaxis(bands, 0, -1)
        if self.range is not None:
            low, high = self.range
            share = (np.nan_to_num(values.astype(np.float64)) - low) / np.maximum(high - low, 1e-9)
            values = np.rint(share.clip(0, 1) * 255)
        return np.asarray(np.broadcast_to(values, (*values.shape[:2], 3)), dtype=np.uint8)


def _palette(file: Any) -> np.ndarray | None:
    """Return the colours of a file's values, uint8 (k, 3); None where it has no palette."""
    try:
        listed = file.colormap(1)
    except ValueError:
        return None
    table = np.zeros((max(listed) + 1, 3), dtype=np.uint8)
    for value, colour in listed.items():
        table[value] = colour[:3]
    return table


def _brightness(file: Any, bands: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the 2nd and 98th percentile of each band, float64 (b,)."""
    share = min(1.0, _GLANCE / max(file.width, file.height))
    shape = (len(bands), max(1, round(file.height * share)), max(1, round(file.width * share)))
    glance = file.read(bands, out_shape=shape, masked=True).astype(np.float64).filled(np.nan)
    flat = glance.reshape(len(bands), -1)
    if not np.isfinite(flat).any(axis=1).all():
        return np.zeros(len(bands)), np.ones(len(bands))
    low, high = np.nanpercentile(np.where(np.isfinite(flat), flat, np.nan), [2, 98], axis=1)
    return low, high


def _rasterio() -> Any:
    try:
        import rasterio
        import rasterio.errors
    except ImportError as error:
        msg = "Reading a GeoTIFF needs the package rasterio, which is not installed. Mend: pip install 'urbanbench[raster]'"
        raise ExtraMissing(msg) from error
    return rasterio
