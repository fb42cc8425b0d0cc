"""The positional encoding that CityFM and UrbanMFM give to their heads."""

from __future__ import annotations

import numpy as np

__all__ = ["WIDTH", "degrees", "encoded"]

WIDTH = 256
_SCALE, _BASE = 100.0, 10_000.0


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
