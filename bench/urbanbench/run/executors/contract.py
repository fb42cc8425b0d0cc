"""The contract of an executor: it is given cells and does them somewhere, and whoever gave them cannot tell where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from urbanbench.apart import Limits
from urbanbench.result import RunResult
from urbanbench.run.order import Order
from urbanbench.run.planning.lengths import Lengths
from urbanbench.store import ResultStore

__all__ = ["Executor", "Progress", "Work", "unheard"]

Progress = Callable[[RunResult, bool], None]
"""Called after each cell with its result and whether it was computed now."""


def unheard(*_: object) -> None:
    """Listen to nothing that is told."""


@dataclass(frozen=True, eq=False)
class Work:
    """Cells to do, and the terms on which.

    Parameters
    ----------
    orders
        Distinct cells; those that share a city, and vectors, stand together.
    store
        Where results go.
    overwrite
        A word of `urbanbench.run.loop.OVERWRITE`.
    device
        "cpu" or "cuda".
    limits
        What one cell may take where it runs in a process of its own.
    report, began
        Called after each cell, and before each, also before one that turns out to be kept.
    lengths
        What cells are thought to take: where several are done at once, the longest are begun first.
    """

    orders: Sequence[Order]
    store: ResultStore
    overwrite: str = "only-missing"
    device: str = "cpu"
    limits: Limits = field(default_factory=Limits)
    report: Progress = unheard
    began: Callable[[Order], None] = unheard
    lengths: Lengths = field(default_factory=Lengths)


class Executor(Protocol):
    """Somewhere that cells are done.

    Whatever it is, the results folder is the same afterwards but for times and the machine: results are saved as they come, under their
    cells' locks, finished ones that hold are kept, and what happens in one cell is a row and not the end of the others. Stopped in
    the middle, it leaves nothing running, and the same work goes on from there.
    """

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work and return every cell's result by its run id.

        Raises
        ------
        KeyboardInterrupt
            The user has stopped it; nothing that it has started still runs.
        """
        ...
