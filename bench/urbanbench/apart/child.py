"""The working side: a process group of its own, nothing on stdout, answers as JSON, and an end when nobody waits any more."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import IO, Any

__all__ = ["READY", "Channel", "begin", "is_apart"]

READY = "ready"
"""The first thing a process says: what it takes to start is nobody's time."""


class Channel:
    """The pipe as the working side sees it.

    Parameters
    ----------
    pipe
        To the process that waits.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def receive(self) -> Any:
        """Return what was sent next; raises EOFError when nothing more will come."""
        try:
            return self._pipe.recv()
        except OSError as error:
            raise EOFError from error

    def send(self, answer: Any) -> None:
        """Answer with a JSON-like value; raises EOFError when nobody listens."""
        try:
            self._pipe.send_bytes(json.dumps(answer).encode())
        except OSError as error:
            raise EOFError from error


_apart = False


def is_apart() -> bool:
    """Tell whether this process works for another one."""
    return _apart


def begin(pipe: Connection, trace: str, work: Callable[..., None], words: tuple[Any, ...]) -> None:
    """Set the process up and work until the pipe ends."""
    global _apart  # noqa: PLW0603 - a fact of the process, settled once
    _apart = True
    if hasattr(os, "setsid"):
        os.setsid()
    _stdout_to_stderr()
    told = open(trace, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open as long as the process lives
    _tell_crashes(told)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    channel = Channel(pipe)
    try:
        channel.send(READY)
        work(channel, *words)
    except EOFError:
        return


def _stdout_to_stderr() -> None:
    """Let all that is printed go to stderr, by Python or by compiled code: stdout belongs to the command."""
    sys.stdout.flush()
    os.dup2(2, 1)
    sys.stdout = sys.stderr


def _tell_crashes(told: IO[str]) -> None:
    """Write where the process is when it crashes, and when it is asked by a signal."""
    faulthandler.enable(file=told)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, file=told)


def _end_with_parent() -> None:
    """End this process, and all that it has started, when the one that waits has ended."""
    parent = parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
