"""Numbers out of the text of other people's tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["as_numbers"]

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def as_numbers(values: Iterable[Any]) -> np.ndarray:
    """Read numbers, float64 (n,); NaN where there is none.

    Examples
    --------
    >>> as_numbers(["12", "1,234,567.5", "3,5", " 7 ", "n/a", "", None, True, "inf"]).tolist()
    [12.0, 1234567.5, 3.5, 7.0, nan, nan, nan, 1.0, nan]
    """
    return np.array([_number(one) for one in values], dtype=np.float64)


def _number(value: Any) -> float:
    text = (
        ""
        if value is None
        else str(float(value))
        if isinstance(value, bool | int | float)
        else str(value).strip()
    )
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")
