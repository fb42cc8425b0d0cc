"""Processes that train together, started by torchrun's own launcher with the words of the command."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from urbanbench.errors import TrainedApart

__all__ = ["launch"]

_LOOK_S = 0.1
"""Seconds between two looks whether a process has ended."""
_LOCAL = "127.0.0.1:0"


def launch(words: Sequence[str], processes: int) -> int:
    """Run ``python -m urbanbench`` with the same words in so many processes of this machine, and return their exit code.

    Parameters
    ----------
    words
        Arguments without the program's name.
    processes
        How many, one for each GPU where they run on GPUs.

    Raises
    ------
    TrainedApart
        A process was ended by a signal; the others are ended then.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import launch_agent

    entry = ["-m", "urbanbench", *words]
    try:
        with _quiet(), _threads_shared(processes):
            launch_agent(_settings(processes), sys.executable, entry)
    except ChildFailedError as failed:
        return _judged(failed, words)
    return 0


def _settings(processes: int) -> Any:
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint=_LOCAL,
        max_restarts=0,
        monitor_interval=_LOOK_S,
        logs_specs=DefaultLogsSpecs(),
    )


def _judged(failed: Any, words: Sequence[str]) -> int:
    """Return the exit code of the process that ended first with another than 0; its own words are on stderr."""
    place, first = failed.get_first_failure()
    code = int(first.exitcode)
    if code >= 0:
        return code
    again = shlex.join(["urbanbench", *words])
    msg = (
        f"Process {place} of those that train together was ended by {signal.Signals(-code).name}, and the others with it. "
        f"What is finished is kept. The same command goes on from the last checkpoint: {again}"
    )
    raise TrainedApart(msg)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the launcher's own report of failures back: what is to be said is said here."""
    logger = logging.getLogger("torch.distributed.elastic")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _threads_shared(processes: int) -> Iterator[None]:
    """Give each process its share of the cores, unless the user has settled it."""
    name = "OMP_NUM_THREADS"
    if name in os.environ:
        yield
        return
    os.environ[name] = str(max(1, (os.cpu_count() or 1) // processes))
    try:
        yield
    finally:
        os.environ.pop(name, None)
