"""Conformance of a model's paper side: card, presets and parameters, without running it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from urbanbench.card import ModelCard
from urbanbench.errors import Conformance, UrbanbenchError
from urbanbench.model import Model, setting_text

__all__ = ["check_model_card"]

PRESETS = ("small", "paper")


def check_model_card(model: Model) -> None:
    """Check that the card is complete and the parameters can be written down and read back.

    Raises
    ------
    Conformance
        The first rule that is broken.
    """
    name, card = type(model).__name__, getattr(model, "card", None)
    if not isinstance(card, ModelCard):
        msg = f"{name} has no card. Expected a class attribute `card` of type ModelCard, got {type(card).__name__}. Mend: card = ModelCard(...)."
        raise Conformance(msg)
    for field in ("title", "summary", "embeds"):
        if not getattr(card, field):
            msg = f"The card of {name} has an empty {field!r}. Expected it filled in. Mend: ModelCard({field}=...)."
            raise Conformance(msg)
    if not card.floor:
        _check_learned(name, model, card)
    _check_parameters(name, model)


def _check_learned(name: str, model: Model, card: ModelCard) -> None:
    """Check what a learned model must state that follows a paper; one that follows none, with no year either, states nothing of it."""
    if not card.paper and not card.year:
        return
    if not card.paper or card.year < 1900:
        msg = (
            f"The card of {name} names a paper or a year, but not both. Expected a citation with DOI or arXiv number and a year, "
            f"got paper={card.paper!r}, year={card.year}. Mend: state both, or neither for a model without a paper."
        )
        raise Conformance(msg)
    if not isinstance(card.differs_from_paper, tuple) or not all(card.differs_from_paper):
        msg = f"The card of {name} has differs_from_paper={card.differs_from_paper!r}. Expected a tuple of sentences, () if there are none."
        raise Conformance(msg)
    missing = [preset for preset in PRESETS if preset not in model.presets]
    if missing:
        msg = (
            f"{name} lacks the preset {missing[0]!r}. Expected presets small (a laptop's CPU) and paper (the paper's sizes), "
            f"got {', '.join(model.presets) or 'none'}. Mend: presets = {{'small': {{...}}, 'paper': {{}}}}."
        )
        raise Conformance(msg)


def _check_parameters(name: str, model: Model) -> None:
    """Check that every preset builds, and that parameters survive JSON and ``--set`` words."""
    if not _is_frozen(model):
        msg = f"{name} is no frozen dataclass. Expected its fields to be its parameters. Mend: @dataclass(frozen=True) above the class."
        raise Conformance(msg)
    candidates = [model, *(_preset(name, model, preset) for preset in model.presets)]
    for one in candidates:
        parameters = one.parameters()
        _check_json(name, parameters)
        words = {key: setting_text(value) for key, value in parameters.items() if _is_writable(value)}
        rebuilt = _rebuilt(name, model, words)
        lost = [key for key in words if rebuilt.parameters()[key] != parameters[key]]
        if lost:
            msg = (
                f"Parameter {lost[0]!r} of {name} does not survive --set. Expected {parameters[lost[0]]!r}, got "
                f"{rebuilt.parameters()[lost[0]]!r}. Mend: annotate the field with int, float, bool, str, None or a tuple of one."
            )
            raise Conformance(msg)


def _is_frozen(model: Model) -> bool:
    if not dataclasses.is_dataclass(model):
        return type(model).__init__ is object.__init__
    return bool(getattr(type(model), "__dataclass_params__").frozen)  # noqa: B009 - typing does not know the attribute


def _preset(name: str, model: Model, preset: str) -> Model:
    try:
        return type(model).from_settings(preset)
    except (UrbanbenchError, TypeError, ValueError) as error:
        msg = (
            f"Preset {preset!r} of {name} cannot be built ({error}). Expected names and values of its fields."
        )
        raise Conformance(msg) from error


def _rebuilt(name: str, model: Model, words: dict[str, str]) -> Model:
    try:
        return type(model).from_settings("", words)
    except (UrbanbenchError, TypeError, ValueError) as error:
        msg = f"{name} cannot be built again from its own parameters ({error}). Expected from_settings to read what parameters() gives."
        raise Conformance(msg) from error


def _check_json(name: str, parameters: dict[str, Any]) -> None:
    try:
        same = json.loads(json.dumps(parameters, allow_nan=False)) == parameters
    except (TypeError, ValueError) as error:
        msg = f"Parameters of {name} are not JSON-like ({error}). Expected numbers, text, booleans, None and tuples of them."
        raise Conformance(msg) from error
    if not same:
        msg = f"Parameters of {name} change in JSON. Expected text keys, numbers, text, booleans, None and lists, got {parameters!r}."
        raise Conformance(msg)


def _is_writable(value: Any) -> bool:
    """Tell whether a value can be given by --set: no nested lists, no mappings."""
    if isinstance(value, list):
        return all(not isinstance(one, list | dict) and "," not in str(one) for one in value)
    return not isinstance(value, dict)
