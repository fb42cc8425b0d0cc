"""Regions as somebody drew them: any vector file with a column of ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import read_vector
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.shapes import ground_km2, polygons_of
from urbanbench.errors import BadInput, quoted

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.build.report import Report

__all__ = ["drawn_regions"]

_MOST_OVERLAP = 0.5
"""Share of the smaller of two regions above which they are two levels of one hierarchy, or one given twice."""
_LEAST_OVERLAP = 0.01
"""Share below which an overlap is a sliver and left as it is."""


def drawn_regions(
    path: Path,
    report: Report,
    *,
    id_column: str,
    name_column: str = "",
    layer: str = "",
    file_crs: str = "",
    ask_crs: str = "--file-crs EPSG:CODE",
) -> gpd.GeoDataFrame:
    """Read regions from a vector file.

    Rows with the same id are parts of one region. Invalid polygons are made valid, heights fall away, and where two regions overlap by
    1 to 50 percent of the smaller one, the first id keeps the ground.

    Parameters
    ----------
    path
        The file; see `urbanbench.build.files.read_vector`.
    report
        Told what was read, dropped and mended.
    id_column, name_column
        Column of the ids, which become text; column of names for people, "" for none.
    layer, file_crs
        Layer of a file with several; CRS of a file that names none.
    ask_crs
        How to name that CRS, to paste; "" where it cannot be named.

    Returns
    -------
    GeoDataFrame
        Index region_id, sorted; name, geometry in longitude and latitude.

    Raises
    ------
    DataMissing, BadInput
        A file that cannot be read; no such column; no polygon in it; regions of two levels.
    """
    frame = read_vector(path, "the regions", layer=layer, crs=file_crs, ask=ask_crs)
    report.add("regions", "read", f"rows of {path.name}", count=len(frame))
    id_column = pick_column(path.name, frame.columns, id_column, "the column of ids, --id COLUMN")
    ids = text_ids(frame[id_column])
    names = ids
    if name_column:
        named = pick_column(path.name, frame.columns, name_column, "a column of names, --region-name COLUMN")
        names = [name or one for name, one in zip(text_ids(frame[named]), ids, strict=True)]
    shapes = [_polygons(one, shape, report) for one, shape in zip(ids, frame.geometry, strict=True)]
    parts: dict[str, list[Any]] = {}
    title: dict[str, str] = {}
    for one, name, shape in zip(ids, names, shapes, strict=True):
        if shape is not None and one:
            parts.setdefault(one, []).append(shape)
            title.setdefault(one, name)
    report.add("regions", "dropped", "no id", count=sum(not one for one in ids))
    if not parts:
        msg = f"{path.name}: expected polygons with ids in column {id_column!r}, found none among {len(frame)} rows."
        raise BadInput(msg)
    return _without_overlaps(_united(parts, title, report), path.name, report)


def _polygons(one: str, shape: Any, report: Report) -> Any:
    found = polygons_of(shape)
    if found is None:
        report.add("regions", "dropped", "no polygon", ids=[one])
    elif not shape.is_valid:
        report.add("regions", "mended", "invalid polygons, made valid", ids=[one])
    elif found.geom_type != shape.geom_type:
        report.add("regions", "mended", "lines and points beside the polygons left out", ids=[one])
    return found


def _united(parts: dict[str, list[Any]], title: dict[str, str], report: Report) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    ids = sorted(parts)
    several = [one for one in ids if len(parts[one]) > 1]
    report.add("regions", "mended", "ids of several rows, whose parts were joined", ids=several)
    shapes = [
        polygons_of(shapely.union_all(parts[one])) if len(parts[one]) > 1 else parts[one][0] for one in ids
    ]
    index = pd.Index(ids, name="region_id")
    return gpd.GeoDataFrame({"name": [title[one] for one in ids]}, geometry=shapes, index=index, crs=4326)


def _without_overlaps(regions: gpd.GeoDataFrame, file: str, report: Report) -> gpd.GeoDataFrame:
    import shapely

    shapes = np.asarray(regions.geometry)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    inner, outer = shapely.STRtree(shapes).query(shapes, predicate="within")
    pairs = sorted(
        {(min(a, b), max(a, b)) for a, b in zip([*one, *inner], [*other, *outer], strict=True) if a != b}
    )
    if not pairs:
        return regions
    first, second = np.array(pairs).T
    area = ground_km2(shapes)
    share = ground_km2(shapely.intersection(shapes[first], shapes[second])) / np.minimum(
        area[first], area[second]
    )
    if (share > _MOST_OVERLAP).any():
        k = np.flatnonzero(share > _MOST_OVERLAP)
        named = quoted([f"{regions.index[first[n]]} and {regions.index[second[n]]}" for n in k[:3]])
        msg = f"{file}: expected regions beside one another, found {len(k)} pairs of which one covers more than half of the other ({named}). Mend: keep the regions of one level."
        raise BadInput(msg)
    cut = shapes.copy()
    for a, b in np.array(pairs)[share > _LEAST_OVERLAP].tolist():
        cut[b] = polygons_of(shapely.difference(cut[b], cut[a])) or cut[b]
        report.add("regions", "mended", "overlap with a region before it, cut off", ids=[regions.index[b]])
    return regions.set_geometry(cut, crs=regions.crs)
