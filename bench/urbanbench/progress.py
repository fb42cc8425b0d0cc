"""Progress of long work on stderr: a bar with time left in a terminal, a line now and then elsewhere; and single notes.

Who shows a table of its own (`shown_by_one`) takes the bars into it, those of processes it has started too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

__all__ = [
    "Bar",
    "is_interactive",
    "note",
    "pulse",
    "running",
    "shown_by_one",
    "span",
    "time_left",
    "track",
    "tracking",
]

_Item = TypeVar("_Item")

PULSE_S = 25.0
"""Seconds between two lines of long work."""


class Bar(Protocol):
    """A running bar."""

    def advance(self, steps: float = 1, note: str = "") -> None:
        """Move the bar on by some steps and show a short note, for example the loss."""


_SHOWN = "URBANBENCH_SHOWN"
"""Set in the environment of processes whose work another one shows."""
_shows_all = False
"""Whether this process shows all work in one table."""


class _Counted:
    """How far some work is; what was done before the first step, such as steps of a checkpoint, says nothing of its speed."""

    def __init__(self, title: str, total: float) -> None:
        self.title, self.total, self.done, self.note = title, total, 0.0, ""
        self._from: tuple[float, float] | None = None

    def advance(self, steps: float = 1, note: str = "") -> None:
        self.done += steps
        self.note = note or self.note
        if self._from is None:
            self._from = (self.done, time.monotonic())

    def __str__(self) -> str:
        told = f"{self.title}: {self.done:.0f} of {self.total:.0f}"
        left = self.left()
        parts = [told, self.note, f"about {span(left)} left of it" if left is not None else ""]
        return ", ".join(part for part in parts if part)

    def left(self) -> float | None:
        """Return the seconds it still takes; None while its speed is not known."""
        if self._from is None or self.done <= self._from[0]:
            return None
        rate = (self.done - self._from[0]) / max(time.monotonic() - self._from[1], 1e-9)
        return max(self.total - self.done, 0.0) / rate


_running: list[_Counted] = []
"""Work that is tracked now, the innermost last."""


def is_interactive() -> bool:
    """Tell whether bars are shown: stderr is a terminal that can, neither CI nor URBANBENCH_QUIET is set, and no other process shows this one's work."""
    silent = any(os.environ.get(name) for name in ("CI", "URBANBENCH_QUIET"))
    return sys.stderr.isatty() and not silent and os.environ.get("TERM") != "dumb" and not _shown_elsewhere()


def _shown_elsewhere() -> bool:
    return bool(os.environ.get(_SHOWN)) and not _shows_all


@contextmanager
def shown_by_one() -> Iterator[None]:
    """Let the caller show all work of the block, of this process and of those it starts: no bar and no line appears beside."""
    global _shows_all  # noqa: PLW0603 - one terminal, one table
    before, _shows_all = _shows_all, True
    os.environ[_SHOWN] = "1"
    try:
        yield
    finally:
        _shows_all = before
        if not before:
            os.environ.pop(_SHOWN, None)


def running() -> list[str]:
    """Say of all work that is tracked now how far it is, the innermost last."""
    return [str(one) for one in list(_running)]


def time_left() -> float | None:
    """Return the seconds that the work tracked now still takes, of the longest of it; None where none is or none knows."""
    known = [left for one in list(_running) if (left := one.left()) is not None]
    return max(known, default=None)


def note(text: str) -> None:
    """Say something once on stderr, as a line of its own; URBANBENCH_QUIET keeps it back."""
    if not os.environ.get("URBANBENCH_QUIET"):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def span(seconds: float) -> str:
    """Write a length of time in few words.

    Examples
    --------
    >>> span(41.2), span(600), span(9000), span(432000)
    ('41 s', '10 min', '2.5 h', '5.0 days')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def pulse(subject: str, *, every_s: float = PULSE_S) -> Iterator[None]:
    """Say now and then that work still goes on, for how long, and how far it is, where no bar shows it.

    Parameters
    ----------
    subject
        What is being done.
    every_s
        Seconds between two lines.
    """
    over, began = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(every_s):
            if not (_shows_all or _shown_elsewhere() or (is_interactive() and _running)):
                stages = "; ".join(map(str, list(_running)))
                note(f"{subject}: {span(time.monotonic() - began)} so far{f'; {stages}' if stages else ''}")

    teller = threading.Thread(target=tell, name="pulse", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


@contextmanager
def tracking(title: str, total: float) -> Iterator[Bar]:
    """Show one bar while the block runs, or let the lines of `pulse` tell how far it is.

    Parameters
    ----------
    title
        What is being done, in a few words.
    total
        Number of steps.
    """
    counted = _Counted(title, total)
    _running.append(counted)
    try:
        if is_interactive() and not _shows_all:
            with _shown(counted) as bar:
                yield bar
        else:
            yield counted
    finally:
        _running.remove(counted)


@contextmanager
def _shown(counted: _Counted) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        handle = shown.add_task(counted.title, total=counted.total, note="")

        class _Shown:
            def advance(self, steps: float = 1, note: str = "") -> None:
                counted.advance(steps, note)
                shown.update(handle, advance=steps, note=note)

        yield _Shown()


def track(items: Iterable[_Item], title: str, total: int) -> Iterator[_Item]:
    """Iterate with a bar."""
    with tracking(title, total) as bar:
        for item in items:
            yield item
            bar.advance()
