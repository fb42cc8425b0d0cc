"""Checks of a model by its word: here for built-in ones, in a process of its own for one from elsewhere; the outcome is written down."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.checks.ledger import checked_code, keep_check
from urbanbench.errors import Conformance, RunRefused, UrbanbenchError
from urbanbench.reasons import place_in, told
from urbanbench.registry import (
    Face,
    environment_of,
    face_of,
    file_of,
    is_foreign,
    load_model,
    make_source,
    open_city,
    open_source,
    sound,
)
from urbanbench.registry.own_code import plugin_digest
from urbanbench.run.checking_apart import Held, checked_apart

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.model import Model

__all__ = ["check_word"]

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
    if isinstance(plugin, Face):
        problem = checked_apart(_checked_here, words, [plugin.file], held)
    else:
        problem = _checked_here(words, held)
    if is_foreign("model", word):
        code = checked_code(plugin_digest(file_of(plugin)), environment_of(plugin))
        keep_check(code, problem, city=city)
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
