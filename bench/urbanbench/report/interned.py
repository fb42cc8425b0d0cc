"""Values that many rows share, written once: a page of thousands of rows stays small."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Interned", "short_number"]


class Interned:
    """A list of JSON-like values without repeats; a row keeps the place of its value.

    Examples
    --------
    >>> kept = Interned()
    >>> kept.place({"numpy": "2.5"}), kept.place({"numpy": "2.6"}), kept.place({"numpy": "2.5"})
    (0, 1, 0)
    >>> kept.values
    [{'numpy': '2.5'}, {'numpy': '2.6'}]
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """Return where a value stands, which is the same for equal ones."""
        key = json.dumps(value, sort_keys=True, default=str)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def short_number(value: float | None, digits: int = 5) -> float | None:
    """Round a number to some significant digits; None and what is not finite become None.

    Examples
    --------
    >>> short_number(0.123456789), short_number(1234567.0), short_number(float("nan"))
    (0.12346, 1234600.0, None)
    """
    if value is None or value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return None
    return float(f"{value:.{digits}g}")
