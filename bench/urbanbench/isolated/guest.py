"""The side of the harness: a plugin's process in its own environment, the folder that both sides share, and questions to it."""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urbanbench
from urbanbench.apart import Ended, Program, keeping
from urbanbench.city.exchange import write_view
from urbanbench.isolated import doorway
from urbanbench.isolated.installers import words_outside
from urbanbench.reasons import error_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.isolated.environment import Environment
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
        program = self._started()
        program.send({"do": do, "view": str(self._written(view)) if view is not None else "", **words})
        try:
            said: Mapping[str, Any] = program.answer([self.needs.file])
        except Ended as ended:
            self.close(wait_s=0)
            raise GuestEnded(str(ended)) from None
        if "error" in said:
            raise error_of(said["error"]) from GuestFailed(said["trace"])
        if "failed" in said:
            raise _failed(said["failed"]["kind"], said["failed"]["message"]) from GuestFailed(said["trace"])
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
            told = {
                "package": str(Path(urbanbench.__file__).parent),
                "lent": self.environment.lent(),
                "roots": [str(root) for root in self.needs.roots],
                "file": str(self.needs.file),
                "module": self.needs.module,
                "stated_in": self.needs.stated_in,
                "word": self._word,
                "folder": str(self._folder() / "work"),
            }
            command = [
                str(self.environment.python),
                "-s",
                "-P",
                str(Path(doorway.__file__)),
                json.dumps(told),
            ]
            sys.stderr.flush()
            self._program = Program(command, self._folder(), words_outside(), keeping().limits)
        return self._program

    def _folder(self) -> Path:
        """Return the folder of the exchange, which nobody else may look into; a new one where the plugin has removed it."""
        if self._shared is None or not self._shared.is_dir():
            self._shared, self._shown = Path(tempfile.mkdtemp(prefix="urbanbench-exchange-")), None
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


_all: weakref.WeakSet[Guest] = weakref.WeakSet()


def _close_all() -> None:
    for guest in list(_all):
        guest.close(wait_s=1.0)


atexit.register(_close_all)


def _failed(kind: str, message: str) -> GuestFailed:
    """Return an error that is called as the plugin's own is."""
    prefix = f"{kind}: "
    made: type[GuestFailed] = type(kind, (GuestFailed,), {})
    return made(message.removeprefix(prefix) if message != kind else "")
