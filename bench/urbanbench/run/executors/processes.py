"""Cells done in other processes: workers take portions of cells; a worker that dies or takes too long costs one failed row, not the rest."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from urbanbench.apart import Apart, Channel, Ended
from urbanbench.apart.process import WATCHED_EVERY_S
from urbanbench.reasons import place_in, told
from urbanbench.result import RunResult, RunSpec
from urbanbench.run.cell import run_cell, save
from urbanbench.run.dealing import dealt
from urbanbench.run.executors.contract import Progress, Work
from urbanbench.run.executors.lost import lost_row, not_tried
from urbanbench.run.order import Order, resolve
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["THREAD_VARIABLES", "Processes", "answered"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What numeric libraries take their number of threads from when they are loaded."""


@dataclass
class _Worker:
    """A process, the foreign plugins it has met ("" for none), and the cells it still owes, the present one first."""

    apart: Apart
    serves: str = ""
    owed: deque[Order] = field(default_factory=deque)
    answered: set[tuple[object, ...]] = field(default_factory=set)


class Processes:
    """Processes of this machine; a worker that has met a foreign plugin meets no other one.

    Results are saved by the workers themselves; a cell whose worker ended is saved as failed, with what ended it.

    Parameters
    ----------
    jobs
        How many there are at most.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `Executor`."""
        portions = deque(work.lengths.longest_first(_portions(work.orders, self.jobs)))
        done: dict[str, RunResult] = {}
        workers: list[_Worker] = []

        def tell(result: RunResult, new: bool) -> None:
            done[result.run_id] = result
            work.report(result, new)

        finished = False
        try:
            with _divided_threads(self.jobs):
                workers += [_Worker(_start(work)) for _ in range(min(self.jobs, len(portions)))]
                for worker in workers:
                    _hand_out(worker, portions, work)
                while busy := [worker for worker in workers if worker.owed]:
                    for worker in busy:
                        work.began(worker.owed[0])
                    ready = wait([worker.apart.pipe for worker in busy], timeout=WATCHED_EVERY_S)
                    for worker in busy:
                        _attend(worker, work, tell, there=worker.apart.pipe in ready)
                        if not worker.owed:
                            _hand_out(worker, portions, work)
            finished = True
        finally:
            for worker in workers:
                worker.apart.close(wait_s=5 if finished else 0)
        return done


def _start(work: Work) -> Apart:
    """Start a worker process."""
    folder = str(work.store.folder.absolute())
    return Apart(_work, folder, work.overwrite, work.device, limits=work.limits)


def _portions(orders: Sequence[Order], jobs: int) -> Iterator[list[Order]]:
    """Cut into groups that share vectors, and large groups into small portions."""
    groups = [list(group) for _, group in groupby(orders, key=lambda order: order.embedding_group)]
    for portion in dealt(groups, jobs):
        yield list(portion)


def _hand_out(worker: _Worker, portions: deque[Sequence[Order]], work: Work) -> None:
    """Give a worker its next portion; a fresh process where the present one has met another foreign plugin."""
    if not portions:
        return
    portion = portions.popleft()
    serves = portion[0].guests
    if worker.serves not in {serves, ""}:
        worker.apart.close()
        worker.apart, worker.answered = _start(work), set()
    worker.serves = serves
    worker.owed.extend(portion)
    _send(worker)


def _send(worker: _Worker) -> None:
    worker.apart.send([order.spec for order in worker.owed])


def _attend(worker: _Worker, work: Work, tell: Progress, *, there: bool) -> None:
    """Take a worker's answer, or look whether it is over a limit; where it ended, save the row and start another process."""
    order = worker.owed[0]
    try:
        if not there:
            worker.apart.watch(order.files)
            return
        said = worker.apart.receive(order.files)
    except Ended as ended:
        _mourn(worker, ended, work, tell)
        return
    if said is None:
        return
    answer, new, unsaved = said
    worker.owed.popleft()
    worker.answered.add(order.embedding_group)
    if answer is None:
        _tell_failed(order, unsaved, work, tell)
    else:
        tell(replace(RunResult.from_dict(answer), unsaved=unsaved), new)


def _mourn(worker: _Worker, ended: Ended, work: Work, tell: Progress) -> None:
    """Save the failed row of a worker that ended; where it was over a limit, also those of all cells that need the same vectors."""
    order = worker.owed.popleft()
    lost = [(order, str(ended))]
    if ended.over_limit and order.embedding_group not in worker.answered:
        alike = [one for one in worker.owed if one.embedding_group == order.embedding_group]
        worker.owed = deque(one for one in worker.owed if one not in alike)
        lost += [(one, not_tried(str(ended))) for one in alike]
    for one, reason in lost:
        _tell_failed(one, reason, work, tell)
    worker.apart.close(wait_s=0)
    worker.apart, worker.answered = _start(work), set()
    if worker.owed:
        _send(worker)


def _tell_failed(order: Order, reason: str, work: Work, tell: Progress) -> None:
    with work.store.lock(order.cell):
        tell(save(lost_row(order, reason), work.store), True)


@contextmanager
def _divided_threads(jobs: int) -> Iterator[None]:
    """Give each process its share of the cores; variables the user has set stay."""
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    added = [name for name in THREAD_VARIABLES if name not in os.environ] if jobs > 1 else []
    os.environ.update(dict.fromkeys(added, share))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _work(channel: Channel, folder: str, overwrite: str, device: str) -> None:
    """Answer lists of specs with results, one by one, until nobody listens; the results are on disk by then."""
    store, bench = ResultStore(Path(folder)), Workbench(device)
    while True:
        specs: list[RunSpec] = channel.receive()
        for spec in specs:
            channel.send(answered(spec, store, overwrite, bench))


def answered(
    spec: RunSpec, store: ResultStore, overwrite: str, bench: Workbench
) -> tuple[dict[str, Any] | None, bool, str]:
    """Return the result, whether it is new, and why it is not on disk; None and the reason where there is no result."""
    try:
        answer = run_cell(resolve(spec), store, overwrite, bench)
    except BaseException as error:  # noqa: BLE001 - a plugin that loads only now and then must not end the worker
        return None, True, f"{told(error)}{place_in(error, [Path(spec.model), Path(spec.task)])}"
    if answer is None:
        return None, True, "another process has the cell"
    return answer[0].to_dict(), answer[1], answer[0].unsaved
