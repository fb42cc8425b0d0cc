"""Probing: a foreign plugin is loaded and asked for its card and parameters, in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.errors import BadInput, PluginBroken, UnknownName, UrbanbenchError
from urbanbench.reasons import error_of, place_in, told, trace_of
from urbanbench.registry.plugins import load_class, source_file

if TYPE_CHECKING:
    from urbanbench.apart import Channel

__all__ = ["answer_probes", "error_of", "json_like"]

_FRAMES = 10


def answer_probes(channel: Channel) -> None:
    """Answer questions about plugins until nobody asks: kind and word, and what to build of it."""
    while True:
        kind, word, build = channel.receive()
        channel.send(_answer(kind, word, build))


def json_like(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters that JSON can hold.

    Raises
    ------
    BadInput
        It cannot hold one of them.
    """
    for key, value in parameters.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            msg = (
                f"Parameter {key!r} of {name} is a {type(value).__name__}, which cannot be written into a result. "
                f"Expected numbers, text, booleans, None and tuples of them. Mend: a tuple, or a plain number."
            )
            raise BadInput(msg) from None
    try:
        made: dict[str, Any] = json.loads(json.dumps(dict(parameters)))
    except (TypeError, ValueError) as error:
        msg = f"The parameters of {name} cannot be written into a result ({error}). Expected names as text."
        raise BadInput(msg) from None
    return made


def _answer(kind: str, word: str, build: tuple[str, tuple[tuple[str, str], ...]] | None) -> dict[str, Any]:
    """Load a plugin and describe it, or build it; a fault where its own code fails, an error where the question is wrong."""
    try:
        plugin = load_class(kind, word)
    except PluginBroken as error:
        return {"fault": str(error), "trace": trace_of(error.__cause__ or error, _FRAMES)}
    try:
        with state_kept():
            return (
                _described(kind, plugin)
                if build is None
                else {"parameters": _built(plugin, build[0], dict(build[1]))}
            )
    except (UnknownName, BadInput) as error:
        if build is not None and _is_asked_wrongly(error):
            return {"error": {"class": type(error).__name__, "message": str(error)}}
        return {"fault": f"The {kind} plugin {word!r} cannot be used: {told(error)}"}
    except BaseException as error:  # noqa: BLE001 - whatever it does is the plugin's fault, and told
        return {
            "fault": f"The {kind} plugin {word!r} cannot be used: {told(error)}{place_in(error, [source_file(plugin)])}",
            "trace": trace_of(error, _FRAMES),
        }


def _is_asked_wrongly(error: UrbanbenchError) -> bool:
    """Tell whether a preset or parameter was asked for that is not there, or given in words that do not fit."""
    return isinstance(error, UnknownName) or "--set" in str(error)


def _described(kind: str, plugin: Any) -> dict[str, Any]:
    protocol = dataclasses.asdict(plugin.protocol) if kind == "task" else None
    presets = getattr(plugin, "presets", {}) if kind == "model" else {}
    built = {name: _built(plugin, name, {}) for name in presets or [""]} if kind == "model" else {}
    return {
        "built": built,
        "card": dataclasses.asdict(plugin.card),
        "file": str(source_file(plugin)),
        "presets": {str(name): json_like(plugin.__name__, values) for name, values in presets.items()},
        "protocol": protocol,
    }


def _built(plugin: Any, preset: str, settings: dict[str, str]) -> dict[str, Any]:
    return json_like(plugin.__name__, plugin.from_settings(preset, settings).parameters())
