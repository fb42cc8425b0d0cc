"""An embedding raster of a city, as a view shows it: statistics of its pixels over polygons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.rasters.grids import Grid, grids_of
from urbanbench.city.rasters.heads import RasterHead, read_head
from urbanbench.city.rasters.opening import FaultyRaster
from urbanbench.city.rasters.together import head_faults
from urbanbench.city.rasters.zonal import Zonal, zonal_statistics
from urbanbench.errors import BadInput, CityFaults

__all__ = ["EmbeddingRaster"]


@dataclass(frozen=True)
class EmbeddingRaster:
    """Pixels that somebody else's model made of satellite archives, as GeoTIFF files of many bands.

    Nothing is read before it is asked for, and what is made here cannot be changed.

    Parameters
    ----------
    city, folder, crs
        Name of the city, its folder, and its CRS.
    info
        What city.json says of the layer.
    """

    city: str
    folder: Path
    crs: str
    info: RasterInfo
    _moves: tuple[tuple[float, tuple[float, float]], ...] = field(default=())

    @property
    def dim(self) -> int:
        """Bands.

        Raises
        ------
        CityFaults
            The files are no rasters that fit each other and city.json.
        ExtraMissing
            A package is not installed.
        """
        return self.heads[0].bands

    @cached_property
    def heads(self) -> tuple[RasterHead, ...]:
        """What each file says of itself, in the order of city.json; raises as `dim`."""
        heads, faults = raster_heads(self.folder, self.info)
        if faults:
            raise CityFaults(self.city, faults)
        return heads

    @cached_property
    def _grids(self) -> list[Grid]:
        return grids_of(self.heads)

    def zonal(self, shapes: np.ndarray, *, spread: bool = False) -> Zonal:
        """Return mean, spread and covered share of polygons, each pixel weighted by the share of it that lies in the polygon.

        Values are de-quantised first; pixels without data do not count. The files are read by blocks: memory does not grow with the raster.

        Parameters
        ----------
        shapes
            Shapely polygons and multipolygons (n,), in the city's CRS.
        spread
            Whether the standard deviations are wanted; zeros otherwise.

        Raises
        ------
        BadInput
            Other geometries.
        CityFaults
            Files that do not fit, cannot be read, or hold numbers that no embedding has.
        ExtraMissing
            A package is not installed.
        """
        import shapely

        asked = np.asarray(shapes, dtype=object)
        kinds = shapely.get_type_id(asked)
        if not np.isin(kinds, [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]).all():
            msg = "Statistics of a raster are asked for geometries that are no polygons. Expected polygons or multipolygons in the city's CRS. Mend: shape.buffer(METRES) around points and lines."
            raise BadInput(msg)
        grids = self._grids
        try:
            return zonal_statistics(
                self.folder, self.info, grids, self._unmoved(asked), self.crs, spread=spread
            )
        except FaultyRaster as error:
            raise CityFaults(self.city, [str(error)]) from error

    def moved(self, offset_m: tuple[float, float], *, east_of: float = -np.inf) -> EmbeddingRaster:
        """Return the raster as it is for a city that lies elsewhere: polygons are moved back before they are looked up.

        Parameters
        ----------
        offset_m
            (east, north) by which the city was moved, in metres.
        east_of
            Easting of the centre, in the city's CRS, from which a polygon counts as moved.
        """
        return replace(self, _moves=((east_of, offset_m), *self._moves))

    def _unmoved(self, shapes: np.ndarray) -> np.ndarray:
        import shapely

        for east_of, offset in self._moves:
            there = shapely.get_x(shapely.centroid(shapes)) > east_of
            back: Any = shapely.transform(shapes[there], lambda xy, by=offset: xy - by)
            shapes = shapes.copy()
            shapes[there] = back
        return shapes


def raster_heads(folder: Path, info: RasterInfo) -> tuple[tuple[RasterHead, ...], list[str]]:
    """Read the heads of a layer's files and tell every fault of them.

    Returns
    -------
    heads
        Of `info.files`; () when one cannot be read.
    faults
        One sentence per fault.
    """
    faults: list[str] = []
    heads = [_head(folder, name, faults) for name in info.files]
    scales = [_head(folder, name, faults) for name in info.scales]
    found = [one for one in heads if one is not None]
    if not faults:
        faults = head_faults(info, found, [one for one in scales if one is not None])
    return (() if len(found) < len(heads) else tuple(found)), faults


def _head(folder: Path, name: str, faults: list[str]) -> RasterHead | None:
    try:
        return read_head(folder, name)
    except FaultyRaster as error:
        faults.append(str(error))
        return None
