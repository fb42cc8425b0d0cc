"""Labels from other polygons: amounts and rates carried over by the area that each shares with a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import read_vector
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.labels.places import label_frame
from urbanbench.build.shapes import polygons_of

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["from_areas"]


@dataclass(frozen=True)
class _Shared:
    """Pairs of a region and a polygon that share ground: row numbers int64 (p,), shared area float64 (p,) in m2."""

    region: np.ndarray
    source: np.ndarray
    area: np.ndarray

    def sums(self, weights: np.ndarray, count: int) -> np.ndarray:
        return np.bincount(self.region, weights=weights, minlength=count)


def from_areas(wish: Wish, places: Places, report: Report) -> pd.DataFrame:
    """Carry values of polygons over to regions.

    An amount is divided among regions by area: the sum over polygons of value times the share of the polygon in the region. A rate is the
    mean of the polygons' values, weighted by shared area. A class is the one with the most area; a composition the share of each class.
    Regions of which polygons with a value cover less than ``wish.cover`` get no value.

    Returns
    -------
    DataFrame
        Index region_id; value, or the shares.

    Raises
    ------
    DataMissing, BadInput
        A file that cannot be read, or no such column.
    """
    path = wish.file
    frame = read_vector(path, f"label {wish.name!r}", layer=wish.layer, crs=wish.crs, ask=wish.ask_crs)
    part = f"labels/{wish.name}"
    report.add(part, "read", f"polygons of {path.name}", count=len(frame))
    asked = f'the column of values of label {wish.name!r}, column = "COLUMN"'
    column = frame[pick_column(path.name, frame.columns, wish.column, asked)]
    named = wish.kind != "regression"
    values: Any = (
        np.array([wish.names.get(one, one) for one in text_ids(column)], dtype=object)
        if named
        else as_numbers(column)
    )
    shapes = np.array([polygons_of(one) for one in frame.geometry.to_crs(places.crs)], dtype=object)
    known = np.array([shape is not None for shape in shapes]) & (
        (values != "") if named else np.isfinite(values)
    )
    report.add(part, "dropped", "polygons without a value or a surface", count=int((~known).sum()))
    shapes, values = shapes[known], values[known]
    shared = _shared(np.asarray(places.metric.geometry), shapes)
    made = (
        _classes(wish, shared, values, len(places.regions))
        if named
        else _numbers(wish, shared, values, shapes, len(places.regions))
    )
    covered = shared.sums(shared.area, len(places.regions)) / (places.area_km2 * 1e6)
    few = covered < max(wish.cover, 1e-9)
    report.add(
        part,
        "dropped",
        f"polygons with a value cover less than {wish.cover:.0%} of the region",
        ids=places.regions.index[few],
    )
    report.add(
        part,
        "mended",
        "polygons overlap in the region: they count together more than its area",
        ids=places.regions.index[covered > 1.01],
    )
    return label_frame(places.ids("region"), **made)[~few]


def _shared(regions: np.ndarray, shapes: np.ndarray) -> _Shared:
    import shapely

    region, source = shapely.STRtree(shapes).query(regions, predicate="intersects")
    area = shapely.area(shapely.intersection(regions[region], shapes[source]))
    return _Shared(region[area > 0], source[area > 0], area[area > 0])


def _numbers(
    wish: Wish, shared: _Shared, values: np.ndarray, shapes: np.ndarray, count: int
) -> dict[str, np.ndarray]:
    import shapely

    weighted = values[shared.source] * shared.area
    if wish.extensive:
        return {"value": shared.sums(weighted / shapely.area(shapes)[shared.source], count)}
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"value": shared.sums(weighted, count) / shared.sums(shared.area, count)}


def _classes(wish: Wish, shared: _Shared, values: np.ndarray, count: int) -> dict[str, Any]:
    names = list(wish.columns) if wish.columns else sorted(set(values.tolist()))
    area = np.column_stack(
        [shared.sums(shared.area * (values[shared.source] == name), count) for name in names]
    )
    if wish.kind == "classification":
        return {"value": np.array(names, dtype=object)[area.argmax(axis=1)]}
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = area / area.sum(axis=1, keepdims=True)
    return {name: shares[:, k] for k, name in enumerate(names)}
