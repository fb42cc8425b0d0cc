"""The side of the harness: a plugin's process in its own environment, the folder that both sides share, and questions to it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Ended, Program, keeping
from urbanbench.apart.child import scratch_of, trace_file
from urbanbench.city.exchange import write_view
from urbanbench.isolated.environment import Environment, doorway_command
from urbanbench.isolated.installers import words_outside
from urbanbench.reasons import error_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.isolated.needs import Needs

__all__ = ["Guest", "GuestEnded", "GuestFailed"]


class GuestEnded(RuntimeError):
    """The process of a plugin in its own environment ended, or was ended, in the middle of an answer."""


class GuestFailed(RuntimeError):
    """A plugin raised an error in its own environment; what is raised here has the name of that error's class."""


class Guest:
    """A plugin in its own environment. Its process starts with the first question, and anew where it has ended.

    Parameters
    ----------
    needs
        What it states.
    environment
        Where it runs.
    word
        How it was named, for messages.
    """

    def __init__(self, needs: Needs, environment: Environment, word: str) -> None:
        self.needs, self.environment, self._word = needs, environment, word
        self._program: Program | None = None
        self._shared: Path | None = None
        self._shown: tuple[str, Path] | None = None
        self._given = 0
        _all.add(self)

    def ask(self, do: str, view: View | None = None, **words: Any) -> Any:
        """Ask and return the answer.

        Parameters
        ----------
        do
            What: see `urbanbench.isolated.service`.
        view
            What it may see for it.
        words
            Further words of the question, JSON-like.

        Raises
        ------
        UrbanbenchError
            The plugin raised one; it is of the same class.
        GuestFailed
            It raised another error.
        GuestEnded
            Its process ended; the message says how, and in which line where that is known.
        """
        shown = str(self._written(view)) if view is not None else ""
        program = self._started()
        program.send({"do": do, "view": shown, **words})
        try:
            said: Mapping[str, Any] = program.answer([self.needs.file])
        except Ended as ended:
            self.close(wait_s=0)
            raise GuestEnded(str(ended)) from None
        if "error" in said:
            raise error_of(said["error"]) from GuestFailed(said["trace"])
        if "failed" in said:
            raise _failed(said["failed"]) from GuestFailed(said["trace"])
        return said["answer"]

    @contextmanager
    def answer_folder(self) -> Iterator[Path]:
        """Give a new empty folder that both sides see, as long as the block runs."""
        self._given += 1
        folder = self._folder() / f"answer-{self._given}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self, *, wait_s: float = 5.0) -> None:
        """End the process, and remove what was exchanged."""
        if self._program is not None:
            self._program.close(wait_s=wait_s)
        if self._shared is not None:
            shutil.rmtree(self._shared, ignore_errors=True)
        self._program = self._shared = self._shown = None

    def _started(self) -> Program:
        if self._program is None:
            told: dict[str, Any] = {
                "lent": self.environment.lent(),
                "roots": [str(root) for root in self.needs.roots],
                "file": str(self.needs.file),
                "module": self.needs.module,
                "stated_in": self.needs.stated_in,
                "word": self._word,
                "folder": str(self._folder() / "work"),
            }
            command = doorway_command(self.environment.python, **told)
            sys.stderr.flush()
            self._program = Program(command, self._folder(), words_outside(), keeping().limits)
        return self._program

    def _folder(self) -> Path:
        """Return the folder of the exchange, which nobody else may look into; a new one where the plugin has removed it."""
        if self._shared is not None and not self._shared.is_dir():
            self.close(wait_s=0)
        if self._shared is None:
            self._shared = Path(tempfile.mkdtemp(prefix="urbanbench-exchange-", dir=_scratch()))
        return self._shared

    def _written(self, view: View) -> Path:
        """Write a view, where it is not the one that was written last."""
        if self._shown is not None and self._shown[0] == view.key and self._shown[1].is_dir():
            return self._shown[1]
        if self._shown is not None:
            shutil.rmtree(self._shown[1], ignore_errors=True)
        self._given += 1
        folder = self._folder() / f"view-{self._given}"
        folder.mkdir()
        write_view(view, folder)
        self._shown = (view.key, folder)
        return folder


def _scratch() -> Path | None:
    """Return the folder that is removed when this process ends, however it does; None where nobody waits for it."""
    trace = trace_file()
    if trace is None:
        return None
    folder = scratch_of(trace)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


_all: weakref.WeakSet[Guest] = weakref.WeakSet()


def _close_all() -> None:
    for guest in list(_all):
        guest.close(wait_s=1.0)


atexit.register(_close_all)


def _failed(said: Mapping[str, str]) -> GuestFailed:
    """Return an error that is called as the plugin's own is, and says where that came from."""
    kind: type[GuestFailed] = type(said["kind"], (GuestFailed,), {"place_there": said["place"]})
    return kind(said["message"])
