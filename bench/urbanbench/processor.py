"""Seconds of processors: what a process, its threads and the processes it has started have computed, whatever else the machine did meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from contextvars import ContextVar, Token

from urbanbench.apart.tree import descendants

__all__ = ["ProcessorMeter"]

_around: ContextVar[tuple[ProcessorMeter, ...]] = ContextVar("meters around this one", default=())
_running: set[ProcessorMeter] = set()
_guard = threading.Lock()


class ProcessorMeter:
    """Seconds of processors from here on, until `spent` is asked for once.

    Threads are told together, and a process cannot say which of them computed for whom. So two meters of which none began inside the other, as in
    two threads of a notebook, both have no number.

    Not counted: GPUs, other machines, processes that somebody else started, and what has left its parent before the end.
    """

    def __init__(self) -> None:
        outer = _around.get()
        self._blurred = False
        with _guard:
            beside = _running.difference(outer)
            for one in (self, *beside) if beside else ():
                one._blurred = True  # noqa: SLF001 - of the same class
            _running.add(self)
        self._token: Token[tuple[ProcessorMeter, ...]] = _around.set((*outer, self))
        self._children, self._own = _of_children(), time.process_time()

    def spent(self) -> float | None:
        """Return the seconds; None where other measured work ran beside it in this process."""
        own = time.process_time() - self._own
        children = _of_children() - self._children
        _around.reset(self._token)
        with _guard:
            _running.discard(self)
        return None if self._blurred else own + max(children, 0.0)


def _of_children() -> float:
    """Return what all processes that this one has started have computed so far: those that ended, and those that still run."""
    ended = os.times()
    return ended.children_user + ended.children_system + sum(map(_of_process, descendants(os.getpid())))


def _of_process(pid: int) -> float:
    """Return what a process and those that it has outlived have computed; 0 where it is gone."""
    import psutil

    with contextlib.suppress(psutil.Error):
        told = psutil.Process(pid).cpu_times()
        return float(told.user + told.system + told.children_user + told.children_system)
    return 0.0
