"""The columns of the floor `building-stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.spatial import cKDTree

from urbanbench.seen import saw
from urbanbench.toolkit.shapes.measures import Shapes, measure_shapes
from urbanbench.toolkit.texts.counts import (
    area_km2,
    key_value_tokens,
    matrix_of_words,
    rows_of,
    vocabulary_matrix,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urbanbench.city.view import View
    from urbanbench.toolkit.texts.counts import Tokens
    from urbanbench.units import Units

__all__ = ["OF_HEIGHTS", "building_rows", "frequent_types", "region_rows", "usual_height"]

OF_HEIGHTS = {"region": [1, 7, 8, 9, 10], "building": [5, 6, 12]}
"""Columns that are made of heights: floor area; mean, spread, maximum and share of known ones. Of buildings: height, known, that of neighbours."""

_BIN_DEGREES = 5.0
_BINS = 18
_CHUNK = 4096


def frequent_types(view: View, max_types: int) -> tuple[str, ...]:
    """Return the most frequent tags "building=value", ties by name; "building=yes" is none."""
    return vocabulary_matrix(_told_types(view), max_columns=max_types)[1]


def usual_height(view: View) -> float | None:
    """Return the median of known heights in metres; None where none is known."""
    height = view.buildings["height_m"].to_numpy(dtype=np.float64)
    known = height[np.isfinite(height)]
    return float(np.median(known)) if len(known) else None


def region_rows(
    view: View, units: Units, *, types: Sequence[str], storey_m: float, height_m: float | None
) -> np.ndarray:
    """Return the statistics of the buildings of each region, float64 (n, 16 + types); unknown heights count as `height_m`, or a storey.

    log1p of buildings and of floor area per km², footprint share, log1p of footprint; mean, median and standard deviation of
    areas; mean, standard deviation and maximum of known heights and the share with one; means of compactness, elongation,
    corners and perimeter; entropy of wall directions; log1p of buildings per km² by type.
    """
    buildings, n = view.buildings, len(units)
    region = pd.Index(list(units.ids), dtype=object).get_indexer(buildings["region_id"])
    inside = np.flatnonzero(region >= 0)
    saw("polygon", inside, of=len(buildings))
    region = region[inside]
    shapes = measure_shapes(buildings.geometry.to_numpy()[inside])
    height = buildings["height_m"].to_numpy(dtype=np.float64)
    storeys = _storeys(height[inside], storey_m if height_m is None else height_m, storey_m)
    km2 = area_km2(view, units)
    count = np.bincount(region, minlength=n)
    footprint = np.bincount(region, shapes.area_m2, minlength=n)
    floor_area = np.bincount(region, shapes.area_m2 * storeys, minlength=n)
    columns = [
        np.log1p(count / km2),
        np.log1p(floor_area / km2),
        footprint / (km2 * 1e6),
        np.log1p(footprint),
    ]
    columns += _size_columns(region, shapes, n) + _height_columns(region, height[inside], n)
    columns += [
        _mean(region, part, n)
        for part in (shapes.compactness, shapes.elongation, shapes.vertices, shapes.perimeter_m)
    ]
    columns.append(_direction_entropy(region, shapes.orientation, n))
    of_types = _types(view, types)[inside]
    gather = sparse.csr_array(
        (np.ones(len(region)), (region, np.arange(len(region)))), shape=(n, len(region))
    )
    return np.column_stack([*columns, np.log1p((gather @ of_types).toarray() / km2[:, None])])


def _size_columns(region: np.ndarray, shapes: Shapes, n: int) -> list[np.ndarray]:
    areas = pd.Series(shapes.area_m2).groupby(region)
    parts = (areas.mean(), areas.median(), areas.std(ddof=0))
    return [part.reindex(range(n), fill_value=0.0).to_numpy() for part in parts]


def _height_columns(region: np.ndarray, height: np.ndarray, n: int) -> list[np.ndarray]:
    known = np.isfinite(height)
    heights = pd.Series(height[known]).groupby(region[known])
    parts = (heights.mean(), heights.std(ddof=0), heights.max())
    return [
        *(part.reindex(range(n), fill_value=0.0).to_numpy() for part in parts),
        _mean(region, known.astype(float), n),
    ]


def _mean(region: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(region, values, minlength=n) / np.maximum(np.bincount(region, minlength=n), 1)


def _storeys(height: np.ndarray, fallback_m: float, storey_m: float) -> np.ndarray:
    """Return storeys, at least one; unknown heights count as the usual one."""
    return np.maximum(np.round(np.where(np.isfinite(height), height, fallback_m) / storey_m), 1.0)


def _direction_entropy(region: np.ndarray, degrees: np.ndarray, n: int) -> np.ndarray:
    """Return Shannon's entropy of wall directions in bins of 5 degrees, divided by its maximum.

    Bins are centred on multiples of 5 degrees: walls that follow a grid must not fall on the edge of two bins.
    """
    bins = np.floor((degrees + _BIN_DEGREES / 2) % 90.0 / _BIN_DEGREES).astype(np.int64) % _BINS
    table = np.bincount(region * _BINS + bins, minlength=n * _BINS).reshape(n, _BINS)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1) / np.log(_BINS))


def _types(view: View, types: Sequence[str]) -> sparse.csr_array:
    """Return ones (n_buildings, types): which of some types each building has."""
    return matrix_of_words(_told_types(view), types)


def _told_types(view: View) -> Tokens:
    """Return the tag ``building`` of the buildings where it says more than "yes"."""
    tokens = key_value_tokens(view.buildings, ("building",))
    return tokens.where(tokens.names != "building=yes")


def building_rows(view: View, units: Units, *, types: Sequence[str], radius_m: float) -> np.ndarray:
    """Return a building's own measures and those of its neighbours, float64 (n, 14 + types).

    Own: log1p area, perimeter, compactness, elongation, corners, height (0 if unknown), whether it is known, wall direction as
    (cos, sin) of four times the angle. Neighbours within the radius: log1p number, mean and standard deviation of log1p area,
    mean height, footprint in m² per m² of the disc. Then own types, 0 or 1.
    """
    buildings = view.buildings
    asked = rows_of(buildings.index, units.ids)
    saw("polygon", asked, of=len(buildings))
    shapes = measure_shapes(buildings.geometry.to_numpy()[asked])
    height = buildings["height_m"].to_numpy(dtype=np.float64)
    known = np.isfinite(height)
    own_height = np.where(known, height, 0.0)[asked]
    turn = np.radians(shapes.orientation) * 4
    own = (
        np.log1p(shapes.area_m2),
        shapes.perimeter_m,
        shapes.compactness,
        shapes.elongation,
        shapes.vertices,
        own_height,
        known[asked],
    )
    table = np.column_stack(
        [np.log1p(buildings["area_m2"]), np.where(known, height, 0.0), known, buildings["area_m2"]]
    )
    near = _near_columns(shapely.centroid(buildings.geometry.to_numpy()), asked, table, radius_m)
    return np.column_stack([*own, np.cos(turn), np.sin(turn), near, _types(view, types)[asked].toarray()])


def _near_columns(centres: np.ndarray, asked: np.ndarray, table: np.ndarray, radius_m: float) -> np.ndarray:
    """Sum over neighbours, (n, 5); chunks bound the memory when every building of a city is asked for."""
    xy = shapely.get_coordinates(centres)
    tree = cKDTree(xy)
    parts = [_near_sums(tree.query_ball_point(xy[rows], radius_m), rows, table) for rows in _chunks(asked)]
    count, log_area, log_area2, height, known, area = np.concatenate(parts).T
    several = np.maximum(count, 1)
    mean = log_area / several
    spread = np.sqrt(np.maximum(log_area2 / several - mean**2, 0.0))
    return np.column_stack(
        [np.log1p(count), mean, spread, height / np.maximum(known, 1), area / (np.pi * radius_m**2)]
    )


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]


def _near_sums(found: np.ndarray, rows: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return (count, sums of log area, its square, height, known, area) over the neighbours without the building itself."""
    unit = np.repeat(np.arange(len(rows)), [len(one) for one in found])
    near = np.concatenate([np.asarray(one, dtype=np.int64) for one in found])
    other = near != rows[unit]
    unit, near = unit[other], near[other]
    saw("polygon", near, of=len(table))
    columns = [np.ones(len(near)), table[near, 0], table[near, 0] ** 2, *(table[near, k] for k in (1, 2, 3))]
    return np.column_stack([np.bincount(unit, column, minlength=len(rows)) for column in columns])
