"""Geometry of a table: decoded from WKB, judged, brought to the city's CRS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import row_fault

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_geometry"]

_BATCH = 100_000
"""Rows decoded at a time."""

_KINDS = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)


def read_geometry(
    file: str, column: pa.ChunkedArray, ids: np.ndarray, shapes: Sequence[str], crs: str
) -> tuple[Any, list[str]]:
    """Decode, judge and project chunk by chunk, so that a million buildings never lie in memory twice."""
    import geopandas as gpd
    from pyproj import Transformer

    project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    found: dict[tuple[str, str], list[object]] = {}
    parts = []
    start = 0
    for chunk in column.iterchunks():
        stored = getattr(chunk, "storage", chunk)
        for begin in range(0, len(stored), _BATCH):
            part = stored.slice(begin, _BATCH).to_numpy(zero_copy_only=False)
            parts.append(_batch(part, ids[start : start + len(part)], shapes, project, found))
            start += len(part)
    faults = [
        row_fault(file, "geometry", rows, expected=expected, found=what)
        for (expected, what), rows in found.items()
    ]
    whole = np.concatenate(parts) if parts else np.empty(0, dtype=object)
    return gpd.array.from_shapely(whole, crs=crs), faults


def _batch(
    wkb: np.ndarray,
    ids: np.ndarray,
    shapes: Sequence[str],
    project: Any,
    found: dict[tuple[str, str], list[object]],
) -> np.ndarray:
    import shapely

    shape = " or ".join(shapes)

    def note(bad: np.ndarray, expected: str, what: str) -> None:
        if bad.any():
            found.setdefault((expected, what), []).extend(ids[bad].tolist())

    null = np.array([one is None for one in wkb], dtype=bool)
    note(null, f"a {shape}", "null")
    geometry = _single(shapely.from_wkb(wkb, on_invalid="ignore"), shapes)
    broken = shapely.is_missing(geometry) & ~null
    note(broken, f"a {shape} in WKB", "bytes that cannot be decoded")
    there = ~null & ~broken
    empty = shapely.is_empty(geometry) & there
    note(empty, f"a {shape}", "empty geometry")
    kind = np.array([*_KINDS, ""], dtype=object)[shapely.get_type_id(geometry)]
    other = there & ~empty & ~np.isin(kind.astype(str), shapes)
    for name in np.unique(kind[other].astype(str)):
        note(other & (kind == name), f"a {shape}", str(name))
    sound = there & ~empty & ~other
    invalid = sound & ~shapely.is_valid(geometry)
    if invalid.any():
        reason = shapely.is_valid_reason(geometry[invalid][0]).partition("[")[0].lower().strip()
        note(invalid, "valid geometry", f"invalid geometry ({reason})")
    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        outside = sound & ~((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    note(outside, "longitude in [-180, 180] and latitude in [-90, 90]", "coordinates outside of them")
    good = geometry.copy()
    good[~sound | outside] = None
    placed = shapely.transform(good, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    lost = (sound & ~outside) & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
    note(lost, "coordinates that the city's CRS can hold", "coordinates it cannot project")
    return np.asarray(placed, dtype=object)


def _single(geometry: np.ndarray, shapes: Sequence[str]) -> np.ndarray:
    """Take the one part out of Multi geometries that hold just one, where the table wants single ones."""
    import shapely

    kinds = [
        _KINDS.index(f"Multi{name}")
        for name in shapes
        if f"Multi{name}" not in shapes and not name.startswith("Multi")
    ]
    alone = np.isin(shapely.get_type_id(geometry), kinds) & (shapely.get_num_geometries(geometry) == 1)
    if alone.any():
        geometry[alone] = shapely.get_geometry(geometry[alone], 0)
    return geometry
