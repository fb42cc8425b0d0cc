"""Runs in several processes: workers take portions of cells; a worker that dies costs one failed row, not the rest."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from urbanbench.result import FAILED, RunResult, RunSpec
from urbanbench.run.cell import run_cell
from urbanbench.run.order import Order, resolve
from urbanbench.run.walk import without_scores
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["run_in_processes"]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class WorkerDied(RuntimeError):
    """A worker process ended in the middle of a cell."""


@dataclass
class _Worker:
    """A process, the pipe to it, and the cells it still owes, the present one first."""

    process: BaseProcess
    pipe: Connection
    owed: deque[Order] = field(default_factory=deque)


def run_in_processes(
    orders: Sequence[Order],
    store: ResultStore,
    *,
    overwrite: str,
    device: str,
    jobs: int,
    report: Callable[[RunResult, bool], None],
) -> dict[str, RunResult]:
    """Run orders in up to `jobs` processes and return results by run id; parameters as in `urbanbench.run.run`.

    Results are saved by the workers themselves; a cell whose worker died is saved as failed, with the exit code.
    """
    portions = deque(_portions(orders, jobs))
    words = (str(store.folder), overwrite, device)
    done: dict[str, RunResult] = {}
    workers: list[_Worker] = []
    try:
        with _divided_threads(jobs):
            workers += [_start(words) for _ in range(min(jobs, len(portions)))]
            for worker in workers:
                _hand_out(worker, portions)
            while any(worker.owed for worker in workers):
                busy = [worker for worker in workers if worker.owed]
                ready = wait([worker.pipe for worker in busy])
                for worker in [one for one in busy if one.pipe in ready]:
                    result, new, died = _receive(worker, store)
                    done[result.run_id] = result
                    report(result, new)
                    if died and (worker.owed or portions):
                        _replace(worker, words)
                    if not worker.owed:
                        _hand_out(worker, portions)
    finally:
        for worker in workers:
            _end(worker)
    return done


def _portions(orders: Sequence[Order], jobs: int) -> Iterator[list[Order]]:
    """Cut into groups that share vectors, and large groups into as many parts as there are jobs."""
    largest = math.ceil(len(orders) / jobs)
    for _, group in groupby(orders, key=lambda order: order.embedding_group):
        listed = list(group)
        for start in range(0, len(listed), largest):
            yield listed[start : start + largest]


def _hand_out(worker: _Worker, portions: deque[list[Order]]) -> None:
    if portions:
        worker.owed.extend(portions.popleft())
        _send(worker)


def _send(worker: _Worker) -> None:
    try:
        worker.pipe.send([order.spec for order in worker.owed])
    except OSError:  # the worker died while idle; reading from the pipe tells how
        return


def _receive(worker: _Worker, store: ResultStore) -> tuple[RunResult, bool, bool]:
    """Return the worker's next result, whether it was computed now, and whether the worker died instead of giving one."""
    order = worker.owed.popleft()
    try:
        answer, new = worker.pipe.recv()
        return RunResult.from_dict(answer), new, False
    except (EOFError, OSError):
        worker.process.join()
        msg = f"the worker process ended with exit code {worker.process.exitcode} (out of memory, or a crash in compiled code)."
        result = without_scores(order, FAILED, WorkerDied(msg))
        with store.lock(order.cell):
            store.save(result)
        return result, True, True


def _replace(worker: _Worker, words: tuple[str, str, str]) -> None:
    fresh = _start(words)
    worker.pipe.close()
    worker.process, worker.pipe = fresh.process, fresh.pipe
    if worker.owed:
        _send(worker)


def _start(words: tuple[str, str, str]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, *words))
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.join(timeout=0 if worker.owed else 5)
    if worker.process.is_alive():
        worker.process.terminate()
        worker.process.join()


@contextmanager
def _divided_threads(jobs: int) -> Iterator[None]:
    """Give each process its share of the cores; variables the user has set stay."""
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    added = [name for name in _THREAD_VARIABLES if name not in os.environ]
    os.environ.update(dict.fromkeys(added, share))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _work(pipe: Connection, folder: str, overwrite: str, device: str) -> None:
    """Answer lists of specs with results, one by one, until the pipe is closed."""
    store, bench = ResultStore(Path(folder)), Workbench(device)
    while True:
        try:
            specs: list[RunSpec] = pipe.recv()
        except (EOFError, OSError):
            return
        for spec in specs:
            answer = run_cell(resolve(spec), store, overwrite, bench)
            if answer is None:
                continue
            try:
                pipe.send((answer[0].to_dict(), answer[1]))
            except OSError:  # nobody listens any more; the result is on disk
                return
