"""Footprints as numbers: a small black-and-white picture of the shape, and the surface.

After Eq. 4 of the UrbanMFM paper and the data preparation of CityFM: the shape is turned until its smallest enclosing
rectangle lies flat (long side horizontal), put into a square with a margin of 10 % on each side, and filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["MARGIN", "at_origin", "flat_coordinates", "rasterise", "surface_share"]

MARGIN = 0.1
"""Empty border on each side of the square, as a share of its longer inner side."""


def rasterise(polygons: Sequence[object] | np.ndarray, size: int) -> np.ndarray:
    """Draw polygons as binary pictures, all at once.

    A pixel is set when its centre lies inside the polygon (even-odd rule, so holes stay empty). Every edge marks, in each row
    of pixels it crosses, the first pixel right of the crossing; pixels with an odd count of marks at or left of them are inside.

    Parameters
    ----------
    polygons
        Shapely polygons or multipolygons (n,), in a projected CRS.
    size
        Pixels per side.

    Returns
    -------
    numpy.ndarray
        uint8 (n, size, size) of 0 and 1; row 0 is the top.
    """
    xy, ring, owner = flat_coordinates(polygons)
    n = len(np.asarray(polygons, dtype=object))
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    begin, end = xy[edge] * size, xy[edge + 1] * size
    low, high = np.minimum(begin[:, 1], end[:, 1]), np.maximum(begin[:, 1], end[:, 1])
    first = np.ceil(low - 0.5).astype(np.int64)
    crossed = np.ceil(high - 0.5).astype(np.int64) - first
    row, which = _ranges(first, crossed)
    slope = (end[which, 0] - begin[which, 0]) / (end[which, 1] - begin[which, 1])
    x = begin[which, 0] + (row + 0.5 - begin[which, 1]) * slope
    column = np.clip(np.ceil(x - 0.5).astype(np.int64), 0, size)
    line = owner[edge][which] * size + (size - 1 - row)
    return _odd_from_left(line, column, n * size, size).reshape(n, size, size)


def _odd_from_left(line: np.ndarray, column: np.ndarray, n_lines: int, size: int) -> np.ndarray:
    """Tell where the number of marks at or left of a pixel is odd, uint8 (n_lines, size) of 0 and 1.

    A line of pixels is a line of bits, 64 to a word, so that most of the work touches an eighth of the bytes of the result.

    Parameters
    ----------
    line, column
        int64 (m,): places of the marks; a column may be `size`, which is right of all pixels.
    """
    words = size // 64 + 1
    bits = np.zeros((n_lines, words), dtype="<u8")
    mark = np.left_shift(np.uint64(1), (column % 64).astype(np.uint64))
    np.bitwise_xor.at(bits.reshape(-1), line * words + column // 64, mark)
    for shift in (
        1,
        2,
        4,
        8,
        16,
        32,
    ):  # afterwards every bit is the parity of itself and those below it in its word
        bits ^= bits << np.uint64(shift)
    odd = np.bitwise_xor.accumulate(bits >> np.uint64(63), axis=1)
    bits[:, 1:] ^= np.uint64(0) - odd[:, :-1]
    return np.unpackbits(bits.view(np.uint8), axis=1, count=size, bitorder="little")


def flat_coordinates(polygons: Sequence[object] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn polygons until their smallest rectangle lies flat, and fit them into the unit square with `MARGIN`.

    Returns
    -------
    xy, ring, owner
        float64 (m, 2) in [0, 1], the ring each vertex belongs to, int64 (m,), and its polygon, int64 (m,).
    """
    import shapely

    shapes = np.asarray(polygons, dtype=object)
    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    owner = part_owner[ring_part[ring]]
    angle, centre = _orientation(shapes)
    xy = xy - centre[owner]
    cos, sin = np.cos(angle)[owner], np.sin(angle)[owner]
    xy = np.column_stack([xy[:, 0] * cos + xy[:, 1] * sin, xy[:, 1] * cos - xy[:, 0] * sin])
    return _fit_square(xy, owner, len(shapes)), ring, owner


def at_origin(polygons: Sequence[object] | np.ndarray) -> np.ndarray:
    """Move each polygon (p,) so that its bounds begin at (0, 0), corners rounded to the millimetre.

    The same outlines are the same bytes then, wherever the city lies.
    """
    import shapely

    shapes = np.array(polygons, dtype=object)
    corner = shapely.bounds(shapes)[:, :2]
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.set_coordinates(shapes, np.round(xy - corner[owner], 3)))


def surface_share(area_m2: np.ndarray, *, a_max_m2: float = 5000.0) -> np.ndarray:
    """Return the surface as a share of a largest one, float32 (n,) in [0, 1]: ``min(area, a_max) / a_max`` (Eq. 4)."""
    return np.asarray(np.minimum(area_m2, a_max_m2) / a_max_m2, dtype=np.float32)


def _orientation(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle of the long side of the smallest rectangle, radians (n,), and the middle of the bounds (n, 2)."""
    import shapely

    bounds = shapely.bounds(shapes)
    centre = (bounds[:, :2] + bounds[:, 2:]) / 2
    boxes = shapely.minimum_rotated_rectangle(shapes)
    flat = shapely.get_type_id(boxes) == shapely.GeometryType.POLYGON
    corner = shapely.get_coordinates(boxes[flat]).reshape(-1, 5, 2)
    sides = np.diff(corner[:, :3], axis=1)
    length = np.hypot(sides[..., 0], sides[..., 1])
    long = sides[np.arange(len(sides)), length.argmax(axis=1)]
    angle = np.zeros(len(shapes))
    # Taken modulo half a turn, so that the direction in which the rectangle is listed does not matter.
    angle[flat] = np.mod(np.arctan2(long[:, 1], long[:, 0]), np.pi)
    return angle, centre


def _fit_square(xy: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    low, high = np.full((n, 2), np.inf), np.full((n, 2), -np.inf)
    np.minimum.at(low, owner, xy)
    np.maximum.at(high, owner, xy)
    side = np.maximum((high - low).max(axis=1), 1e-9) * (1 + 2 * MARGIN)
    return np.asarray((xy - ((low + high) / 2)[owner]) / side[owner, None] + 0.5)


def _ranges(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All integers ``first[i] … first[i] + count[i] - 1``, one after another, and the i they come from."""
    which = np.repeat(np.arange(len(first)), count)
    inside = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return first[which] + inside, which
