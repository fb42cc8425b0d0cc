"""Machine: what this one has, and what runs cost on such machines beside the work itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from urbanbench.registry import city_folder
from urbanbench.run.planning.jobs import Terms

__all__ = ["city_mb", "memory_mb", "terms_for"]

OVERHEAD_S = 0.03
"""Keys, locks, files and reports of a cell."""
START_S = 2.0
"""Until a process has loaded what it needs."""
DISPATCH_S = 0.003
"""To hand out a job to a process and to take its answer."""
SHIPPED_MB_PER_S = 100.0
"""What a network of one gigabit per second carries."""


def terms_for(cities: Iterable[str]) -> Terms:
    """Return what work costs beside itself on nodes to which these cities have to be shipped; measured by tests/benchmarks/programs/planned_runs.py."""
    ship = {city: city_mb(city) / SHIPPED_MB_PER_S for city in cities}
    return Terms(OVERHEAD_S, DISPATCH_S, START_S, ship)


def city_mb(word: str) -> float:
    """Return the size of a city's folder in 10^6 bytes."""
    return sum(file.stat().st_size for file in Path(city_folder(word)).rglob("*") if file.is_file()) / 1e6


def memory_mb() -> float | None:
    """Return this machine's memory in 10^6 bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (AttributeError, OSError, ValueError):
        return None
