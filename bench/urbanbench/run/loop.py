"""Many runs on one results folder: what is asked is settled here, and an executor does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from urbanbench.apart import keeping
from urbanbench.cache import sweep_cache
from urbanbench.counted import counted
from urbanbench.errors import UnknownName
from urbanbench.home import cache_root
from urbanbench.progress import note
from urbanbench.result import RunResult, RunSpec
from urbanbench.run.aside import bring_home
from urbanbench.run.executors import Executor, Local, Progress, Work, unheard
from urbanbench.run.foretold import tell_long, without_hopeless
from urbanbench.run.order import Order, resolve
from urbanbench.run.planning.groups import learner, told_by
from urbanbench.run.planning.lengths import Lengths
from urbanbench.run.sources import check_kept, distinct
from urbanbench.store import ResultStore

__all__ = ["OVERWRITE", "Progress", "in_sharing_order", "run"]

OVERWRITE = {
    "only-missing": "skip finished results that still hold; compute missing, failed, refused and stale ones",
    "never": "skip every cell that has a finished result, stale or not",
    "always": "compute everything again",
}


_ROWS = 12
"""Earlier rows of a model that are read from a folder to tell what its cells take: few, because a run waits for it."""


def run(
    specs: Iterable[RunSpec],
    store: ResultStore,
    *,
    overwrite: str = "only-missing",
    device: str = "cpu",
    jobs: int = 1,
    executor: Executor | None = None,
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
        Number of processes, where no executor is given.
    executor
        Where cells are done; this machine when left out.
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
    waiting = in_sharing_order(orders.values())
    limits = keeping().limits
    report = unheard if progress is None else progress
    kept = None if overwrite == "always" else store
    lengths = Lengths(learner(told_by(store), _ROWS), device, kept)
    tell_long(waiting, lengths)
    work = Work(waiting, store, overwrite, device, limits, report, began or unheard, lengths)
    done = without_hopeless(work, (executor or Local(jobs)).run)
    return [done[run_id] for run_id in orders]


def _tidy(store: ResultStore) -> None:
    """Bring rows home that an earlier run kept aside, and remove what killed processes left."""
    bring_home(store)
    left = store.sweep() + sweep_cache(cache_root())
    if left:
        note(f"Removed {counted(left, 'temporary file')} that killed processes had left.")


def in_sharing_order(orders: Iterable[Order]) -> list[Order]:
    """Sort so that orders that share a city, and vectors, stand together; otherwise as asked."""
    listed = list(orders)
    cities: dict[str, int] = {}
    groups: dict[tuple[object, ...], int] = {}
    for order in listed:
        cities.setdefault(order.spec.city, len(cities))
        groups.setdefault(order.embedding_group, len(groups))
    return sorted(listed, key=lambda order: (cities[order.spec.city], groups[order.embedding_group]))
