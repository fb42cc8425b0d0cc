"""Dealing: which cells a process is given at a time, for the run that does it and the plan that foretells it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

__all__ = ["dealt"]

_TURNS = 16
"""How often a process comes for cells of a group that several share, so that none is left with the long ones at the end."""

T = TypeVar("T")


def dealt(groups: Iterable[Sequence[T]], jobs: int) -> Iterator[Sequence[T]]:
    """Cut groups that share vectors into portions: whole ones, but a group with more cells than a process's even share into small ones.

    Such a group keeps all processes busy, and heads differ forty times in what they take: dealt out in equal numbers, one process would end long before
    the other.

    Parameters
    ----------
    groups
        Cells that share vectors, group by group.
    jobs
        Number of processes.

    Examples
    --------
    >>> [len(one) for one in dealt([range(3), range(3), range(2)], 2)]
    [3, 3, 2]
    >>> [len(one) for one in dealt([range(70)], 2)]
    [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1]
    """
    listed = list(groups)
    even = max(math.ceil(sum(map(len, listed)) / jobs), 1)
    for group in listed:
        size = len(group) if len(group) <= even else math.ceil(len(group) / (jobs * _TURNS))
        for start in range(0, len(group), max(size, 1)):
            yield group[start : start + size]
