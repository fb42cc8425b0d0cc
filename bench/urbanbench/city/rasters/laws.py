"""How stored numbers become values: always before anything is averaged, for a mean of quantised numbers is another number."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.folder.laws import ALPHAEARTH, LINEAR, PIXEL_SCALE
from urbanbench.city.folder.limits import MAX_NUMBER

__all__ = ["ALPHAEARTH_NODATA", "too_large", "values_of", "with_data"]

ALPHAEARTH_NODATA = -128
_HALF_RANGE, _POWER = 127.5, 2.0
"""AlphaEarth's quantisation, as published with the files: values are (q / 127.5)² with the sign of q."""


def with_data(info: RasterInfo, stored: np.ndarray, nodata: float | None) -> np.ndarray:
    """Tell which pixels have a number in every band.

    Parameters
    ----------
    info
        What city.json says of the layer.
    stored
        Numbers as stored, (bands, rows, columns).
    nodata
        What the file says; `info.nodata` counts before it.

    Returns
    -------
    numpy.ndarray
        bool (rows, columns). A pixel that lacks a single band has no data.
    """
    lacking = np.zeros(stored.shape, dtype=bool)
    if stored.dtype.kind == "f":
        lacking |= ~np.isfinite(stored)
    said = [info.nodata if info.nodata is not None else nodata]
    if info.law == ALPHAEARTH:
        said.append(ALPHAEARTH_NODATA)
    for number in said:
        if number is not None and np.isfinite(number):
            lacking |= stored == _as_stored(number, stored.dtype)
    return np.asarray(~lacking.any(axis=0))


def _as_stored(number: float, dtype: np.dtype[Any]) -> Any:
    """Return a number as a file of this type holds it: -3.4e38 of float32 is not that of float64."""
    if dtype.kind != "f":
        return number
    with np.errstate(over="ignore"):
        return dtype.type(number)


def values_of(info: RasterInfo, stored: np.ndarray, scales: np.ndarray | None) -> np.ndarray:
    """Turn stored numbers into values.

    Parameters
    ----------
    info
        What city.json says of the layer.
    stored
        Numbers as stored, (pixels, bands).
    scales
        Of the law "pixel-scale": a number for each pixel, (pixels,).

    Returns
    -------
    numpy.ndarray
        float64 (pixels, bands).

    Examples
    --------
    >>> info = RasterInfo("raster_embedding", "a.tif", law="alphaearth")
    >>> values_of(info, np.array([[127, 0, -51]], dtype=np.int8), None).round(4).tolist()
    [[0.9922, 0.0, -0.16]]
    """
    if info.law == ALPHAEARTH:
        every = np.arange(-128, 128) / _HALF_RANGE
        table = np.sign(every) * np.abs(every) ** _POWER
        return np.asarray(table[stored.astype(np.int16) + 128])
    values = stored.astype(np.float64)
    if info.law == LINEAR:
        return np.asarray(values * np.array(info.scale) + np.array(info.offset))
    if info.law == PIXEL_SCALE and scales is not None:
        return np.asarray(values * scales.astype(np.float64)[:, None])
    return values


def too_large(values: np.ndarray) -> float | None:
    """Return a value that no embedding has, as an undeclared number for no data is; None where all are sound."""
    with np.errstate(invalid="ignore"):
        far = ~(np.abs(values) <= MAX_NUMBER)
    return float(values[far][0]) if far.any() else None
