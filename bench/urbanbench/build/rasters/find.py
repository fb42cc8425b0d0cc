"""Which files of a folder are embedding rasters, which are their scales, and which say where an array lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from urbanbench.city.folder.paths import last_part
from urbanbench.errors import BadInput, DataMissing

__all__ = ["OPTION", "Found", "find_rasters"]

OPTION = "--raster-embedding"
TIFFS, ARRAY = (".tif", ".tiff"), ".npy"
_SCALES = "_scales"
_PLACES = "global_0.1_degree_tiff_all"
"""Folder of TESSERA's downloads with the GeoTIFFs that say where its arrays lie."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Found:
    """A raster.

    Parameters
    ----------
    path
        A GeoTIFF, or an array (rows, columns, bands).
    scales
        A number for each pixel of it, of the same kind of file; None where there is none.
    place
        Of an array: the GeoTIFF of the same pixels that says where they lie.
    """

    path: Path
    scales: Path | None = None
    place: Path | None = None


def find_rasters(path: Path) -> list[Found]:
    """Find the rasters of a file or a folder, in the order of their paths.

    A file ``x.tif`` or ``x.npy`` has its scales in ``x_scales.tif`` or ``x_scales.npy`` beside it; an array its place in ``x.tif`` beside it,
    or in the folder ``global_0.1_degree_tiff_all`` of TESSERA's downloads.

    Raises
    ------
    DataMissing
        Nothing there.
    BadInput
        No raster, several years, or arrays that lie nowhere.
    """
    if not path.exists():
        msg = f"{OPTION} got {str(path)!r}, which is not there. Expected a GeoTIFF, or a folder of GeoTIFFs or of TESSERA's arrays. Check the path."
        raise DataMissing(msg)
    listed = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    rasters = [one for one in listed if not one.stem.endswith(_SCALES) and _PLACES not in one.parts]
    arrays = [one for one in rasters if one.suffix.lower() == ARRAY]
    found = [_array(one, path) for one in arrays] or [
        Found(one, _beside(one, one.suffix)) for one in rasters if one.suffix.lower() in TIFFS
    ]
    if not found:
        msg = f"{OPTION} {last_part(path)!r} holds no raster. Expected files with suffix {', '.join(TIFFS)}, or {ARRAY} as TESSERA's downloads have them. Mend: gdal_translate SOURCE out.tif"
        raise BadInput(msg)
    _check_years(path, [one.path for one in found])
    return found


def _array(array: Path, given: Path) -> Found:
    tops = [given, *given.parents] if given.is_dir() else list(given.parents)
    places = [
        folder / f"{array.stem}{end}"
        for folder in (array.parent, *(top / _PLACES for top in tops))
        for end in TIFFS
    ]
    place = next((one for one in places if one.is_file()), None)
    if place is None:
        msg = f"{array.name}: expected a GeoTIFF that says where the array lies, found none. Put {array.stem}.tif beside it, or name the folder that holds {_PLACES!r}."
        raise BadInput(msg)
    return Found(array, _beside(array, array.suffix), place)


def _beside(path: Path, suffix: str) -> Path | None:
    scales = path.with_name(f"{path.stem}{_SCALES}{suffix}")
    return scales if scales.is_file() else None


def _check_years(given: Path, paths: list[Path]) -> None:
    """Refuse a folder with folders of several years: an embedding is of one."""
    if not given.is_dir():
        return
    parts = {part for one in paths for part in one.relative_to(given).parts[:-1]}
    years = sorted(part for part in parts if _YEAR.fullmatch(part))
    if len(years) > 1:
        msg = f"{OPTION} {last_part(given)!r} holds the years {', '.join(years)}. Expected one. Name its folder: {OPTION} {given / years[-1]}"
        raise BadInput(msg)
