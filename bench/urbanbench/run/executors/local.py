"""Cells done on this machine: in this process, or in others where there are several jobs or a plugin is kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from urbanbench.apart import keeping
from urbanbench.registry import Face
from urbanbench.result import RunResult
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.here import Here
from urbanbench.run.order import Order
from urbanbench.run.workbench import Workbench

__all__ = ["Local", "does_not_load"]


class Local:
    """The machine that calls.

    Parameters
    ----------
    jobs
        Number of processes.
    bench
        What the calling process keeps between cells; one for the work's device when left out.
    """

    def __init__(self, jobs: int = 1, bench: Workbench | None = None) -> None:
        self.jobs, self._bench = jobs, bench

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `Executor`."""
        done: dict[str, RunResult] = {}
        here = Here(self._bench or Workbench(work.device))
        for apart, chunk in self._in_places(work.orders):
            part = replace(work, orders=chunk)
            if apart:
                from urbanbench.run.executors.processes import Processes

                done |= Processes(self.jobs).run(part)
            else:
                done |= here.run(part)
        return done

    def _in_places(self, orders: Sequence[Order]) -> Iterator[tuple[bool, list[Order]]]:
        """Cut orders into chunks that other processes do (True) and that this one does."""
        if self.jobs > 1 and len(orders) > 1:
            yield True, list(orders)
            return
        yield from ((apart, list(chunk)) for apart, chunk in groupby(orders, key=_is_apart))


def _is_apart(order: Order) -> bool:
    """Tell whether a cell wants a process of its own; one whose plugin does not load wants none."""
    return not does_not_load(order) and (order.foreign or keeping().all_cells)


def does_not_load(order: Order) -> bool:
    """Tell whether a foreign plugin of a cell is known not to load: its row is written without running anything."""
    return any(isinstance(one, Face) and bool(one.fault) for one in (order.model, order.task))
