"""How many neighbours a radius is worth: a fixed number would stand for the same few nearest ones whatever the radius."""

from __future__ import annotations

__all__ = ["cap_within"]

REFERENCE_M = 1000.0
"""Radius for which the limits of the parameters are meant."""


def cap_within(cap: int, radius_m: float) -> int:
    """Return how many neighbours enter within a radius: `cap` for 1 km, and with its square otherwise, at least 1.

    So in a city of even density the farthest of the neighbours that enter lies at the same share of every radius.

    Examples
    --------
    >>> cap_within(16, 1000.0), cap_within(16, 500.0), cap_within(16, 2000.0), cap_within(16, 100.0)
    (16, 4, 64, 1)
    """
    return max(1, round(cap * (radius_m / REFERENCE_M) ** 2))
