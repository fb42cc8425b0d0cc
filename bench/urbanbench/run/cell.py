"""One cell of a results folder: computed under its lock, by one process at a time."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.atomic import spared
from urbanbench.errors import CannotWrite, EnvironmentFaulty, PluginBroken
from urbanbench.progress import pulse
from urbanbench.registry.live import is_live
from urbanbench.result import OK, RunResult
from urbanbench.run.aside import kept_aside
from urbanbench.run.order import Order
from urbanbench.run.sources import SOURCES, record
from urbanbench.run.walk import execute, mark_of
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["marked", "run_cell", "save"]


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
        found = None if overwrite == "always" or is_live(order.spec.model) else store.find(order.cell)
        if found is not None and overwrite == "never" and found.status == OK:
            return found, False
        with pulse(str(order.cell)):
            result = execute(order, bench=bench, unless=found)
        if result is found:
            return marked(result, order, store), False
        sources = record(order, store.folder)
        if sources:
            result = replace(result, provenance={**result.provenance, SOURCES: sources})
        return save(result, store), True


def marked(result: RunResult, order: Order, store: ResultStore) -> RunResult:
    """Return a result that still holds, with today's mark of the model's check."""
    mark = mark_of(order)
    if not mark or result.model.get("checked") == mark["checked"]:
        return result
    marked = replace(result, model=dict(result.model) | mark)
    with spared("Marks of checks are not kept"):
        store.save_row(marked)
    return marked


def save(result: RunResult, store: ResultStore) -> RunResult:
    """Save a result and return it; one that cannot be written says so, is kept aside where there is room, and not lost for those who wait for it."""
    try:
        store.save(result)
    except CannotWrite as error:
        aside = kept_aside(result, store)
        told = (
            f" It is kept in {str(aside)!r} until the same command, with room, brings it home."
            if aside
            else ""
        )
        return replace(result, unsaved=f"{error}{told}")
    _forget_unloaded(result, store)
    return result


def _forget_unloaded(result: RunResult, store: ResultStore) -> None:
    """Remove the row of the same question from when the plugin did not load, whose parameters nobody knew."""
    blank = replace(result.cell, preset="", parameters={})
    if blank.run_id == result.run_id:
        return
    path = store.path_of(blank)
    found = store.find(blank) if path.is_file() else None
    if found is not None and found.error_type in {PluginBroken.__name__, EnvironmentFaulty.__name__}:
        path.unlink(missing_ok=True)
