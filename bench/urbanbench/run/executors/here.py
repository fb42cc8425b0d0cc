"""Cells done in this process, one after the other."""

from __future__ import annotations

from collections import deque

from urbanbench.result import RunResult
from urbanbench.run.cell import run_cell
from urbanbench.run.executors.contract import Work
from urbanbench.run.workbench import Workbench

__all__ = ["Here"]


class Here:
    """The process that calls; cells that another process computes are waited for at the end.

    Parameters
    ----------
    bench
        What is kept between cells; one for the work's device when left out.
    """

    def __init__(self, bench: Workbench | None = None) -> None:
        self._bench = bench

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `Executor`."""
        bench = self._bench or Workbench(work.device)
        done: dict[str, RunResult] = {}
        queue = deque((order, False) for order in work.orders)
        while queue:
            order, wait = queue.popleft()
            work.began(order)
            answer = run_cell(order, work.store, work.overwrite, bench, wait=wait)
            if answer is None:
                queue.append((order, True))
                continue
            done[order.cell.run_id] = answer[0]
            work.report(*answer)
        return done
