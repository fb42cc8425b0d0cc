"""Checks of a model by its word: here for built-in ones, in a process of its own for one from elsewhere; the outcome is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping, state_kept
from urbanbench.checks.ledger import keep_check
from urbanbench.errors import Conformance, RunRefused, UrbanbenchError
from urbanbench.hashing import code_digest
from urbanbench.reasons import error_of, place_in, told
from urbanbench.registry import (
    Face,
    face_of,
    file_of,
    is_foreign,
    load_model,
    make_source,
    open_city,
    open_source,
    sound,
)

if TYPE_CHECKING:
    from urbanbench.apart import Channel
    from urbanbench.city.city import City
    from urbanbench.model import Model

__all__ = ["check_word"]

Held = Callable[[str, str], None]
_OTHER_SEED = 1
"""Of the generated city that a model is carried to; the one that is checked first has seed 0."""


def check_word(
    word: str,
    city: str,
    held: Held,
    *,
    level: str = "",
    preset: str = "",
    settings: Mapping[str, str],
    device: str,
) -> str:
    """Check a model and return the rule that it breaks; "" where it keeps them all.

    Parameters
    ----------
    word, city
        What is checked, and where.
    held
        Called with the level and a sentence for every rule that holds.
    level
        One level; "" for all that the model and the city have.
    preset, settings
        As in `urbanbench.result.RunSpec`; without a preset "small" where the model has it.
    device
        "cpu" or "cuda".

    Raises
    ------
    PluginBroken
        The model does not load.
    RunRefused
        The city lacks what the model needs.
    """
    plugin = sound(face_of("model", word))
    words = (word, city, level, preset, dict(settings), device)
    problem = _checked_there(plugin, words, held) if isinstance(plugin, Face) else _checked_here(words, held)
    if is_foreign("model", word):
        keep_check(code_digest(file_of(plugin)), problem, city=city)
    return problem


def _checked_here(words: tuple[Any, ...], held: Held) -> str:
    """Check in this process; whatever the model raises is a broken rule."""
    from urbanbench.checks.model import check_model

    word, city, level, preset, settings, device = words
    model = load_model(word)
    try:
        with state_kept():
            chosen = preset or ("small" if "small" in model.presets else "")
            built = model.from_settings(chosen, settings)
            opened = open_city(city)
            check_model(built, opened, level=level or None, device=device, held=held)
            _check_elsewhere(built, opened, level, device, held)
    except Conformance as broken:
        return str(broken)
    except (KeyboardInterrupt, UrbanbenchError):
        raise
    except BaseException as error:  # noqa: BLE001 - the model's own code
        return f"{word} fails: {told(error)}{place_in(error, [file_of(model)])}"
    return ""


def _check_elsewhere(model: Model, city: City, level: str, device: str, held: Held) -> None:
    """Check a model that says it can embed other cities on one more generated city, where that has what it reads."""
    from urbanbench.checks.transfer import check_transfer

    other = open_source(make_source("toyville", size="tiny", seed=_OTHER_SEED))
    with suppress(RunRefused):
        check_transfer(model, city, other, level=level or None, device=device, held=held)


def _checked_there(face: Face, words: tuple[Any, ...], held: Held) -> str:
    helper = Apart(_check, limits=keeping().limits)
    try:
        helper.send(words)
        while True:
            answer = helper.answer([face.file])
            if "rule" in answer:
                held(answer["level"], answer["rule"])
            elif "error" in answer:
                raise error_of(answer["error"])
            else:
                return str(answer["problem"])
    except Ended as ended:
        return f"{face.word} ended the check: {ended}"
    finally:
        helper.close(wait_s=0)


def _check(channel: Channel) -> None:
    words = channel.receive()
    try:
        problem = _checked_here(words, lambda level, rule: channel.send({"level": level, "rule": rule}))
    except KeyboardInterrupt:
        channel.send({"problem": f"{words[0]} fails: KeyboardInterrupt"})
    except UrbanbenchError as error:
        channel.send({"error": {"class": type(error).__name__, "message": str(error)}})
    else:
        channel.send({"problem": problem})
