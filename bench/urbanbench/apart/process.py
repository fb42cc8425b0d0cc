"""A process of the same Python and packages, which calls a function of a module."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from urbanbench.apart.child import begin, scratch_of
from urbanbench.apart.keeping import keeping
from urbanbench.apart.limits import Limits
from urbanbench.apart.tree import marked
from urbanbench.apart.watched import WATCHED_EVERY_S, Ended, Watched

__all__ = ["WATCHED_EVERY_S", "Apart", "Ended"]


class Apart(Watched):
    """A process started to work for this one.

    Parameters
    ----------
    work
        A function of a module, called there with a `Channel` and the words.
    words
        Further arguments.
    limits
        What one answer may take.
    """

    def __init__(self, work: Callable[..., None], *words: Any, limits: Limits | None = None) -> None:
        handle, name = tempfile.mkstemp(prefix="urbanbench-", suffix=".trace")
        os.close(handle)
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=begin, args=(theirs, name, keeping().own, work, words))
        resource_tracker.ensure_running()  # Python's own helper, which serves all processes and bears nobody's mark
        with marked() as mark, _somewhere():
            process.start()
        theirs.close()
        super().__init__(process, pipe, Path(name), mark, limits or Limits())

    def send(self, value: Any) -> None:
        """Send work; where the process has ended, the next answer tells it."""
        self._since = time.monotonic()
        with contextlib.suppress(OSError):
            self.pipe.send(value)

    def close(self, *, wait_s: float = 5.0) -> None:
        """Let the process end by itself, or end it and all it has started after some seconds."""
        super().close(wait_s=wait_s)
        self._trace.unlink(missing_ok=True)
        shutil.rmtree(scratch_of(self._trace), ignore_errors=True)


@contextmanager
def _somewhere() -> Iterator[None]:
    """Start processes from a folder that is there, where a plugin has removed the working folder."""
    try:
        Path.cwd()
    except OSError:
        os.chdir(tempfile.gettempdir())
    yield
