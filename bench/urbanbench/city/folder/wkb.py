"""Headers of WKB, read before anything decodes it.

A decoder calls itself for every geometry inside a geometry; some thousand of them inside one another end the process. The tables of
a city hold points, lines, polygons and Multi geometries of these, so nothing else is decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BROKEN", "NESTED", "is_deep", "undecodable_kinds"]

NESTED = "geometry inside of geometry"
"""What a Multi geometry is whose parts are not what it says."""

BROKEN = "bytes that cannot be decoded"

_OTHERS = {
    7: "GeometryCollection",
    8: "CircularString",
    9: "CompoundCurve",
    10: "CurvePolygon",
    11: "MultiCurve",
    12: "MultiSurface",
    13: "Curve",
    14: "Surface",
    15: "PolyhedralSurface",
    16: "TIN",
    17: "Triangle",
}
"""Codes of geometry that no table holds."""

_MULTI = (4, 5, 6)
_MULTI_LESS_SINGLE = 3
"""Codes of MultiPoint, MultiLineString and MultiPolygon, and what they are above their parts' codes."""

_DEEPEST = 8
"""Geometries inside one another that are decoded where collections are wanted."""

_HEAD = 5
"""Bytes of byte order and code."""

_HAS_REFERENCE = 0x20000000
"""Flag in a code: 4 bytes of a reference system follow. The flags above it are height and measure, in ISO's spelling thousands."""

_SMALL, _BIG = struct.Struct("<I"), struct.Struct(">I")


def undecodable_kinds(column: pa.Array) -> dict[str, np.ndarray]:
    """Tell the rows of a binary column that must not be decoded, by what they hold.

    Parameters
    ----------
    column
        Binary or large binary, one chunk.

    Returns
    -------
    dict
        Kind of geometry, `NESTED` or `BROKEN`, to bool (n,). Other bytes that are no WKB are not among them: a decoder refuses them.
    """
    data, starts, ends = _bytes_of(column)
    heads = _Heads.read(data, starts, ends)
    found = {name: heads.code == code for code, name in _OTHERS.items()} | {BROKEN: heads.order > 1}
    multi = np.flatnonzero((heads.code >= _MULTI[0]) & (heads.code <= _MULTI[-1]) & (heads.order <= 1))
    found[NESTED] = np.zeros(len(column), dtype=bool)
    if len(multi):
        found[NESTED][multi] = _nested(data, heads.take(multi), ends[multi])
    return {kind: rows for kind, rows in found.items() if rows.any()}


@dataclass(frozen=True)
class _Heads:
    """Headers of geometries: byte order (1 little, 0 big), code (-1 where no whole header is there), where the content begins."""

    order: np.ndarray
    code: np.ndarray
    after: np.ndarray

    @classmethod
    def read(cls, data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Self:
        whole = ends - starts >= _HEAD
        order = np.where(whole, _byte(data, starts), 1)
        stated = _number(data, starts + 1, order)
        after = starts + _HEAD + np.where(stated & _HAS_REFERENCE, 4, 0)
        return cls(order, np.where(whole, (stated & 0xFFFF) % 1000, -1), after)

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.order[rows], self.code[rows], self.after[rows])


def _bytes_of(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all bytes, uint8, and where each row begins and ends, int64 (n,); null rows are empty."""
    import pyarrow as pa

    _, offsets, data = column.buffers()
    size = np.int32 if column.type == pa.binary() else np.int64
    places = np.frombuffer(offsets, dtype=size)[column.offset : column.offset + len(column) + 1]
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    starts = places[:-1].astype(np.int64)
    return whole, starts, np.where(valid, places[1:].astype(np.int64), starts)


def _byte(data: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return single bytes, int64; 0 beyond the end."""
    if not len(data):
        return np.zeros(len(places), dtype=np.int64)
    return np.where(places < len(data), data[np.minimum(places, len(data) - 1)], 0).astype(np.int64)


def _number(data: np.ndarray, places: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return unsigned numbers of 4 bytes, int64, each in its byte order."""
    four = [_byte(data, places + k) for k in range(4)]
    small = sum((one << 8 * k for k, one in enumerate(four)), start=np.zeros(len(places), dtype=np.int64))
    big = sum((one << 8 * (3 - k) for k, one in enumerate(four)), start=np.zeros(len(places), dtype=np.int64))
    return np.where(order == 1, small, big)


def _nested(data: np.ndarray, heads: _Heads, ends: np.ndarray) -> np.ndarray:
    """Tell which Multi geometries have a part of another kind than theirs.

    Most have one part, whose header stands right behind the count; the parts of the others are walked through.
    """
    count = _number(data, heads.after, heads.order)
    parts = _Heads.read(data, heads.after + 4, ends)
    nested = (
        (count > 0)
        & (parts.code >= 0)
        & ((parts.code != heads.code - _MULTI_LESS_SINGLE) | (parts.order > 1))
    )
    for row in np.flatnonzero(~nested & (count > 1)):
        place, end = int(heads.after[row]) + 4, int(ends[row])
        kind = int(heads.code[row]) - _MULTI_LESS_SINGLE
        nested[row] = not _parts_are(memoryview(data[place:end].tobytes()), kind, int(count[row]))
    return np.asarray(nested)


def _parts_are(raw: memoryview, kind: int, count: int) -> bool:
    """Tell whether all parts are of one kind (1 point, 2 line, 3 polygon), as far as the bytes go."""
    place = 0
    try:
        for _ in range(count):
            if raw[place] > 1:
                return False
            read = _SMALL if raw[place] else _BIG
            (stated,) = read.unpack_from(raw, place + 1)
            if (stated & 0xFFFF) % 1000 != kind:
                return False
            place = _end_of_part(raw, place + _HEAD, stated, kind, read)
    except (IndexError, struct.error):
        return True
    return True


def _end_of_part(raw: memoryview, place: int, stated: int, kind: int, read: struct.Struct) -> int:
    """Return where a point, line or polygon ends whose content begins at a place."""
    thousands = (stated & 0xFFFF) // 1000
    height, measure = thousands in {1, 3} or stated & 0x80000000, thousands in {2, 3} or stated & 0x40000000
    size = 8 * (2 + bool(height) + bool(measure))
    place += 4 if stated & _HAS_REFERENCE else 0
    if kind == 1:
        return place + size
    rings = 1
    if kind == 3:
        (rings,) = read.unpack_from(raw, place)
        place += 4
    for _ in range(rings):
        (corners,) = read.unpack_from(raw, place)
        place += 4 + corners * size
    return place


def is_deep(raw: bytes) -> bool:
    """Tell whether bytes hold geometries more than `_DEEPEST` inside one another, or kinds that are never decoded.

    Collections are walked through, so this is for files whose collections are wanted; a decoder refuses what ends early.

    Examples
    --------
    >>> import shapely
    >>> is_deep(shapely.to_wkb(shapely.GeometryCollection([shapely.MultiPoint([(0, 0), (1, 1)])])))
    False
    """
    view, place, open_counts = memoryview(raw), 0, [1]
    try:
        while open_counts:
            if not open_counts[-1]:
                open_counts.pop()
                continue
            open_counts[-1] -= 1
            read = _SMALL if view[place] else _BIG
            (stated,) = read.unpack_from(view, place + 1)
            kind = (stated & 0xFFFF) % 1000
            if kind in {1, 2, 3}:
                place = _end_of_part(view, place + _HEAD, stated, kind, read)
                continue
            place += _HEAD + (4 if stated & _HAS_REFERENCE else 0)
            open_counts.append(*read.unpack_from(view, place))
            place += 4
            if kind not in {*_MULTI, 7} or len(open_counts) > _DEEPEST:
                return True
    except (IndexError, struct.error):
        return False
    return False
