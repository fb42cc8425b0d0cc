"""Height of a building from its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["LEVEL_M", "height_of", "measured"]

LEVEL_M = 3.0
"""Metres of a storey, where only `building:levels` is mapped."""

_FOOT_M, _INCH_M = 0.3048, 0.0254
_HIGHEST_M, _MOST_LEVELS = 1000.0, 250
_METRES = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m|metre|metres|meter|meters|ft|feet)?", re.IGNORECASE)
_FEET = re.compile(r"(\d+(?:\.\d+)?)\s*'\s*(?:(\d+(?:\.\d+)?)\s*\")?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def height_of(tags: Mapping[str, str]) -> float | None:
    r"""Read `height` (metres, or feet where it says so), else `building:levels` times 3 m.

    Returns
    -------
    float or None
        Metres; None where neither is there or can be read, or is above 1000 m or 250 storeys.

    Examples
    --------
    >>> [height_of({"height": text}) for text in ("12.5", "12,5 m", "100 ft", "6'6\"", "tall", "-3")]
    [12.5, 12.5, 30.48, 1.9812, None, None]
    >>> height_of({"building:levels": "4"}), height_of({"height": "?", "building:levels": "2.5"})
    (12.0, 7.5)
    """
    found = measured(tags)
    if found is None:
        levels = tags.get("building:levels", "").strip()
        if _NUMBER.fullmatch(levels) and float(levels) <= _MOST_LEVELS:
            found = float(levels) * LEVEL_M
    return found if found and found <= _HIGHEST_M else None


def measured(tags: Mapping[str, str]) -> float | None:
    """Read the tag `height` alone."""
    text = tags.get("height", "").strip()
    if whole := _METRES.fullmatch(text):
        number = float(whole[1].replace(",", "."))
        feet = (whole[2] or "").lower().startswith("f")
        return round(number * _FOOT_M, 4) if feet else number
    if whole := _FEET.fullmatch(text):
        return round(float(whole[1]) * _FOOT_M + float(whole[2] or 0) * _INCH_M, 4)
    return None
