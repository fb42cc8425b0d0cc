"""The positional encoding of a place that CityFM and UrbanMFM give to their heads: waves of its latitude and longitude."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.units import Units

__all__ = ["WIDTH", "degrees", "encoded", "positions"]

WIDTH = 256
_SCALE, _BASE = 100.0, 10_000.0

_SHARE = {"region": 0.1, "building": 1.0, "poi": 1.0}
"""By what the encoding is multiplied at each level before it stands beside a vector: the released heads divide that of regions by 10."""


def degrees(xy: np.ndarray, crs: str) -> np.ndarray:
    """Return (latitude, longitude) in degrees, float64 (n, 2).

    Parameters
    ----------
    xy
        float64 (n, 2), (easting, northing) in metres.
    crs
        What they are projected with.
    """
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(xy[:, 0], xy[:, 1])
    return np.column_stack([latitude, longitude])


def encoded(places: np.ndarray) -> np.ndarray:
    """Encode positions, float64 (n, 256).

    For k = 0, 2, ..., 126 the frequency is w = 100 / 10000^(k / 128), in radians per degree; per frequency the columns are
    100 sin(w latitude), 100 cos(w latitude), 100 sin(w longitude), 100 cos(w longitude). Source: the released code of CityFM
    (``utils/models.py``, ``config.py``), which UrbanMFM's repeats.

    Parameters
    ----------
    places
        float64 (n, 2), (latitude, longitude) in degrees.
    """
    half = WIDTH // 2
    frequencies = _SCALE / _BASE ** (np.arange(0, half, 2) / half)
    angles = places[:, None, :] * frequencies[None, :, None]
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return np.asarray(_SCALE * waves.reshape(len(places), WIDTH))


def positions(view: View, units: Units, *, model: str) -> np.ndarray:
    """Return the encoding of units' centroids as it stands beside their vectors, float64 (n, 256): for regions divided by 10.

    Parameters
    ----------
    view, units
        `coordinates` are read.
    model
        Who asks, for the message.

    Raises
    ------
    RunRefused
        Coordinates may not be used.
    """
    if not view.has("coordinates"):
        msg = f"{model} was asked for positions, but coordinates cannot be used in {view.city_name!r} (inputs {', '.join(sorted(view.inputs))}). Mend: allow the input coordinates, or --set with_pe=false"
        raise RunRefused(msg)
    return _SHARE[units.level] * encoded(degrees(view.coordinates(units), view.crs))
