"""What shows the ground: a GeoTIFF, a folder of them, or a folder of tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.city.ground import Ground

__all__ = ["open_ground"]


def open_ground(path: Path, crs: str, option: str = "--satellite") -> Ground:
    """Open pictures of the ground.

    Parameters
    ----------
    path
        A GeoTIFF, a folder of GeoTIFFs, or a folder of tiles ``<zoom>/<x>/<y>.png``.
    crs
        CRS of the boxes that will be asked for.
    option
        How the path was given, for errors.

    Raises
    ------
    BadInput
        Nothing is there, or something else.
    ExtraMissing
        The package rasterio is not installed.
    """
    if not path.exists():
        msg = f"{option} got {str(path)!r}, which is not there. Expected a GeoTIFF, or a folder of GeoTIFFs or tiles <zoom>/<x>/<y>."
        raise BadInput(msg)
    rasters = (
        sorted(one for one in path.iterdir() if one.suffix.lower() in {".tif", ".tiff"})
        if path.is_dir()
        else [path]
    )
    if path.is_dir() and not rasters:
        from urbanbench.city.ground.tiles import Tiles

        return Tiles(path, crs)
    from urbanbench.city.ground.geotiff import GeoTiffs

    return GeoTiffs(rasters, crs)
