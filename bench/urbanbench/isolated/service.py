"""What runs in a plugin's own environment: it loads the plugin, and answers one question after the other by files and facts."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.apart.child import ALSO, CUT_OFF, READY, tell_crashes, works_apart
from urbanbench.apart.program import TRACE_VARIABLE
from urbanbench.apart.tree import end_below, mark_here
from urbanbench.city.exchange import read_view
from urbanbench.errors import PluginBroken, UrbanbenchError
from urbanbench.isolated.making import make
from urbanbench.isolated.plugin import ASKED, load
from urbanbench.reasons import place_in, told, trace_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.model import Model

__all__ = ["serve"]

_FRAMES = 10
_LOOKS_EVERY_S = 1.0


def serve(pipe: int, words: Mapping[str, Any]) -> None:
    """Answer until nobody asks.

    Parameters
    ----------
    pipe
        A socket: questions come in and answers go out, as JSON.
    words
        ``file`` and ``module`` of the plugin, ``stated_in`` for messages, ``folder`` to work in.
    """
    trace = Path(os.environ[TRACE_VARIABLE])
    works_apart(trace)
    tell_crashes(trace)
    with trace.open("a", encoding="utf-8") as list_of_processes:
        list_of_processes.write(f"{ALSO} {os.getpid()}\n")
    threading.Thread(target=_end_with, args=(os.getppid(), mark_here()), daemon=True).start()
    channel, plugin = Connection(pipe), _Plugin(words)
    try:
        channel.send_bytes(json.dumps(READY).encode())
        while True:
            question = json.loads(channel.recv_bytes())
            answer = json.dumps(plugin.answer(question)).encode()
            try:
                channel.send_bytes(answer)
            except OSError:
                os._exit(CUT_OFF)
    except (EOFError, OSError):
        return


def _end_with(parent: int, mark: str) -> None:
    """End this process, and all that it has started, when the one that started it has ended."""
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY_S)
    end_below(mark)
    os._exit(1)


class _Plugin:
    """The plugin, and the view that was read last."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words, self._file = words, Path(words["file"])
        self._kind: type[Model] | None = None

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a question; whatever the plugin does is told."""
        folder = Path(self._words["folder"])
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            os.chdir(folder)
        try:
            with state_kept():
                _shuffle()
                return {"answer": self._answered(question)}
        except UrbanbenchError as error:
            about = {name: str(getattr(error, name)) for name in ("name", "layer") if hasattr(error, name)}
            said = {
                "class": type(error).__name__,
                "message": str(error),
                "place_there": self._place(error),
                **about,
            }
            return {"error": said, "trace": trace_of(error.__cause__ or error, _FRAMES)}
        except BaseException as error:  # noqa: BLE001 - whatever it does is the plugin's fault, and told
            said = {
                "kind": type(error).__name__,
                "message": f"{_text(error)}{self._mend(error)}",
                "place": self._place(error),
            }
            return {"failed": said, "trace": trace_of(error, _FRAMES)}

    def _answered(self, question: Mapping[str, Any]) -> Any:
        do = question["do"]
        if do == "describe":
            return self._described()
        model = self._loaded().from_settings(question["preset"], question["settings"])
        if do == "parameters":
            return model.parameters()
        view = read_view(Path(question["view"])) if question["view"] else None
        if do in ASKED:
            return _said_of(model, do, view)
        return make(model, do, view, question)

    def _described(self) -> dict[str, Any]:
        kind = self._loaded()
        from urbanbench.model import Model

        return {
            "name": kind.__name__,
            "doc": kind.__doc__ or "",
            "card": dataclasses.asdict(kind.card),
            "presets": {str(name): dict(values) for name, values in kind.presets.items()},
            "frozen": _is_frozen(kind),
            "own": [
                name
                for name in (*ASKED, "learn", "embed_with")
                if getattr(kind, name) is not getattr(Model, name)
            ],
        }

    def _loaded(self) -> type[Model]:
        """Load the plugin once.

        Raises
        ------
        PluginBroken
            It does not load.
        """
        if self._kind is None:
            try:
                self._kind = load(self._file, str(self._words["module"]))
            except PluginBroken:
                raise
            except BaseException as error:  # a file that leaves while it loads must not end the process
                msg = f"The model plugin {self._words['word']!r} does not load: {told(error)}{self._place(error)}{self._mend(error)}"
                raise PluginBroken(msg) from error
        return self._kind

    def _place(self, error: BaseException) -> str:
        return place_in(error, [self._file])

    def _mend(self, error: BaseException) -> str:
        """Say of a package that is not there how it comes here."""
        if not isinstance(error, ModuleNotFoundError):
            return ""
        return f". Its own environment has what {self._words['stated_in']} asks for. Mend: name the package there"


def _text(error: BaseException) -> str:
    """Return the message of an error, without its kind."""
    return told(error).partition(": ")[2]


def _shuffle() -> None:
    """Let randomness that no seed was given for be another one for every answer: a plugin may not lean on it."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()


def _is_frozen(kind: type) -> bool:
    told_of = getattr(kind, "__dataclass_params__", None)
    return "__init__" not in vars(kind) if told_of is None else bool(told_of.frozen)


def _said_of(model: Model, what: str, view: View | None) -> Any:
    said = model.knows_place() if view is None else getattr(model, what)(view)
    return dict(said) if isinstance(said, Mapping) else said
