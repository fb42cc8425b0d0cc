"""Progress of long work on stderr: a bar with time left in a terminal, silence elsewhere; and single notes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

__all__ = ["Bar", "is_interactive", "note", "track", "tracking"]

_Item = TypeVar("_Item")


class Bar(Protocol):
    """A running bar."""

    def advance(self, steps: float = 1, note: str = "") -> None:
        """Move the bar on by some steps and show a short note, for example the loss."""


class _Silent:
    def advance(self, steps: float = 1, note: str = "") -> None:
        pass


def is_interactive() -> bool:
    """Tell whether bars are shown: stderr is a terminal and neither CI nor URBANBENCH_QUIET is set."""
    return sys.stderr.isatty() and not os.environ.get("CI") and not os.environ.get("URBANBENCH_QUIET")


def note(text: str) -> None:
    """Say something once on stderr, as a line of its own; URBANBENCH_QUIET keeps it back."""
    if not os.environ.get("URBANBENCH_QUIET"):
        sys.stderr.write(f"{text}\n")


@contextmanager
def tracking(title: str, total: float) -> Iterator[Bar]:
    """Show one bar while the block runs.

    Parameters
    ----------
    title
        What is being done, in a few words.
    total
        Number of steps.
    """
    if not is_interactive():
        yield _Silent()
        return
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
        handle = shown.add_task(title, total=total, note="")

        class _Shown:
            def advance(self, steps: float = 1, note: str = "") -> None:
                shown.update(handle, advance=steps, note=note)

        yield _Shown()


def track(items: Iterable[_Item], title: str, total: int) -> Iterator[_Item]:
    """Iterate with a bar."""
    with tracking(title, total) as bar:
        for item in items:
            yield item
            bar.advance()
