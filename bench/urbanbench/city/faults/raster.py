"""What can be wrong with a layer of rasters: its files, the ground they cover, its date beside those of the labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from urbanbench.city.folder.format import LabelInfo, RasterInfo
from urbanbench.city.rasters.embedding import EmbeddingRaster, raster_heads
from urbanbench.city.rasters.grids import grids_of
from urbanbench.city.rasters.ground import area_in, projected
from urbanbench.city.rasters.opening import packages_missing
from urbanbench.errors import CityFaults, quoted

__all__ = ["PARTLY", "YEARS_APART", "date_notes", "raster_faults"]

PARTLY = 0.5
"""Share of a region below which a note names it."""
YEARS_APART = 1
"""Years that a label may be older or younger than the raster without a note."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def raster_faults(raster: EmbeddingRaster, regions: Any) -> tuple[list[str], list[str]]:
    """Read a layer of rasters where it meets the regions and tell what is wrong.

    Parameters
    ----------
    raster
        The layer.
    regions
        Frame of the regions, or None when they could not be read: then only the files' heads are judged.

    Returns
    -------
    faults
        One sentence per fault.
    notes
        What is allowed and yet good to know: regions that are covered in part or not at all; that a package is missing to look at all.
    """
    name = raster.info.name
    missing = packages_missing()
    if missing:
        return [], [f"{name}: not looked into. {missing}"]
    heads, faults = raster_heads(raster.folder, raster.info)
    if faults or regions is None:
        return faults, []
    shapes = np.asarray(regions.geometry)
    try:
        share = raster.zonal(shapes).share
    except CityFaults as error:
        return list(error.faults), []
    if not share.any():
        return [_away(raster, heads, shapes)], []
    return [], _cover_notes(name, regions.index.to_numpy(), share)


def _away(raster: EmbeddingRaster, heads: Any, shapes: np.ndarray) -> str:
    """Say that no region has a pixel with data: because the raster lies elsewhere, or has none there."""
    import shapely

    ground = area_in(grids_of(heads), raster.crs)
    box = shapely.box(*shapely.total_bounds(shapes))
    name = f"{raster.info.file}{f' and {len(heads) - 1} more' if len(heads) > 1 else ''}"
    if ground.is_empty or ground.intersects(box):
        return f'{name}: expected pixels with data in the regions, found none. Take files of this place, and check "nodata" in city.json.'
    bounds = projected(np.array([box]), raster.crs, heads[0].crs)[0].bounds
    west, south, east, north = (f"{round(edge, 3):.12g}" for edge in bounds)
    away = shapely.distance(ground, box) / 1000
    return f"{name}: expected a raster that covers the regions, found one {away:,.0f} km away. Take the files of this place: in their CRS it is {west} to {east}, {south} to {north}."


def _cover_notes(name: str, ids: np.ndarray, share: np.ndarray) -> list[str]:
    notes = []
    bare, few = share == 0, (share > 0) & (share < PARTLY)
    if bare.any():
        notes.append(
            f"{name}: {int(bare.sum()):,} of {len(ids):,} regions have no pixel with data ({quoted(ids[bare])}); they count as not covered."
        )
    if few.any():
        notes.append(
            f"{name}: {int(few.sum()):,} of {len(ids):,} regions lie to less than {PARTLY:.0%} under pixels with data ({quoted(ids[few])}); what there is stands for all."
        )
    return notes


def date_notes(info: RasterInfo, labels: Mapping[str, LabelInfo]) -> list[str]:
    """Say when the raster's year is not known, or is not that of a label.

    Parameters
    ----------
    info
        What city.json says of the raster.
    labels
        The city's labels by name.
    """
    own = _years(info.date)
    if own is None:
        return [
            f'{info.name}: its entry in city.json names no year. Write "date", the year the embedding is of, so that it can be held against the labels\' dates.'
        ]
    apart = {
        name: years
        for name, label in labels.items()
        if (years := _years(label.date)) and max(years[0] - own[1], own[0] - years[1]) > YEARS_APART
    }
    if not apart:
        return []
    told = ", ".join(f"{name} ({_span(years)})" for name, years in list(apart.items())[:5])
    more = ", …" if len(apart) > 5 else ""
    return [
        f"{info.name}: made of pictures of {_span(own)}, which is more than {YEARS_APART} year from {len(apart)} of {len(labels)} labels: {told}{more}. What was built or torn down between is seen by the one and not by the other."
    ]


def _years(text: str) -> tuple[int, int] | None:
    found = [int(one) for one in _YEAR.findall(text)]
    return (min(found), max(found)) if found else None


def _span(years: tuple[int, int]) -> str:
    return str(years[0]) if years[0] == years[1] else f"{years[0]} to {years[1]}"
