"""Many runs on one results folder: skip what is done, save what is new, share the work with other processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from urbanbench.apart import keeping
from urbanbench.cache import sweep_cache
from urbanbench.errors import UnknownName
from urbanbench.home import cache_root
from urbanbench.progress import note
from urbanbench.registry import Face
from urbanbench.result import RunResult, RunSpec
from urbanbench.run.aside import bring_home
from urbanbench.run.cell import run_cell
from urbanbench.run.order import Order, resolve
from urbanbench.run.sources import check_kept, distinct
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["OVERWRITE", "Progress", "in_sharing_order", "run"]

OVERWRITE = {
    "only-missing": "skip finished results that still hold; compute missing, failed, refused and stale ones",
    "never": "skip every cell that has a finished result, stale or not",
    "always": "compute everything again",
}

Progress = Callable[[RunResult, bool], None]
"""Called after each cell with its result and whether it was computed now."""


def run(
    specs: Iterable[RunSpec],
    store: ResultStore,
    *,
    overwrite: str = "only-missing",
    device: str = "cpu",
    jobs: int = 1,
    progress: Progress | None = None,
    began: Callable[[Order], None] | None = None,
) -> list[RunResult]:
    """Run cells and save every result as soon as it is there; inside `plugins_apart` foreign plugins run in processes of their own.

    Several processes may run on one folder at once: each cell is computed by one of them.

    Parameters
    ----------
    specs
        What to run; cells asked for twice are run once.
    store
        Where results go.
    overwrite
        A word of `OVERWRITE`.
    device
        "cpu" or "cuda".
    jobs
        Number of processes.
    progress
        Called after each cell.
    began
        Called before each cell, also before one that turns out to be kept.

    Returns
    -------
    list[RunResult]
        One per distinct cell, in the order asked for.

    Raises
    ------
    UnknownName, BadInput, DataMissing, PluginBroken
        A spec names what does not exist, or two sources would share one result; nothing has been run then.
    CannotWrite
        The results folder cannot be written; nothing has been run then.
    """
    if overwrite not in OVERWRITE:
        raise UnknownName("overwrite mode", overwrite, OVERWRITE)
    orders = distinct(map(resolve, specs))
    if overwrite != "always":
        check_kept(orders.values(), store)
    store.check_writable()
    _tidy(store)
    report = progress if progress is not None else (lambda _result, _new: None)
    start = began if began is not None else (lambda _order: None)
    waiting = in_sharing_order(orders.values())
    done: dict[str, RunResult] = {}
    bench = Workbench(device)
    for apart, chunk in _in_places(waiting, jobs):
        if apart:
            from urbanbench.run.jobs import run_in_processes

            limits = keeping().limits
            done |= run_in_processes(
                chunk,
                store,
                overwrite=overwrite,
                device=device,
                jobs=jobs,
                limits=limits,
                report=report,
                began=start,
            )
        else:
            done |= _run_here(chunk, store, overwrite, bench, report, start)
    return [done[run_id] for run_id in orders]


def _tidy(store: ResultStore) -> None:
    """Bring rows home that an earlier run kept aside, and remove what killed processes left."""
    bring_home(store)
    left = store.sweep() + sweep_cache(cache_root())
    if left:
        note(f"Removed {left} temporary files that killed processes had left.")


def _in_places(waiting: Sequence[Order], jobs: int) -> list[tuple[bool, list[Order]]]:
    """Cut orders into chunks that other processes do (True) and that this one does."""
    if jobs > 1 and len(waiting) > 1:
        return [(True, list(waiting))]
    return [(apart, list(chunk)) for apart, chunk in groupby(waiting, key=_is_apart)]


def _is_apart(order: Order) -> bool:
    """Tell whether a cell wants a process of its own; one whose plugin does not load wants none."""
    broken = any(isinstance(one, Face) and one.fault for one in (order.model, order.task))
    return not broken and (order.foreign or keeping().all_cells)


def in_sharing_order(orders: Iterable[Order]) -> list[Order]:
    """Sort so that orders that share a city, and vectors, stand together; otherwise as asked."""
    listed = list(orders)
    cities: dict[str, int] = {}
    groups: dict[tuple[object, ...], int] = {}
    for order in listed:
        cities.setdefault(order.spec.city, len(cities))
        groups.setdefault(order.embedding_group, len(groups))
    return sorted(listed, key=lambda order: (cities[order.spec.city], groups[order.embedding_group]))


def _run_here(
    orders: Sequence[Order],
    store: ResultStore,
    overwrite: str,
    bench: Workbench,
    report: Progress,
    began: Callable[[Order], None],
) -> dict[str, RunResult]:
    done: dict[str, RunResult] = {}
    queue = deque((order, False) for order in orders)
    while queue:
        order, wait = queue.popleft()
        began(order)
        answer = run_cell(order, store, overwrite, bench, wait=wait)
        if answer is None:
            queue.append((order, True))
            continue
        done[order.cell.run_id] = answer[0]
        report(*answer)
    return done
