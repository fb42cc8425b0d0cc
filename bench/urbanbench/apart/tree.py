"""All that a process has started: found by descent and by a mark that its environment carries, counted, and ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

__all__ = ["MARK", "descendants", "end_below", "end_tree", "mark_here", "marked", "memory_mb"]

MARK = "URBANBENCH_APART"
"""Variable with the marks of the processes that a process works below; whoever leaves its group or its parent still carries them."""
_PROC = Path("/proc")
_ROUNDS = 20
"""How often is looked for what was started while the rest was ended."""


@contextmanager
def marked() -> Iterator[str]:
    """Start processes with a fresh mark inside the block, and return it."""
    mark, before = secrets.token_hex(8), os.environ.get(MARK)
    os.environ[MARK] = mark if before is None else f"{before} {mark}"
    try:
        yield mark
    finally:
        if before is None:
            os.environ.pop(MARK, None)
        else:
            os.environ[MARK] = before


def mark_here() -> str:
    """Return the mark that this process was started with; "" where there is none."""
    return os.environ.get(MARK, "").rpartition(" ")[2]


def end_tree(pid: int, mark: str) -> None:
    """Kill a process, its group, its descendants, and all that carry its mark."""
    family = descendants(pid)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    _end_all(family, mark)


def end_below(mark: str) -> None:
    """Kill the descendants of this process, and all others that carry its mark."""
    _end_all(descendants(os.getpid()), mark)


def _end_all(family: list[int], mark: str) -> None:
    left = [*family, *_bearers(mark)]
    for _ in range(_ROUNDS):
        for one in left:
            with contextlib.suppress(OSError):
                os.kill(one, getattr(signal, "SIGKILL", signal.SIGTERM))
        left = _bearers(mark)
        if not left:
            return
        time.sleep(0.02)


def memory_mb(pid: int, limit_mb: float) -> float:
    """Return the resident memory of a process and its descendants in 10^6 bytes; 0 where it has ended.

    Pages that several of them share count once where the sum is above the limit: to ask how many there are takes time.
    """
    listed = [pid, *descendants(pid)]
    total = sum(map(_resident, listed)) / 1e6
    return sum(map(_own_share, listed)) / 1e6 if total > limit_mb and len(listed) > 1 else total


def _resident(pid: int) -> int:
    import psutil

    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _own_share(pid: int) -> int:
    import psutil

    with contextlib.suppress(psutil.Error):
        told = psutil.Process(pid).memory_full_info()
        return int(getattr(told, "pss", told.rss))
    return _resident(pid)


def descendants(pid: int) -> list[int]:
    """Return what a process has started and what that has started in turn, as far as it still runs; this process is never among them."""
    found, queue = list[int](), [pid]
    while queue:
        for child in _children(queue.pop()):
            if child not in found and child != os.getpid():
                found.append(child)
                queue.append(child)
    return found


def _children(pid: int) -> list[int]:
    """Return what a process has started; the system's own lists are read where it keeps them, else the whole process table."""
    import psutil

    try:
        lists = [path.read_text("ascii") for path in (_PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        lists = []
    if lists:
        return [int(word) for text in lists for word in text.split()]
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def _bearers(mark: str) -> list[int]:
    """Return the processes that were started with a mark; those of other users are not seen."""
    if not mark:
        return []
    if not (_PROC / "self" / "environ").exists():
        import psutil

        return [
            one.pid for one in psutil.process_iter() if one.pid != os.getpid() and mark in _environment(one)
        ]
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
    return found


def _environment(one: psutil.Process) -> str:
    import psutil

    with contextlib.suppress(psutil.Error):
        return one.environ().get(MARK, "")
    return ""
