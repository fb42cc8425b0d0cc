"""The positional encoding of a place: sines and cosines of latitude and longitude at 64 wavelengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.units import Units

__all__ = ["encode_positions", "positions"]

AMPLITUDE, FREQUENCIES = 100.0, 64
SCALE = {"region": 0.1, "building": 1.0, "poi": 1.0}
"""By what the encoding is multiplied at each level, as in the authors' code."""


def encode_positions(degrees: np.ndarray) -> np.ndarray:
    """Return the encoding, float64 (n, 256): for each wavelength sine and cosine of both coordinates.

    Parameters
    ----------
    degrees
        float64 (n, 2): (latitude, longitude).
    """
    weight = AMPLITUDE / 10000.0 ** (np.arange(FREQUENCIES) / FREQUENCIES)
    angle = degrees[:, None, :] * weight[None, :, None]
    waves = np.concatenate([np.sin(angle), np.cos(angle)], axis=2)
    return np.asarray(AMPLITUDE * waves.reshape(len(degrees), -1))


def positions(view: View, units: Units) -> np.ndarray:
    """Return the encoding of units' centroids as it stands in their vectors, float64 (n, 256).

    Raises
    ------
    RunRefused
        Coordinates may not be used.
    """
    if not view.has("coordinates"):
        msg = f"CityFM was asked for positions, but coordinates cannot be used in {view.city_name!r} (inputs {', '.join(sorted(view.inputs))}). Mend: allow the input coordinates, or --set with_pe=false"
        raise RunRefused(msg)
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(view.crs, "EPSG:4326", always_xy=True)
    east, north = view.coordinates(units).T
    longitude, latitude = to_degrees.transform(east, north)
    return SCALE[units.level] * encode_positions(np.column_stack([latitude, longitude]))
