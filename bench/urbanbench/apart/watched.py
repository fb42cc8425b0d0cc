"""The waiting side: a process that answers, or of which it can be said how it ended and where."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from math import isfinite
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from urbanbench.apart.child import ALSO, CUT_OFF, READY
from urbanbench.apart.limits import Limits
from urbanbench.apart.tree import end_tree, memory_mb

__all__ = ["WATCHED_EVERY_S", "Ended", "Process", "Watched"]

WATCHED_EVERY_S = 0.2
"""How often limits are looked at."""
_STARTED_WITHIN_S = 300.0
_LONGEST_ANSWER = 1 << 28
_ASKED_S = 0.3
"""How long a process has to write where it is, before it is ended."""
_ASKED_MOST_S = 1.5
"""The same where it has written nothing yet, on a machine with too much to do."""
_FRAME = re.compile(r'File "(.+)", line (\d+)')


class Ended(RuntimeError):
    """A process ended, or was ended, before it gave its answer; `over_limit` where a limit was the reason, `killed` where somebody else was."""

    def __init__(self, reason: str, *, over_limit: bool = False, killed: bool = False) -> None:
        self.over_limit, self.killed = over_limit, killed
        super().__init__(reason)


class Process(Protocol):
    """A process as the one that started it sees it; a `multiprocessing.Process` is one."""

    @property
    def pid(self) -> int | None:
        """Its number."""

    @property
    def exitcode(self) -> int | None:
        """How it ended, below 0 by a signal; None while it runs."""

    def is_alive(self) -> bool:
        """Tell whether it runs."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it ends."""

    def kill(self) -> None:
        """End it."""


class Watched(ABC):
    """A process started to work for this one.

    Parameters
    ----------
    process
        It.
    pipe
        To it.
    trace
        Where it writes where it is.
    mark
        What its environment, and that of all it starts, carries.
    limits
        What one answer may take.
    """

    def __init__(self, process: Process, pipe: Connection, trace: Path, mark: str, limits: Limits) -> None:
        self._process, self.pipe, self._trace, self._mark = process, pipe, trace, mark
        self.limits, self._most_mb = limits, limits.most_mb
        self._since, self._started = time.monotonic(), False

    @abstractmethod
    def send(self, value: Any) -> None:
        """Send work; where the process has ended, the next answer tells it."""

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
            answer = json.loads(self.pipe.recv_bytes(_LONGEST_ANSWER))
        except ValueError:
            self._kill()
            msg = "it wrote what is no answer into the pipe by which it answers."
            raise Ended(msg) from None
        except (EOFError, OSError):
            raise self._gone(files) from None
        self._since, self._started = time.monotonic(), True
        return None if answer == READY else answer

    def watch(self, files: Iterable[Path] = ()) -> None:
        """End the process where it is over a limit, and see whether it still runs: what it has started may hold the pipe open.

        Raises
        ------
        Ended
            It was over a limit, or has ended.
        """
        if not self._process.is_alive() and not self.pipe.poll():
            raise self._gone(files)
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

    def _gone(self, files: Iterable[Path]) -> Ended:
        """Say how the process ended that does not answer any more; what it has left is ended, too."""
        self._process.join(timeout=5)
        runs = self._process.exitcode is None
        killed = self._process.exitcode == -signal.SIGKILL
        self._kill()
        reason = "it closed the pipe by which it answers" if runs else _exit_words(self._process.exitcode)
        return Ended(f"{reason}{self._place(files)}.", killed=killed)

    def _over(self) -> str:
        seconds = time.monotonic() - self._since
        longest = self.limits.seconds if self._started else _STARTED_WITHIN_S
        if longest is not None and seconds > longest and not self._started:
            return f"it did not start within {longest:g} s"
        if longest is not None and seconds > longest:
            return f"it was ended after {seconds:.0f} s, the time limit being {self.limits.seconds:g} s"
        used = memory_mb(self._process.pid or 0, self._most_mb) if isfinite(self._most_mb) else 0.0
        if used > self._most_mb:
            return f"it was ended with {used:,.0f} MB of memory in use, the memory limit being {self._most_mb:,.0f} MB"
        return ""

    def _ask_where(self) -> None:
        """Have the process, and before it what it has announced, write where they are: one after the other, for they share the file."""
        if not hasattr(signal, "SIGUSR1") or not self._process.is_alive():
            return
        also = [int(word) for word in re.findall(rf"^{ALSO} (\d+)$", self._told(), re.MULTILINE)]
        for pid in (*also, self._process.pid or 0):
            before, until = len(self._told()), time.monotonic() + _ASKED_MOST_S
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGUSR1)
            time.sleep(_ASKED_S)
            while len(self._told()) == before and time.monotonic() < until:
                time.sleep(WATCHED_EVERY_S)

    def _told(self) -> str:
        try:
            return self._trace.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _place(self, files: Iterable[Path]) -> str:
        """Name the innermost line of the files in which the process said it was."""
        asked = {str(path) for path in files}
        for name, line in _FRAME.findall(self._told()):
            if name in asked:
                return f", at {Path(name).name}, line {line}"
        return ""

    def _kill(self) -> None:
        pid = self._process.pid
        if pid is None:
            return
        end_tree(pid, self._mark)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _exit_words(code: int | None) -> str:
    if code == CUT_OFF:
        return "it closed the pipe by which it answers"
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
