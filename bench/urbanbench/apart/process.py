"""The waiting side: a process that answers, or of which it can be said how it ended and where."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from urbanbench.apart.child import READY, begin
from urbanbench.apart.limits import Limits

__all__ = ["WATCHED_EVERY_S", "Apart", "Ended"]

WATCHED_EVERY_S = 0.2
"""How often limits are looked at."""
_CHILDREN_EVERY = 10
"""After how many looks the memory of what the process has started counts too; finding it reads the whole process table."""
_STARTED_WITHIN_S = 300.0
_ASKED_S = 0.3
"""How long a process has to write where it is, before it is ended."""
_FRAME = re.compile(r'File "(.+)", line (\d+)')


class Ended(RuntimeError):
    """A process ended, or was ended, before it gave its answer; `over_limit` where a limit was the reason, `killed` where somebody else was."""

    def __init__(self, reason: str, *, over_limit: bool = False, killed: bool = False) -> None:
        self.over_limit, self.killed = over_limit, killed
        super().__init__(reason)


class Apart:
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
        handle, trace = tempfile.mkstemp(prefix="urbanbench-", suffix=".trace")
        os.close(handle)
        self._trace = Path(trace)
        self.limits = limits or Limits()
        self._most_mb = self.limits.most_mb
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=begin, args=(theirs, trace, work, words))
        self._process.start()
        theirs.close()
        self._since = time.monotonic()
        self._looked = 0
        self._started = False

    def send(self, value: Any) -> None:
        """Send work; where the process has ended, the next answer tells it."""
        self._since = time.monotonic()
        with contextlib.suppress(OSError):
            self.pipe.send(value)

    def answer(self, files: Iterable[Path] = ()) -> Any:
        """Wait for the next answer.

        Parameters
        ----------
        files
            Files of the plugin that is run, to say in which of their lines the process was.

        Raises
        ------
        Ended
            There is none, or it takes more than the limits.
        """
        while True:
            while not self.pipe.poll(WATCHED_EVERY_S):
                self.watch(files)
            answer = self.receive(files)
            if answer is not None:
                return answer

    def receive(self, files: Iterable[Path] = ()) -> Any:
        """Read an answer that is there, None where it only says that it has started; raises `Ended` where the process has ended."""
        try:
            answer = json.loads(self.pipe.recv_bytes())
        except (EOFError, OSError, ValueError) as error:
            garbled = isinstance(error, ValueError)
            if garbled:
                self._kill()
            self._process.join(timeout=5)
            killed = not garbled and self._process.exitcode == -signal.SIGKILL
            self._kill()
            msg = f"{_exit_words(self._process.exitcode)}{self._place(files)}."
            raise Ended(msg, killed=killed) from None
        self._since = time.monotonic()
        self._started = True
        return None if answer == READY else answer

    def watch(self, files: Iterable[Path] = ()) -> None:
        """End the process where it is over a limit.

        Raises
        ------
        Ended
            It was.
        """
        reason = self._over()
        if reason:
            self._ask_where()
            self._kill()
            msg = f"{reason}{self._place(files)}."
            raise Ended(msg, over_limit=True)

    def close(self, *, wait_s: float = 5.0) -> None:
        """Let the process end by itself, or end it and all it has started after some seconds."""
        self.pipe.close()
        self._process.join(timeout=wait_s)
        self._kill()
        self._trace.unlink(missing_ok=True)

    def _over(self) -> str:
        seconds = time.monotonic() - self._since
        longest = self.limits.seconds if self._started else _STARTED_WITHIN_S
        if longest is not None and seconds > longest and not self._started:
            return f"it did not start within {longest:g} s"
        if longest is not None and seconds > longest:
            return f"it was ended after {seconds:.0f} s, the time limit being {self.limits.seconds:g} s"
        self._looked += 1
        used = _resident_mb(self._process.pid, with_children=self._looked % _CHILDREN_EVERY == 0)
        if used > self._most_mb:
            return f"it was ended with {used:,.0f} MB of memory in use, the memory limit being {self._most_mb:,.0f} MB"
        return ""

    def _ask_where(self) -> None:
        if hasattr(signal, "SIGUSR1") and self._process.is_alive():
            os.kill(self._process.pid or 0, signal.SIGUSR1)
            time.sleep(_ASKED_S)

    def _place(self, files: Iterable[Path]) -> str:
        """Name the innermost line of the files in which the process said it was."""
        asked = {str(path) for path in files}
        try:
            told = self._trace.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        for name, line in _FRAME.findall(told):
            if name in asked:
                return f", at {Path(name).name}, line {line}"
        return ""

    def _kill(self) -> None:
        pid = self._process.pid
        if pid is None:
            return
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _resident_mb(pid: int | None, *, with_children: bool) -> float:
    """Return the resident memory of a process, or of it and its descendants, in 10^6 bytes; 0 where it has ended."""
    import psutil

    total = 0
    try:
        first = psutil.Process(pid)
        for one in (first, *(first.children(recursive=True) if with_children else ())):
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    except psutil.Error:
        return 0.0
    return total / 1e6


def _exit_words(code: int | None) -> str:
    if code is None or code >= 0:
        return f"it ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    why = {
        "SIGKILL": "killed by the system, most often for want of memory",
        "SIGSEGV": "a crash in compiled code",
        "SIGABRT": "compiled code gave up",
    }.get(name, "killed")
    return f"its process ended by {name} ({why})"
