"""Cells done by SLURM: arrays of portions over a file system that all nodes see, and a process here that waits and tells."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from urbanbench.apart import keeping
from urbanbench.errors import BadInput, DataMissing, ExtraMissing, NodeDiffers
from urbanbench.home import CACHE_VARIABLE, DATA_VARIABLE, cache_root
from urbanbench.progress import note
from urbanbench.result import RunResult
from urbanbench.run.cell import save
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errand import spec_told
from urbanbench.run.executors.errands import threads_of
from urbanbench.run.executors.here import Here
from urbanbench.run.executors.journal import Journal
from urbanbench.run.executors.lost import lost_row
from urbanbench.run.executors.sameness import this_code
from urbanbench.run.executors.slurm_task import portion
from urbanbench.run.executors.slurm_terms import Terms
from urbanbench.run.order import Order
from urbanbench.run.planning.lengths import Lengths
from urbanbench.store import ResultStore

__all__ = ["LOOK_S", "STATES_S", "TRIES", "OnSlurm"]

TRIES = 4
"""How often a cell is handed in whose task ended in the middle of it."""
LOOK_S, STATES_S = 1.0, 30.0
"""How often journals are read, and how often SLURM is asked whether tasks have ended."""

_WHOLE = 16
"""Cells that share vectors and stay in one task: those of another one would wait for them."""
_EACH_S = 0.03
"""What a cell takes beside what is known of it: where nothing is, tasks get as many cells each."""
_FOLDER = ".slurm"
"""Below the results folder: journals, and what submitit writes."""


@dataclass(eq=False)
class _Task:
    """A task of an array: its job, its journal, and the cells it still owes, the present one first."""

    job: Any
    journal: Journal
    owed: dict[str, Order]


@dataclass
class OnSlurm:
    """SLURM; the results folder, the cache, cities and plugins' files lie where every node sees them.

    Parameters
    ----------
    terms
        What the arrays ask for.
    most
        Most tasks at once; None for what the terms say.
    """

    terms: Terms = field(default_factory=Terms)
    most: int | None = None

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `urbanbench.run.executors.contract.Executor`.

        Raises
        ------
        ExtraMissing, DataMissing, BadInput
            submitit is not installed; there is no SLURM here; it does not take an option.
        NodeDiffers
            A node has other code or packages.
        """
        stay = [order for order in work.orders if order.lives_here]
        done = Here().run(replace(work, orders=stay)) if stay else {}
        rest = replace(work, orders=[order for order in work.orders if not order.lives_here])
        if not rest.orders:
            return done
        folder = rest.store.folder.absolute() / _FOLDER / uuid.uuid4().hex[:12]
        executor = _executor(folder, replace(self.terms, parallel=self.most or self.terms.parallel))
        with _removed_when_done(folder):
            return done | _Arrays(rest, executor, folder, self.terms).run()


class _Arrays:
    """One work on SLURM."""

    def __init__(self, work: Work, executor: Any, folder: Path, terms: Terms) -> None:
        self._work, self._executor, self._folder, self._terms = work, executor, folder, terms
        self._done: dict[str, RunResult] = {}
        self._losses: dict[str, int] = {}
        self._tasks: list[_Task] = []

    def run(self) -> dict[str, RunResult]:
        """Hand everything in, and wait; what still runs when this is left is cancelled."""
        asked = time.monotonic()
        try:
            self._hand_in(_portions(self._work.orders, self._terms.tasks, self._work.lengths))
            while self._tasks:
                for task in self._tasks:
                    self._read(task)
                self._tasks = [task for task in self._tasks if task.owed]
                if time.monotonic() - asked > STATES_S:
                    asked = time.monotonic()
                    self._ask_states()
                if self._tasks:
                    time.sleep(LOOK_S)
        finally:
            for task in self._tasks:
                with suppress(Exception):
                    task.job.cancel(check=False)
        return self._done

    def _hand_in(self, portions: Sequence[Sequence[Order]]) -> None:
        """Hand in an array with a task for each portion."""
        journals = [Journal(self._folder / f"{uuid.uuid4().hex}.jsonl") for _ in portions]
        texts = [
            json.dumps(_told(self._work, orders, journal.path, self._terms.cores))
            for orders, journal in zip(portions, journals, strict=True)
        ]
        try:
            jobs = self._executor.map_array(portion, texts)
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            msg = f"SLURM does not take the array: {reason} Expected options of sbatch that fit this cluster. See --slurm KEY=VALUE."
            raise BadInput(msg) from error
        for job, journal, orders in zip(jobs, journals, portions, strict=True):
            self._tasks.append(_Task(job, journal, {order.cell.run_id: order for order in orders}))
            self._work.began(orders[0])

    def _read(self, task: _Task) -> None:
        for line in task.journal.news():
            if "differs" in line:
                raise NodeDiffers(line["differs"])
            order = task.owed.pop(line["run_id"], None)
            if order is not None:
                self._tell(_result(line, order, self._work.store), new=line["new"])
                for following in list(task.owed.values())[:1]:
                    self._work.began(following)

    def _tell(self, result: RunResult, *, new: bool) -> None:
        self._done[result.run_id] = result
        self._work.report(result, new)

    def _ask_states(self) -> None:
        """Hand in again what tasks owe that have ended."""
        if self._tasks:
            self._tasks[0].job.done(force_check=True)  # asks for all at once
        ended = [task for task in self._tasks if task.job.done()]
        for task in ended:
            self._read(task)
        again = [self._mourned(task) for task in ended if task.owed]
        self._tasks = [task for task in self._tasks if task not in ended]
        owed = [orders for orders in again if orders]
        if owed:
            self._hand_in(owed)

    def _mourned(self, task: _Task) -> list[Order]:
        """Return the cells that a task has left; the one it was at has one more try, or gets its row."""
        first = next(iter(task.owed.values()))
        run_id = first.cell.run_id
        self._losses[run_id] = self._losses.get(run_id, 0) + 1
        state = task.job.state
        note(
            f"Array task {task.job.job_id} ended ({state}) with {len(task.owed)} cells left, which are handed in again."
        )
        if self._losses[run_id] >= TRIES:
            reason = f"its array task ended {self._losses[run_id]} times in the middle of it, the last time as {state}; see {task.job.paths.stderr}"
            with self._work.store.lock(first.cell):
                self._tell(save(lost_row(first, reason), self._work.store), new=True)
            del task.owed[run_id]
        return list(task.owed.values())


def _portions(orders: Sequence[Order], most: int, lengths: Lengths) -> list[list[Order]]:
    """Cut into so many portions at most, where that is possible one for each group that shares vectors; large groups are cut too.

    Tasks begin in the order of their numbers, so the longest portions come first. Where there are more groups than tasks, each goes to the task that has
    least to do so far.
    """
    size = -(-len(orders) // most)
    whole = max(size, _WHOLE)
    groups = [list(group) for _, group in groupby(orders, key=lambda order: order.embedding_group)]
    parts = [group[start : start + whole] for group in groups for start in range(0, len(group), whole)]
    dealt: list[list[Order]] = [[] for _ in range(min(most, len(parts)))]
    load = [(0, 0.0)] * len(dealt)
    for part in lengths.longest_first(parts):
        seconds = lengths.portion_s(part) + _EACH_S * len(part)
        least = min(range(len(dealt)), key=lambda task: load[task])
        dealt[least].extend(part)
        unknown, known = load[least]
        load[least] = (unknown + math.isinf(seconds), known + (0.0 if math.isinf(seconds) else seconds))
    return dealt


def _told(work: Work, orders: Sequence[Order], journal: Path, cores: int) -> dict[str, Any]:
    kept = keeping()
    places = {CACHE_VARIABLE: str(cache_root()), DATA_VARIABLE: os.environ.get(DATA_VARIABLE, "")}
    return {
        "specs": [spec_told(order.spec) for order in orders],
        "cwd": str(Path.cwd()),
        "environment": places | threads_of(cores),
        "store": str(work.store.folder.absolute()),
        "journal": str(journal),
        "overwrite": work.overwrite,
        "device": work.device,
        "keeping": [kept.foreign, kept.all_cells, kept.own],
        "limits": [work.limits.seconds, work.limits.memory_mb],
        "code": this_code(),
    }


def _result(line: dict[str, Any], order: Order, store: ResultStore) -> RunResult:
    """Return the result a line tells of: from the folder, or from the line where it could not be written."""
    if line["row"] is not None:
        return replace(RunResult.from_dict(line["row"]), unsaved=line["unsaved"])
    return store.read(store.path_of(order.cell))


def _executor(folder: Path, terms: Terms) -> Any:
    """Return submitit's executor with the terms."""
    try:
        import submitit
    except ImportError as error:
        msg = "Package 'submitit' is not installed. Expected it for --executor slurm. Mend: pip install \"urbanbench[slurm]\""
        raise ExtraMissing(msg) from error
    if terms.cluster == "slurm" and shutil.which("srun") is None:
        msg = "There is no SLURM on this machine: no command 'srun'. Expected a machine that jobs can be handed in from. To try without one: --slurm cluster=local"
        raise DataMissing(msg)
    known = submitit.SlurmExecutor._valid_parameters()  # noqa: SLF001 - it has no other list of them
    executor = submitit.AutoExecutor(folder / "submitit", cluster=terms.cluster)
    executor.update_parameters(**terms.parameters(known))
    return executor


@contextmanager
def _removed_when_done(folder: Path) -> Iterator[None]:
    """Remove what was only needed on the way; after an error it stays, for whoever looks for the reason."""
    yield
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
