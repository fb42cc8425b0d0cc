"""Geometry of a table, mended row by row and written as the format wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.shapes import polygons_of
from urbanbench.city.folder.geo import WGS84, GeoColumn
from urbanbench.city.folder.geometry import batches, decoded, kinds_of, projection, single

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

__all__ = ["MendedShapes", "mended_shapes"]

_KEPT = 0.999
"""Share of its area that a polygon keeps in one part: what is left beside it are slivers."""

_CLOSED, _FLAT, _VALID = (
    "rings that were not closed",
    "heights or measures of coordinates left out",
    "invalid polygons, made valid",
)


@dataclass(frozen=True)
class MendedShapes:
    """A column of geometry in longitude and latitude.

    Parameters
    ----------
    column
        WKB; what cannot be decoded as it was.
    absent
        bool (n,): rows without geometry, or with empty geometry.
    deeds
        What was mended, and the rows: bool (n,).
    kinds
        Kinds of geometry in the column; () where some cannot be decoded.
    """

    column: pa.Array
    absent: np.ndarray
    deeds: dict[str, np.ndarray]
    kinds: tuple[str, ...]


def mended_shapes(column: pa.ChunkedArray, geo: GeoColumn, shapes: Sequence[str]) -> MendedShapes | None:
    """Mend a column of geometry.

    Rings are closed, heights and measures left out, another CRS brought to longitude and latitude, invalid polygons made valid where
    they stay of an allowed kind.

    Parameters
    ----------
    column, geo
        The column, and what the table says of it.
    shapes
        Allowed kinds.

    Returns
    -------
    MendedShapes or None
        None where lists of coordinates cannot be decoded, as there is no other way to write them.
    """
    import pyarrow as pa

    project = None if geo.crs == WGS84 else projection(geo.crs, WGS84)
    parts = [_mended(stored, geo, shapes, project) for stored in batches(column)]
    if any(part is None for part in parts):
        return None
    found = [part for part in parts if part is not None]
    wkb = [one for part in found for one in part.wkb]
    names = {name for part in found for name in part.deeds}
    deeds = {
        name: np.concatenate([part.deeds.get(name, np.zeros(len(part.wkb), dtype=bool)) for part in found])
        for name in sorted(names)
    }
    absent = np.concatenate([np.zeros(0, dtype=bool), *(part.absent for part in found)])
    known = all(part.kinds is not None for part in found)
    kinds = sorted({kind for part in found for kind in part.kinds or ()}) if known else []
    return MendedShapes(pa.array(wkb, pa.binary()), absent, deeds, tuple(kinds))


@dataclass(frozen=True)
class _Part:
    wkb: list[bytes | None]
    absent: np.ndarray
    deeds: dict[str, np.ndarray]
    kinds: set[str] | None


def _mended(
    stored: pa.Array,
    geo: GeoColumn,
    shapes: Sequence[str],
    project: Callable[[np.ndarray], np.ndarray] | None,
) -> _Part | None:
    import shapely

    null = stored.is_null().to_numpy(zero_copy_only=False)
    made, refused = decoded(stored, geo.encoding, on_invalid="fix")
    lost = np.any([np.zeros(len(made), dtype=bool), *refused.values()], axis=0)
    if lost.any() and (geo.encoding != "WKB" or project is not None):
        return None
    deeds: dict[str, np.ndarray] = {}
    if geo.encoding == "WKB":
        closed = shapely.is_missing(decoded(stored, geo.encoding)[0]) & ~shapely.is_missing(made)
        deeds[_CLOSED] = closed
    tall = shapely.get_coordinate_dimension(made) > 2
    made[tall] = shapely.force_2d(made[tall])
    deeds[_FLAT] = tall
    if project is not None:
        made = shapely.transform(made, project)
        deeds[f"geometry in {geo.crs}, brought to longitude and latitude"] = ~null
    deeds[_VALID] = _make_valid(made, shapes)
    wkb = shapely.to_wkb(made).tolist()
    for row in np.flatnonzero(lost):
        wkb[row] = stored[int(row)].as_py()
    kinds = None if lost.any() else set(kinds_of(made).tolist()) - {""}
    return _Part(
        wkb, null | shapely.is_empty(made), {name: rows for name, rows in deeds.items() if rows.any()}, kinds
    )


def _make_valid(made: np.ndarray, shapes: Sequence[str]) -> np.ndarray:
    """Make polygons valid in place, where they lie on earth and stay of an allowed kind; return which were, bool (n,)."""
    import shapely

    west, south, east, north = shapely.bounds(made).T
    with np.errstate(invalid="ignore"):
        on_earth = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    bad = on_earth & np.isin(shapely.get_type_id(made), (3, 6))
    bad[bad] = ~shapely.is_valid(made[bad])
    for row in np.flatnonzero(bad):
        found = _allowed(_polygons(made[row]), shapes)
        bad[row] = found is not None
        made[row] = made[row] if found is None else found
    return np.asarray(bad)


def _polygons(shape: Any) -> Any:
    import shapely

    try:
        return polygons_of(shape)
    except shapely.errors.GEOSException:
        return None


def _allowed(shape: Any, shapes: Sequence[str]) -> Any:
    """Return a valid polygon of an allowed kind; of several parts the one that is nearly all of it; None where there is none."""
    import shapely

    if shape is None or shape.geom_type in shapes:
        return shape
    alone = single(np.array([shape], dtype=object), shapes)[0]
    if alone.geom_type in shapes:
        return alone
    parts = shapely.get_parts(shape)
    largest = parts[int(np.argmax(shapely.area(parts)))]
    return largest if largest.area >= _KEPT * shape.area and largest.geom_type in shapes else None
