"""Another program that works for this process: another Python, with packages of its own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from urbanbench.apart.child import trace_file
from urbanbench.apart.limits import Limits
from urbanbench.apart.tree import MARK, marked
from urbanbench.apart.watched import Ended, Watched

__all__ = ["TRACE_VARIABLE", "Program"]

TRACE_VARIABLE = "URBANBENCH_TRACE"
"""Names the file in which a program writes where it is when it crashes, or is asked."""


class Program(Watched):
    """A program started to work for this process: JSON comes in by its standard input, answers go out the same way.

    In a process that is watched itself nothing is limited here: who watches that one counts the program's memory and time with its own, and asks both where
    they are.

    Parameters
    ----------
    command
        The program and its words.
    folder
        Where it works.
    variables
        Its environment.
    limits
        What one answer may take.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str], limits: Limits
    ) -> None:
        shared = trace_file()
        self._own_trace = shared is None
        trace = shared or _fresh_trace()
        ours, theirs = socket.socketpair()
        with marked() as mark:
            process = subprocess.Popen(  # noqa: S603 - the command is this package's own
                list(command),
                stdin=theirs.fileno(),
                stdout=2,
                cwd=folder,
                env={**variables, TRACE_VARIABLE: str(trace), MARK: os.environ[MARK]},
                start_new_session=True,
            )
        theirs.close()
        bound = limits if self._own_trace else Limits(None, math.inf)
        super().__init__(_Started(process), Connection(ours.detach()), trace, mark, bound)

    def send(self, value: Any) -> None:
        """Send work, JSON-like; where the program has ended, the next answer tells it."""
        self._since = time.monotonic()
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(json.dumps(value).encode())

    def receive(self, files: Any = ()) -> Any:
        """Read an answer, as `Watched.receive`; what was told of a program that ended is not told of the next."""
        try:
            return super().receive(files)
        except Ended:
            with contextlib.suppress(OSError):
                os.truncate(self._trace, 0)
            raise

    def close(self, *, wait_s: float = 5.0) -> None:
        """Let the program end by itself, or end it and all it has started after some seconds."""
        super().close(wait_s=wait_s)
        if self._own_trace:
            self._trace.unlink(missing_ok=True)


class _Started:
    """A program as `urbanbench.apart.watched.Process` tells of processes."""

    def __init__(self, program: subprocess.Popen[bytes]) -> None:
        self._program, self.pid = program, program.pid

    @property
    def exitcode(self) -> int | None:
        return self._program.poll()

    def is_alive(self) -> bool:
        return self._program.poll() is None

    def join(self, timeout: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._program.wait(timeout)

    def kill(self) -> None:
        self._program.kill()


def _fresh_trace() -> Path:
    handle, name = tempfile.mkstemp(prefix="urbanbench-", suffix=".trace")
    os.close(handle)
    return Path(name)
