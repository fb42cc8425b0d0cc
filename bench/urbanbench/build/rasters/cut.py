"""Rasters cut to a city and written window by window: pixels as they were stored, north up, one layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.rasters.find import OPTION, Found, find_rasters
from urbanbench.build.rasters.law import Law, read_law, settled_law
from urbanbench.build.rasters.sources import Inner, heads_of, open_source
from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.folder.laws import PIXEL_SCALE
from urbanbench.city.rasters.ground import projected
from urbanbench.city.rasters.heads import RasterHead
from urbanbench.city.rasters.together import head_faults
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.build.report import Report

__all__ = ["Rasters", "cut_rasters", "open_rasters"]

LAYER = "raster_embedding"
_SIDE, _TOGETHER = 256, 4
"""Pixels per side of the parts in which files are stored; parts per side that are copied one after another, as the source's parts are larger."""


@dataclass(frozen=True)
class Rasters:
    """A user's rasters, judged.

    Parameters
    ----------
    found, heads, scales
        Files, their heads, and the heads of their scales, in one order.
    law
        How their numbers become values.
    """

    found: tuple[Found, ...]
    heads: tuple[RasterHead, ...]
    scales: tuple[RasterHead, ...]
    law: Law

    def entry(self, files: Sequence[str], scales: Sequence[str]) -> dict[str, Any]:
        """Return the fields of the entry in city.json that tell how the files are read."""
        law, first = self.law, self.heads[0]
        entry: dict[str, Any] = {
            "files": list(files),
            "count": len(files),
            "law": law.name,
            "bands": first.bands,
            "dtype": first.dtype,
        }
        for word, numbers in (("scale", law.scale), ("offset", law.offset)):
            if numbers:
                entry[word] = numbers[0] if len(numbers) == 1 else list(numbers)
        return {**entry, "scales": list(scales)} if scales else entry


def open_rasters(path: Path, law: str) -> Rasters:
    """Find rasters and judge them against one another and their law, without reading a pixel.

    Parameters
    ----------
    path
        A file or folder; see `urbanbench.build.rasters.find.find_rasters`.
    law
        See `urbanbench.build.rasters.law.read_law`; "" where the files leave no doubt.

    Raises
    ------
    DataMissing, BadInput, UnknownName, ExtraMissing
        Nothing there; files that do not fit each other or the law; a package that is not installed.
    """
    asked = read_law(law)
    found = tuple(find_rasters(path))
    both = [heads_of(one) for one in found]
    heads = tuple(head for head, _ in both)
    settled = settled_law(asked, heads, [one for _, one in both])
    scales = tuple(one for _, one in both if one is not None) if settled.name == PIXEL_SCALE else ()
    info = RasterInfo(
        LAYER, heads[0].file, law=settled.name, scale=settled.scale or (1.0,), offset=settled.offset or (0.0,)
    )
    faults = head_faults(info, heads, scales)
    if faults:
        raise BadInput(" ".join(faults[:1]))
    return Rasters(found, heads, scales, settled)


def cut_rasters(
    rasters: Rasters, regions: Any, reach_m: float, folder: Path | None, report: Report
) -> dict[str, Any]:
    """Copy what lies in the box around the regions.

    Parameters
    ----------
    rasters
        What `open_rasters` gave.
    regions
        Frame of the regions, in the city's CRS.
    reach_m
        Ground beyond the box that is kept, in metres.
    folder
        The city folder; None to tell what would be copied.
    report
        What is read, kept, dropped and mended.

    Returns
    -------
    dict
        The entry for city.json without words on source, date and licence.

    Raises
    ------
    BadInput
        No raster meets the box, or one cannot be read.
    """
    box = _box(regions, reach_m)
    files, scales = [], []
    for place, (one, head) in enumerate(zip(rasters.found, rasters.heads, strict=True)):
        inner = _inner(head, box, str(regions.crs))
        report.add(LAYER, "read", "pixels of rasters", count=head.width * head.height)
        if inner is None:
            report.add(LAYER, "dropped", "rasters that do not meet the city's box", ids=[head.file])
            continue
        if head.bottom_up:
            report.add(LAYER, "mended", "rasters stored from the south, turned north up", ids=[head.file])
        name = f"{LAYER}/{_plain(one.path.stem, place)}"
        files.append(f"{name}.tif")
        _copy(one.path, one.place, head, inner, folder, files[-1])
        if rasters.scales:
            scales.append(f"{name}_scales.tif")
            _copy(one.scales or Path(), one.place, rasters.scales[place], inner, folder, scales[-1])
        report.add(
            LAYER, "kept", f"pixels within {reach_m:g} m of the box around the regions", count=_pixels(inner)
        )
    if not files:
        raise BadInput(_apart(rasters.heads, box, str(regions.crs)))
    return rasters.entry(files, scales)


def _box(regions: Any, reach_m: float) -> Any:
    import shapely

    return shapely.box(*shapely.total_bounds(np.asarray(regions.geometry))).buffer(
        reach_m, join_style="mitre"
    )


def _inner(head: RasterHead, box: Any, crs: str) -> Inner | None:
    """Return the rows and columns of a raster that meet a box, or None."""
    there = projected(np.array([box]), crs, head.crs)[0]
    if there.is_empty:
        return None
    west, south, east, north = there.bounds
    left, right = (
        max(int(np.floor((west - head.left) / head.dx)), 0),
        min(int(np.ceil((east - head.left) / head.dx)), head.width),
    )
    first, behind = (
        max(int(np.floor((head.top - north) / head.dy)), 0),
        min(int(np.ceil((head.top - south) / head.dy)), head.height),
    )
    return (first, behind, left, right) if first < behind and left < right else None


def _pixels(inner: Inner) -> int:
    return (inner[1] - inner[0]) * (inner[3] - inner[2])


def _plain(stem: str, place: int) -> str:
    """Return a name for a file: numbered, as stems may repeat, and without signs that no path should have."""
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "-" for sign in stem)
    return f"{place:03d}-{kept[:60]}"


def _copy(
    path: Path, place: Path | None, head: RasterHead, inner: Inner, folder: Path | None, name: str
) -> None:
    if folder is None:
        return
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with open_source(path, place) as source, _created(folder / name, head, inner) as target:
        for window in _windows(inner):
            part = source.read(window)
            at = (window[0] - inner[0], window[1] - inner[0]), (window[2] - inner[2], window[3] - inner[2])
            target.write(part, window=at)


def _created(path: Path, head: RasterHead, inner: Inner) -> Any:
    """Create a GeoTIFF for a part of a raster, inside of `open_source`."""
    import rasterio
    from affine import Affine

    corner = head.left + inner[2] * head.dx, head.top - inner[0] * head.dy
    place = Affine(head.dx, 0, corner[0], 0, -head.dy, corner[1])
    size = {"height": inner[1] - inner[0], "width": inner[3] - inner[2]}
    kind = {"driver": "GTiff", "count": head.bands, "dtype": head.dtype, "nodata": head.nodata}
    layout = {
        "tiled": True,
        "blockxsize": _SIDE,
        "blockysize": _SIDE,
        "interleave": "pixel",
        "photometric": "minisblack",
    }
    stored = {"compress": "deflate", "bigtiff": "if_safer"}
    return rasterio.open(path, "w", crs=head.crs, transform=place, **size, **kind, **layout, **stored)


def _windows(inner: Inner) -> Iterator[Inner]:
    """Cut rows and columns into parts, a few by a few neighbours after one another."""
    first, behind, left, right = inner
    step = _SIDE * _TOGETHER
    for top in range(first, behind, step):
        for west in range(left, right, step):
            for row in range(top, min(top + step, behind), _SIDE):
                for column in range(west, min(west + step, right), _SIDE):
                    yield row, min(row + _SIDE, behind), column, min(column + _SIDE, right)


def _apart(heads: Sequence[RasterHead], box: Any, crs: str) -> str:
    head = heads[0]
    west, south, east, north = (
        f"{round(edge, 3):.12g}" for edge in projected(np.array([box]), crs, head.crs)[0].bounds
    )
    mine = ", ".join(f"{round(edge, 3):.12g}" for edge in head.box)
    more = f" and {len(heads) - 1} more" if len(heads) > 1 else ""
    return f"{OPTION}: {head.file}{more} show no ground of the city. Expected ground in {west}, {south}, {east}, {north} (west, south, east, north, in the raster's CRS), got {mine}. Take the files of this place."
