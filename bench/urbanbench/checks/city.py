"""Conformance of a city: no faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.errors import CityFaults

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["check_city"]


def check_city(city: City) -> None:
    """Read everything in a city folder and check it.

    Raises
    ------
    CityFaults
        All faults at once.
    """
    faults = city.check()
    if faults:
        raise CityFaults(city.name, faults)
