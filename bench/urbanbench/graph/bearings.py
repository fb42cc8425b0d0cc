"""Distances and bearings between places and shapes, and the eight words for directions."""

from __future__ import annotations

import numpy as np

__all__ = ["DIRECTIONS", "bearing_between", "direction_of", "measure_between"]

DIRECTIONS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")

_TOUCHING_M = 1e-6


def bearing_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the bearing from places to places.

    Parameters
    ----------
    start, end
        float64 (n, 2): (easting, northing), metres.

    Returns
    -------
    numpy.ndarray
        float64 (n,): degrees clockwise from grid north, [0, 360), rounded to 0.1; NaN where both are one.
    """
    east, north = (end - start).T
    angle = np.round(np.degrees(np.arctan2(east, north)) % 360.0, 1) % 360.0
    return np.where(np.hypot(east, north) > _TOUCHING_M, angle, np.nan)


def measure_between(
    shapes: tuple[np.ndarray, np.ndarray], places: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return distance and bearing between pairs of shapes.

    Parameters
    ----------
    shapes
        Two arrays of shapely geometries (n,): from, to.
    places
        Two float64 (n, 2): where the nodes are, which gives the bearing where two shapes touch.

    Returns
    -------
    distance_m, bearing
        float64 (n,): as `urbanbench.graph.tables.Edges` has them.
    """
    import shapely

    ends = shapely.get_coordinates(shapely.shortest_line(*shapes)).reshape(-1, 2, 2)
    start, end = ends[:, 0], ends[:, 1]
    exact = np.hypot(*(end - start).T)
    apart = exact > _TOUCHING_M
    bearing = np.where(apart, bearing_between(start, end), bearing_between(*places))
    return np.round(exact, 1), bearing


def direction_of(bearing: float) -> str:
    """Return the word for a bearing, "" for NaN.

    Examples
    --------
    >>> direction_of(0.0), direction_of(30.0), direction_of(350.0), direction_of(float("nan"))
    ('north', 'north-east', 'north', '')
    """
    return "" if bearing != bearing else DIRECTIONS[int(((bearing + 22.5) % 360.0) // 45.0)]  # noqa: PLR0124 - NaN
