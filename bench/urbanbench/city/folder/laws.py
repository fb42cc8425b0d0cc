"""Words for how the stored numbers of a raster become values."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ALPHAEARTH", "FLOAT", "LAWS", "LINEAR", "PIXEL_SCALE"]

ALPHAEARTH, LINEAR, PIXEL_SCALE, FLOAT = "alphaearth", "linear", "pixel-scale", "float"

LAWS: Mapping[str, str] = {
    ALPHAEARTH: "int8 numbers q stand for sign(q) (|q| / 127.5)², -128 for no data",
    LINEAR: "a number q stands for q * scale + offset",
    PIXEL_SCALE: "a number q stands for q times the pixel's number in the file of scales; no data where that is not above 0",
    FLOAT: "numbers stand for themselves",
}
