"""Geometry of a feature: commands and steps, as the Mapbox Vector Tile specification 2.1 (section 4.3) writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BrokenGeometry", "paths_of", "polygons_of_rings"]

_MOVE, _LINE, _CLOSE = 1, 2, 7


class BrokenGeometry(ValueError):
    """Commands that draw nothing."""


def paths_of(commands: Sequence[int], farthest: int = 2**31) -> list[np.ndarray]:
    """Return the paths that commands draw, float64 (n, 2) each: every point as a path, lines, or open rings.

    Parameters
    ----------
    commands
        Integers as the tile holds them.
    farthest
        Largest coordinate, up or down.

    Raises
    ------
    BrokenGeometry
        An unknown command, one without its numbers, a line that begins nowhere, or a coordinate that is too large.

    Examples
    --------
    >>> [path.tolist() for path in paths_of([9, 4, 4, 18, 0, 16, 16, 0])]
    [[[2.0, 2.0], [2.0, 10.0], [10.0, 10.0]]]
    """
    paths: list[list[tuple[int, int]]] = []
    place = x = y = 0
    while place < len(commands):
        kind, count = commands[place] & 7, commands[place] >> 3
        place += 1
        if kind == _CLOSE:
            continue
        end = place + 2 * count
        if kind not in {_MOVE, _LINE} or not place < end <= len(commands):
            msg = "an unknown command, or one without its numbers"
            raise BrokenGeometry(msg)
        for step in range(place, end, 2):
            across, down = commands[step], commands[step + 1]
            x += (across >> 1) ^ -(across & 1)
            y += (down >> 1) ^ -(down & 1)
            if kind == _MOVE:
                paths.append([])
            _put(paths, x, y, farthest)
        place = end
    if not paths:
        msg = "no path"
        raise BrokenGeometry(msg)
    return [np.array(path, dtype=np.float64) for path in paths]


def _put(paths: list[list[tuple[int, int]]], x: int, y: int, farthest: int) -> None:
    if not paths or not (-farthest <= x <= farthest and -farthest <= y <= farthest):
        msg = "a line that begins nowhere, or a coordinate that is too large"
        raise BrokenGeometry(msg)
    paths[-1].append((x, y))


def polygons_of_rings(areas: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Return a polygon or multipolygon for each area's rings; None where no ring has a surface.

    A ring that turns as the first of its area begins a polygon, others are holes of the polygon before them. What crosses itself is made
    valid.
    """
    import shapely

    from urbanbench.build.shapes import polygons_of

    found = np.full(len(areas), None, dtype=object)
    simple = [row for row, rings in enumerate(areas) if len(rings) == 1 and _turn(rings[0])]
    if simple:
        outlines = [areas[row][0] for row in simple]
        corners = np.repeat(np.arange(len(outlines)), [len(ring) for ring in outlines])
        found[simple] = shapely.polygons(shapely.linearrings(np.concatenate(outlines), indices=corners))
    for row, rings in enumerate(areas):
        if len(rings) > 1:
            found[row] = _assembled(rings)
    for broken in np.flatnonzero(~shapely.is_valid(found) & ~shapely.is_missing(found)).tolist():
        found[broken] = polygons_of(found[broken])
    return found


def _assembled(rings: Sequence[np.ndarray]) -> Any:
    import shapely

    polygons: list[tuple[np.ndarray, list[np.ndarray]]] = []
    first = 0.0
    for ring in rings:
        turn = _turn(ring)
        if not turn:
            continue
        first = first or turn
        if (turn > 0) == (first > 0):
            polygons.append((ring, []))
        else:
            polygons[-1][1].append(ring)
    made = [shapely.Polygon(shell, holes) for shell, holes in polygons]
    if not made:
        return None
    return made[0] if len(made) == 1 else shapely.MultiPolygon(made)


def _turn(ring: np.ndarray) -> float:
    """Return twice the area that a ring encloses, with its sign; 0 for fewer than three corners."""
    if len(ring) < 3:
        return 0.0
    x, y = (ring - ring[0]).T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1])
