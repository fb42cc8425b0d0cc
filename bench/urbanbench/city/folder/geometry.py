"""Geometry of a table: decoded from WKB, judged, brought to the city's CRS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from urbanbench.city.folder.format import row_fault
from urbanbench.city.folder.geo import WGS84, GeoColumn
from urbanbench.city.folder.geoarrow import shapes_of
from urbanbench.city.folder.wkb import BROKEN, undecodable_kinds

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EXCHANGE", "EXCHANGED", "batches", "decoded", "kinds_of", "projection", "read_geometry", "single"]

EXCHANGED = "longitude and latitude may be exchanged"
EXCHANGE = "Exchange them: frame.geometry = shapely.transform(frame.geometry, lambda xy: xy[:, ::-1])."

_REMOVE = "Remove these rows or give them a geometry."
_EXPLODE = "Take Multi geometries and collections apart with frame.explode(), number the ids anew, and drop other kinds."

TURN = "Turn them: frame.geometry = shapely.transform(frame.geometry, lambda xy: numpy.column_stack([(xy[:, 0] + 180) % 360 - 180, xy[:, 1]]))."
_CUT = "Cut them at longitude 180, into parts of one MultiPolygon or into rows of their own."

_HALF_TURN = 180.0
_EDGE = 1e-6
"""Degrees from the date line within which a shape was cut there."""
_GRID_M = 1e-4
"""Metres to which the parts of such a shape are rounded when they are joined."""

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


class _Notes:
    """Rows that break a rule, by rule, while a column is read part by part."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids
        self._found: dict[tuple[str, str, str], list[object]] = {}

    def add(self, bad: np.ndarray, expected: str, what: str, mend: str) -> None:
        """Note the marked rows of the current part; `ids` are those of the part."""
        if bad.any():
            self._found.setdefault((expected, what, mend), []).extend(self.ids[bad].tolist())

    def of_part(self, ids: np.ndarray) -> Self:
        """Return the same notes for the next part."""
        self.ids = ids
        return self

    def faults(self, file: str, column: str) -> list[str]:
        """Return one sentence per rule."""
        return [
            row_fault(file, column, rows, expected=expected, found=what, mend=mend)
            for (expected, what, mend), rows in self._found.items()
        ]


def read_geometry(
    file: str, column: pa.ChunkedArray, ids: np.ndarray, shapes: Sequence[str], crs: str, geo: GeoColumn
) -> tuple[Any, list[str]]:
    """Decode, judge and project part by part, so that a million buildings never lie in memory twice.

    Parameters
    ----------
    file, column
        The table's path, and its column of geometry.
    ids
        object (n,): ids of the rows, for sentences.
    shapes
        Allowed types of geometry.
    crs
        The city's CRS.
    geo
        What the table says of its geometry.

    Returns
    -------
    GeometryArray
        In the city's CRS; None in the rows that have faults.
    list of str
        One sentence per fault.
    """
    import geopandas as gpd

    notes, project, parts, start = _Notes(ids), projection(geo.crs, crs), [], 0
    for stored in batches(column):
        part = notes.of_part(ids[start : start + len(stored)])
        parts.append(_placed(_judged(stored, shapes, geo, part), project, geo, part))
        start += len(stored)
    whole = np.concatenate(parts) if parts else np.empty(0, dtype=object)
    return gpd.array.from_shapely(whole, crs=crs), notes.faults(file, geo.name)


def batches(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Give the parts of a column that are decoded at a time, as they are stored."""
    for chunk in column.iterchunks():
        stored = getattr(chunk, "storage", chunk)
        for begin in range(0, len(stored), _BATCH):
            yield stored.slice(begin, _BATCH)


def decoded(
    stored: pa.Array, encoding: str, *, on_invalid: str = "ignore"
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Decode a part of a column.

    Parameters
    ----------
    stored
        WKB, or lists of coordinates.
    encoding
        Which of them, of `urbanbench.city.folder.geo.ENCODINGS`.
    on_invalid
        What shapely does about rings that are not closed: "ignore" (None in the row) or "fix".

    Returns
    -------
    shapes
        object (n,), None in rows that are null or refused.
    refused
        Why rows are refused (a kind of geometry, `NESTED` or `BROKEN`), to bool (n,).
    """
    import shapely

    if encoding != "WKB":
        shapes, broken = shapes_of(stored, encoding)
        return shapes, {BROKEN: broken} if broken.any() else {}
    wkb = stored.to_numpy(zero_copy_only=False)
    refused = undecodable_kinds(stored)
    there = np.array([one is not None for one in wkb], dtype=bool)
    for rows in refused.values():
        wkb[rows] = None
    shapes = shapely.from_wkb(wkb, on_invalid=on_invalid)
    lost = there & shapely.is_missing(shapes)
    broken = lost & ~np.any([np.zeros(len(wkb), dtype=bool), *refused.values()], axis=0)
    if broken.any():
        refused[BROKEN] = refused.get(BROKEN, np.zeros(len(wkb), dtype=bool)) | broken
    return shapes, refused


def _judged(stored: pa.Array, shapes: Sequence[str], geo: GeoColumn, notes: _Notes) -> np.ndarray:
    """Return the geometries that can be projected, object (n,), others as None; the reasons go to `notes`."""
    import shapely

    shape = " or ".join(shapes)
    null = stored.is_null().to_numpy(zero_copy_only=False)
    notes.add(null, f"a {shape}", "null", _REMOVE)
    geometry, refused = decoded(stored, geo.encoding)
    for found, rows in refused.items():
        if found == BROKEN:
            notes.add(
                rows, f"a {shape} in {'WKB' if geo.encoding == 'WKB' else geo.encoding}", found, _REMOVE
            )
        else:
            notes.add(rows, f"a {shape}", found, _EXPLODE)
    there = ~shapely.is_missing(geometry)
    geometry = _flat(single(geometry, shapes))
    empty = shapely.is_empty(geometry) & there
    notes.add(empty, f"a {shape}", "empty geometry", _REMOVE)
    kind = kinds_of(geometry)
    other = there & ~empty & ~np.isin(kind, shapes)
    for name in np.unique(kind[other]):
        notes.add(other & (kind == name), f"a {shape}", str(name), _EXPLODE)
    good = geometry.copy()
    good[~there | empty | other] = None
    if geo.crs == WGS84:
        good = _on_earth(good, notes)
    return _valid(good, notes)


def _flat(geometry: np.ndarray) -> np.ndarray:
    """Drop heights and measures."""
    import shapely

    tall = shapely.get_coordinate_dimension(geometry) > 2
    if tall.any():
        geometry[tall] = shapely.force_2d(geometry[tall])
    return geometry


def kinds_of(geometry: np.ndarray) -> np.ndarray:
    """Return the names of the kinds of geometries, str (n,); "" for None."""
    import shapely

    return np.asarray(np.array([*_KINDS, ""], dtype=object)[shapely.get_type_id(geometry)].astype(str))


def _on_earth(geometry: np.ndarray, notes: _Notes) -> np.ndarray:
    """Drop and note what does not lie in longitude and latitude, or reaches over the date line unseen."""
    import shapely

    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        level = (south >= -90) & (north <= 90)
        outside = ~shapely.is_missing(geometry) & ~(level & (west >= -180) & (east <= 180))
        turned = outside & level & (west >= -360) & (east <= 360)
        wide = np.flatnonzero(~outside & (east - west > _HALF_TURN))
    expected, found = "longitude in [-180, 180] and latitude in [-90, 90]", "coordinates outside of them"
    if turned.any() and turned.sum() == outside.sum():
        notes.add(outside, expected, "longitudes beyond them", TURN)
    elif _may_be_exchanged(geometry, outside):
        notes.add(outside, expected, f"{found}; {EXCHANGED}", EXCHANGE)
    else:
        notes.add(
            outside, expected, found, "Bring the layer to longitude and latitude with frame.to_crs(4326)."
        )
    across = np.zeros(len(geometry), dtype=bool)
    across[wide] = [_widest_part(one) > _HALF_TURN for one in geometry[wide]]
    notes.add(across, "shapes on one side of the date line", "shapes wider than half the earth", _CUT)
    return _without(geometry, outside | across)


def _widest_part(shape: Any) -> float:
    import shapely

    west, _, east, _ = shapely.bounds(shapely.get_parts(shape)).T
    return float(np.max(east - west))


def _valid(geometry: np.ndarray, notes: _Notes) -> np.ndarray:
    """Drop and note what is not valid."""
    import shapely

    invalid = ~shapely.is_missing(geometry)
    invalid[invalid] = ~shapely.is_valid(geometry[invalid])
    if invalid.any():
        reason = shapely.is_valid_reason(geometry[invalid][0]).partition("[")[0].lower().strip()
        notes.add(
            invalid, "valid geometry", f"invalid geometry ({reason})", "Mend it with frame.make_valid()."
        )
    return _without(geometry, invalid)


def _without(geometry: np.ndarray, rows: np.ndarray) -> np.ndarray:
    kept = geometry.copy() if rows.any() else geometry
    kept[rows] = None
    return kept


def _placed(geometry: np.ndarray, project: Any, geo: GeoColumn, notes: _Notes) -> np.ndarray:
    """Bring geometries to the city's CRS; drop and note what it cannot hold."""
    import shapely

    placed = (
        _joined(geometry, shapely.transform(geometry, project))
        if geo.crs == WGS84
        else shapely.transform(geometry, project)
    )
    lost = ~shapely.is_missing(geometry) & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
    notes.add(
        lost,
        "coordinates that the city's CRS can hold",
        "coordinates it cannot project" if geo.crs == WGS84 else f"coordinates that {geo.crs} does not have",
        "Name the projected CRS of this place in city.json, or mend the coordinates.",
    )
    return np.asarray(placed, dtype=object)


def _joined(geometry: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Join the parts of polygons that were cut at the date line, where the city's CRS has no line."""
    import shapely

    bounds = shapely.bounds(geometry)
    with np.errstate(invalid="ignore"):
        cut = np.flatnonzero((bounds[:, 0] <= _EDGE - _HALF_TURN) & (bounds[:, 2] >= _HALF_TURN - _EDGE))
    for row in cut:
        if np.isfinite(shapely.bounds(placed[row])).all():
            placed[row] = shapely.union_all(shapely.get_parts(placed[row]), grid_size=_GRID_M)
    return placed


def projection(source: str, crs: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what brings coordinates, float64 (n, 2), from a table's CRS over longitude and latitude to another."""
    from pyproj import Transformer

    steps = []
    if source != WGS84:
        steps.append(Transformer.from_crs(source, WGS84, always_xy=True, allow_ballpark=False))
    if crs != WGS84:
        steps.append(Transformer.from_crs(WGS84, crs, always_xy=True))

    def project(xy: np.ndarray) -> np.ndarray:
        for step in steps:
            xy = np.column_stack(step.transform(xy[:, 0], xy[:, 1]))
        return xy

    return project


def _may_be_exchanged(geometry: np.ndarray, rows: np.ndarray) -> bool:
    """Tell whether coordinates are legal when longitude and latitude change places."""
    import shapely

    if not rows.any():
        return False
    west, south, east, north = shapely.total_bounds(geometry[rows])
    return bool(west >= -90 and east <= 90 and south >= -180 and north <= 180)


def single(geometry: np.ndarray, shapes: Sequence[str]) -> np.ndarray:
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
