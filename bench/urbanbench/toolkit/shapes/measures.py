"""Shape measures of many polygons at once, without a Python loop over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Shapes", "measure_shapes"]


@dataclass(frozen=True, eq=False)
class Shapes:
    """Measures of n polygons, each float64 (n,).

    Parameters
    ----------
    area_m2, perimeter_m
        Area without holes; length of all rings.
    compactness
        Isoperimetric quotient 4 pi area / perimeter², in [0, 1]; 1 for a disc.
    elongation
        Root of the ratio of the smaller to the larger principal second moment of area, in [0, 1]; width / length for a rectangle.
    orientation
        Direction of the walls modulo 90 degrees, in [0, 90): mean of the edges' bearings with four-fold symmetry, weighted by length.
    vertices
        Number of corners over all rings.
    """

    area_m2: np.ndarray
    perimeter_m: np.ndarray
    compactness: np.ndarray
    elongation: np.ndarray
    orientation: np.ndarray
    vertices: np.ndarray


def measure_shapes(polygons: np.ndarray) -> Shapes:
    """Measure polygons (n,), coordinates in metres.

    Areas and second moments come from Green's theorem over the edges of all rings; coordinates are taken from each polygon's
    first corner, so that nothing is lost to large eastings and northings.
    """
    import shapely

    rings, owner = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edges = np.flatnonzero(ring[1:] == ring[:-1])
    start, ring_of_edge = np.searchsorted(ring, np.arange(len(rings))), ring[edges]
    first_ring = np.searchsorted(owner, owner)
    xy = xy - xy[start[first_ring[ring]]]
    moments = _ring_moments(xy[edges], xy[edges + 1], ring_of_edge, len(rings))
    inner = first_ring != np.arange(len(rings))
    signs = np.where(moments[0] < 0, -1.0, 1.0) * np.where(inner, -1.0, 1.0)
    total = [np.bincount(owner, signs * part, minlength=len(polygons)) for part in moments]
    length, turn = _edge_sums(xy[edges + 1] - xy[edges], owner[ring_of_edge], len(polygons))
    area = np.maximum(total[0], 0.0)
    return Shapes(
        area_m2=area,
        perimeter_m=length,
        compactness=np.clip(4 * np.pi * area / np.maximum(length, 1e-9) ** 2, 0.0, 1.0),
        elongation=_elongation(total),
        orientation=np.degrees(np.angle(turn) / 4) % 90.0,
        vertices=np.bincount(owner[ring_of_edge], minlength=len(polygons)).astype(np.float64),
    )


def _ring_moments(tail: np.ndarray, head: np.ndarray, ring: np.ndarray, n_rings: int) -> list[np.ndarray]:
    """Sum signed (area, x, y, xx, yy, xy) moments about the origin over the edges of every ring."""
    x, y, u, v = tail[:, 0], tail[:, 1], head[:, 0], head[:, 1]
    cross = x * v - u * y
    parts = (
        cross / 2,
        cross * (x + u) / 6,
        cross * (y + v) / 6,
        cross * (x * x + x * u + u * u) / 12,
        cross * (y * y + y * v + v * v) / 12,
        cross * (x * v + 2 * x * y + 2 * u * v + u * y) / 24,
    )
    return [np.bincount(ring, part, minlength=n_rings) for part in parts]


def _edge_sums(step: np.ndarray, owner: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return total edge length, and the length-weighted sum of exp(4i bearing), of every polygon."""
    lengths = np.hypot(step[:, 0], step[:, 1])
    unit = (step[:, 0] + 1j * step[:, 1]) / np.where(lengths > 0, lengths, 1.0)
    turned = unit**4 * lengths
    real, imaginary = (np.bincount(owner, part, minlength=n) for part in (turned.real, turned.imag))
    return np.bincount(owner, lengths, minlength=n), real + 1j * imaginary


def _elongation(total: list[np.ndarray]) -> np.ndarray:
    area, sx, sy, sxx, syy, sxy = total
    safe = np.where(area > 0, area, 1.0)
    xx, yy, xy = sxx - sx**2 / safe, syy - sy**2 / safe, sxy - sx * sy / safe
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    larger = middle + spread
    ratio = np.where(larger > 0, np.clip(middle - spread, 0.0, None) / np.where(larger > 0, larger, 1.0), 1.0)
    return np.asarray(np.sqrt(ratio))
