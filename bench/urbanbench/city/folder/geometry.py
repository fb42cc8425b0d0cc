"""Geometry of a table: decoded from WKB, judged, brought to the city's CRS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import row_fault
from urbanbench.city.folder.wkb import BROKEN, undecodable_kinds

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EXCHANGE", "EXCHANGED", "read_geometry"]

EXCHANGED = "longitude and latitude may be exchanged"
EXCHANGE = "Exchange them: frame.geometry = shapely.transform(frame.geometry, lambda xy: xy[:, ::-1])."

_REMOVE = "Remove these rows or give them a geometry."
_EXPLODE = "Take Multi geometries and collections apart with frame.explode(), number the ids anew, and drop other kinds."

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
    found: dict[tuple[str, str, str], list[object]] = {}
    parts = []
    start = 0
    for chunk in column.iterchunks():
        stored = getattr(chunk, "storage", chunk)
        for begin in range(0, len(stored), _BATCH):
            part = stored.slice(begin, _BATCH)
            parts.append(_batch(part, ids[start : start + len(part)], shapes, project, found))
            start += len(part)
    faults = [
        row_fault(file, "geometry", rows, expected=expected, found=what, mend=mend)
        for (expected, what, mend), rows in found.items()
    ]
    whole = np.concatenate(parts) if parts else np.empty(0, dtype=object)
    return gpd.array.from_shapely(whole, crs=crs), faults


def _batch(
    stored: pa.Array,
    ids: np.ndarray,
    shapes: Sequence[str],
    project: Any,
    found: dict[tuple[str, str, str], list[object]],
) -> np.ndarray:
    import shapely

    shape = " or ".join(shapes)
    wkb = stored.to_numpy(zero_copy_only=False)

    def note(bad: np.ndarray, expected: str, what: str, mend: str) -> None:
        if bad.any():
            found.setdefault((expected, what, mend), []).extend(ids[bad].tolist())

    null = np.array([one is None for one in wkb], dtype=bool)
    note(null, f"a {shape}", "null", _REMOVE)
    refused = np.zeros(len(wkb), dtype=bool)
    for kind, rows in undecodable_kinds(stored).items():
        if kind == BROKEN:
            note(rows, f"a {shape} in WKB", kind, _REMOVE)
        else:
            note(rows, f"a {shape}", kind, _EXPLODE)
        refused |= rows
    wkb[refused] = None
    geometry = _single(shapely.from_wkb(wkb, on_invalid="ignore"), shapes)
    broken = shapely.is_missing(geometry) & ~null & ~refused
    note(broken, f"a {shape} in WKB", BROKEN, _REMOVE)
    there = ~null & ~refused & ~broken
    empty = shapely.is_empty(geometry) & there
    note(empty, f"a {shape}", "empty geometry", _REMOVE)
    kind = np.array([*_KINDS, ""], dtype=object)[shapely.get_type_id(geometry)].astype(str)
    other = there & ~empty & ~np.isin(kind, shapes)
    for name in np.unique(kind[other]):
        note(other & (kind == name), f"a {shape}", str(name), _EXPLODE)
    inside = there & ~empty & ~other
    good = _judged_places(geometry, inside, note)
    placed = shapely.transform(good, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    lost = ~shapely.is_missing(good) & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
    note(
        lost,
        "coordinates that the city's CRS can hold",
        "coordinates it cannot project",
        "Name the projected CRS of this place in city.json, or mend the coordinates.",
    )
    return np.asarray(placed, dtype=object)


def _judged_places(geometry: np.ndarray, inside: np.ndarray, note: Any) -> np.ndarray:
    """Return the geometries that can be projected, object (n,), others as None; the reasons go to `note`."""
    import shapely

    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        outside = inside & ~((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    expected, found = "longitude in [-180, 180] and latitude in [-90, 90]", "coordinates outside of them"
    if _may_be_exchanged(geometry, outside):
        note(outside, expected, f"{found}; {EXCHANGED}", EXCHANGE)
    else:
        note(outside, expected, found, "Bring the layer to longitude and latitude with frame.to_crs(4326).")
    good = geometry.copy()
    good[~inside | outside] = None
    invalid = ~shapely.is_missing(good)
    invalid[invalid] = ~shapely.is_valid(good[invalid])
    if invalid.any():
        reason = shapely.is_valid_reason(good[invalid][0]).partition("[")[0].lower().strip()
        note(invalid, "valid geometry", f"invalid geometry ({reason})", "Mend it with frame.make_valid().")
        good[invalid] = None
    return np.asarray(good)


def _may_be_exchanged(geometry: np.ndarray, rows: np.ndarray) -> bool:
    """Tell whether coordinates are legal when longitude and latitude change places."""
    import shapely

    if not rows.any():
        return False
    west, south, east, north = shapely.total_bounds(geometry[rows])
    return bool(west >= -90 and east <= 90 and south >= -180 and north <= 180)


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
