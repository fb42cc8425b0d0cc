"""How many threads numeric libraries may use, and fits side by side in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["numeric_threads", "side_by_side"]

_Asked = TypeVar("_Asked")
_Given = TypeVar("_Given")


def numeric_threads() -> int:
    """Return the user's number (OMP_NUM_THREADS), or all cores."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else os.cpu_count() or 1


def side_by_side(fit: Callable[[_Asked], _Given], asked: Iterable[_Asked], threads: int) -> list[_Given]:
    """Do independent fits that each use one thread and leave Python's lock alone; answers in the order asked.

    Parameters
    ----------
    fit
        One fit; what it gives must not depend on the others.
    asked
        What to fit.
    threads
        How many at once; 1 uses no thread at all.
    """
    if threads <= 1:
        return [fit(one) for one in asked]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(fit, asked))
