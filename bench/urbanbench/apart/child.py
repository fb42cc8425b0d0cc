"""The working side: a process group of its own, nothing on stdout, answers as JSON, and an end when nobody waits any more."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, Any

from urbanbench.apart.keeping import Keeping, plugins_apart
from urbanbench.apart.tree import end_below, mark_here

__all__ = [
    "ALSO",
    "CUT_OFF",
    "READY",
    "Channel",
    "begin",
    "is_apart",
    "scratch_of",
    "tell_crashes",
    "trace_file",
    "works_apart",
]

READY = "ready"
"""The first thing a process says: what it takes to start is nobody's time."""
ALSO = "also"
"""First word of a line in the trace that names a further process to be asked where it is."""
CUT_OFF = 113
"""Exit code of a process that cannot answer any more."""

_SET_SUBREAPER = 36
_FIRST_TO_GO = "500"


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
            raise _CannotAnswer from error


class _CannotAnswer(EOFError):
    """Nobody listens, or the pipe was closed under the hands of this process."""


_apart: Path | None = None
_open_for_good: list[IO[str]] = []


def is_apart() -> bool:
    """Tell whether this process works for another one."""
    return _apart is not None


def trace_file() -> Path | None:
    """Return where this process writes where it is, for what it starts to do the same; None where it works for no other one."""
    return _apart


def works_apart(trace: Path) -> None:
    """Settle that this process works for another one, and where it writes where it is."""
    global _apart  # noqa: PLW0603 - a fact of the process, settled once
    _apart = trace


def scratch_of(trace: Path) -> Path:
    """Return the folder for files of a process that writes its trace there; who waits for it removes the folder, however it ends."""
    return trace.with_suffix(".files")


def begin(pipe: Connection, trace: str, own: bool, work: Callable[..., None], words: tuple[Any, ...]) -> None:
    """Set the process up and work until the pipe ends; `own` is `Keeping.own` of the one that waits."""
    works_apart(Path(trace))
    if hasattr(os, "setsid"):
        os.setsid()
    _stdout_to_stderr()
    _keep_family()
    tell_crashes(Path(trace))
    threading.Thread(target=_end_with_parent, args=(mark_here(),), daemon=True).start()
    channel = Channel(pipe)
    try:
        with plugins_apart(Keeping(own=own)):
            channel.send(READY)
            work(channel, *words)
    except _CannotAnswer:
        os._exit(CUT_OFF)
    except EOFError:
        return


def _keep_family() -> None:
    """Become the parent of what leaves its own (Linux), and the first that the system ends for want of memory."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(Exception):
        ctypes.CDLL(None).prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def _stdout_to_stderr() -> None:
    """Let all that is printed go to stderr, by Python or by compiled code: stdout belongs to the command."""
    sys.stdout.flush()
    os.dup2(2, 1)
    sys.stdout = sys.stderr


def tell_crashes(trace: Path) -> None:
    """Write where the process is when it crashes, and when it is asked by a signal, behind what stands in a file."""
    told = trace.open("a", encoding="utf-8")
    _open_for_good.append(told)
    faulthandler.enable(file=told)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, file=told)


def _end_with_parent(mark: str) -> None:
    """End this process, and all that it has started, when the one that waits has ended."""
    parent = parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    end_below(mark)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
