"""One cell of a results folder: computed under its lock, by one process at a time."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.result import OK, RunResult
from urbanbench.run.order import Order
from urbanbench.run.sources import SOURCES, record
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["run_cell"]


def run_cell(
    order: Order, store: ResultStore, overwrite: str, bench: Workbench, *, wait: bool = True
) -> tuple[RunResult, bool] | None:
    """Run one cell under its lock.

    Parameters
    ----------
    order, store, overwrite, bench
        See `run`.
    wait
        Wait for another process that computes this cell, and take its result.

    Returns
    -------
    tuple[RunResult, bool] or None
        The result and whether it was computed now; None when another process has the cell and `wait` is False.
    """
    with store.lock(order.cell, wait=wait) as held:
        if not held:
            return None
        found = None if overwrite == "always" else store.find(order.cell)
        if found is not None and overwrite == "never" and found.status == OK:
            return found, False
        result = execute(order, bench=bench, unless=found)
        if result is found:
            return result, False
        sources = record(order, store.folder)
        if sources:
            result = replace(result, provenance={**result.provenance, SOURCES: sources})
        store.save(result)
        return result, True
