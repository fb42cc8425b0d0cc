"""Building shapes of toyville: outlines on the unit square, their sizes, and which function takes which shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.datasets._toyville_plan import Floats


@dataclass(frozen=True)
class Shape:
    """An outline to scale and place.

    Attributes
    ----------
    name
        What it is.
    outline
        Ring without its closing point, (k, 2), in [-0.5, 0.5], counter-clockwise.
    inside
        A point inside the outline, (2,).
    size_m
        Usual length and width in metres; a lot may force less.
    floors
        Usual number of floors.
    hole
        A courtyard, (k, 2), clockwise, or None.
    """

    name: str
    outline: Floats
    inside: tuple[float, float]
    size_m: tuple[float, float]
    floors: float
    hole: Floats | None = None


def _ring(*points: tuple[float, float]) -> Floats:
    return np.array(points, dtype=np.float64)


def _round(corners: int) -> Floats:
    angle = 2 * np.pi * (np.arange(corners) + 0.5) / corners
    return 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


_RECTANGLE = _ring((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
_L = _ring((-0.5, -0.5), (0.5, -0.5), (0.5, -0.05), (0.0, -0.05), (0.0, 0.5), (-0.5, 0.5))
_U = _ring(
    (-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (0.2, 0.5), (0.2, -0.1), (-0.2, -0.1), (-0.2, 0.5), (-0.5, 0.5)
)
_H = _ring(
    (-0.5, -0.5),
    (-0.2, -0.5),
    (-0.2, -0.15),
    (0.2, -0.15),
    (0.2, -0.5),
    (0.5, -0.5),
    (0.5, 0.5),
    (0.2, 0.5),
    (0.2, 0.15),
    (-0.2, 0.15),
    (-0.2, 0.5),
    (-0.5, 0.5),
)
_COURT = _ring((-0.22, -0.22), (-0.22, 0.22), (0.22, 0.22), (0.22, -0.22))
_HOUSE = _ring((-0.5, -0.5), (0.2, -0.5), (0.2, -0.35), (0.5, -0.35), (0.5, 0.5), (-0.5, 0.5))

SHAPES = (
    Shape("house", _HOUSE, (0.0, 0.0), (15, 12), 2),
    Shape("row", _RECTANGLE, (0.0, 0.0), (34, 11), 2.5),
    Shape("slab", _RECTANGLE, (0.0, 0.0), (46, 13), 6),
    Shape("tower", _RECTANGLE, (0.0, 0.0), (22, 21), 11),
    Shape("angle", _L, (-0.25, -0.25), (32, 28), 3.5),
    Shape("wings", _U, (0.0, -0.3), (38, 30), 4),
    Shape("court", _RECTANGLE, (0.0, -0.36), (42, 40), 5, _COURT),
    Shape("comb", _H, (0.0, 0.0), (62, 42), 3),
    Shape("box", _RECTANGLE, (0.0, 0.0), (64, 52), 2.5),
    Shape("hall", _RECTANGLE, (0.0, 0.0), (76, 20), 2.5),
    Shape("round", _round(10), (0.0, 0.0), (44, 34), 2.5),
)

# Rows: building functions (`TYPES`); columns: SHAPES. The first table is for regions that show little cover.
_SPARSE = [
    [58, 16, 5, 1, 12, 2, 1, 0.2, 0.4, 0.2, 0.2],
    [12, 30, 12, 4, 18, 8, 8, 0.5, 6, 1, 0.5],
    [5, 8, 7, 5, 14, 7, 5, 2, 42, 4, 1],
    [2, 3, 4, 1, 9, 3, 1, 1, 56, 19, 1],
    [2, 4, 8, 1, 14, 20, 5, 38, 4, 2, 2],
    [6, 3, 5, 3, 18, 22, 12, 12, 10, 2, 7],
    [2, 3, 6, 1, 4, 2, 1, 1, 18, 61, 1],
    [12, 3, 3, 1, 5, 3, 1, 2, 14, 17, 39],
]
_DENSE = [
    [10, 18, 34, 17, 9, 5, 6, 0.3, 0.4, 0.2, 0.1],
    [2, 17, 20, 16, 12, 10, 18, 0.5, 4, 0.3, 0.2],
    [1, 4, 12, 26, 9, 9, 13, 1, 23, 1.5, 0.5],
    [1, 3, 7, 3, 9, 4, 2, 1, 52, 17, 1],
    [1, 3, 10, 3, 13, 21, 9, 35, 3, 1, 1],
    [2, 3, 7, 6, 17, 20, 20, 10, 9, 1, 5],
    [1, 3, 7, 3, 4, 3, 2, 1, 20, 55, 1],
    [5, 3, 4, 3, 6, 4, 2, 3, 16, 18, 36],
]
SHAPE_ODDS = np.array([_SPARSE, _DENSE])
"""Probability of each shape, (cover below or above average, function, shape)."""
SHAPE_ODDS = SHAPE_ODDS / SHAPE_ODDS.sum(axis=2, keepdims=True)
