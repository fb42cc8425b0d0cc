"""What models and tasks say of themselves, as far as they are registered here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from urbanbench.card import GIVEAWAYS, TRANSFERS, WITHHOLDABLE, ModelCard, TaskCard
from urbanbench.errors import UrbanbenchError
from urbanbench.registry import entries, is_label, task_of_label

__all__ = ["models_of", "tasks_of"]


def models_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what the cards of some models say; a model that is not registered has {}."""
    cards = {entry.name: entry.card for entry in entries("model")}
    return {name: _model(cards.get(name)) for name in names}


def _model(card: object) -> dict[str, Any]:
    if not isinstance(card, ModelCard):
        return {}
    told = {
        "title": card.title,
        "summary": card.summary,
        "year": card.year,
        "paper": card.paper,
        "code": card.code,
        "needs": list(card.needs),
        "can use": list(card.can_use),
        "needs one of": list(card.needs_any),
        "embeds": list(card.embeds),
        "another city": TRANSFERS[card.transfers]
        + (f" ({card.transfers_why})" if card.transfers_why else ""),
        "differs": list(card.differs_from_paper),
        "floor": card.floor,
        "version": card.version,
    }
    return {name: value for name, value in told.items() if value}


def tasks_of(asked: Iterable[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Return what the cards of some tasks say.

    Parameters
    ----------
    asked
        (task, city) of results: a task that is a city's label is asked of that city. One that is not known here has {}.
    """
    cards: dict[str, object] = {entry.name: entry.card for entry in entries("task")}
    for task, city in asked:
        if cards.get(task) is None:
            cards[task] = _label_card(task, city) if is_label(task) else None
    return {task: _task(cards.get(task)) for task, _ in asked}


def _label_card(task: str, city: str) -> TaskCard | None:
    try:
        return task_of_label(task, city).card
    except UrbanbenchError:
        return None


def _task(card: object) -> dict[str, Any]:
    if not isinstance(card, TaskCard):
        return {}
    told = {
        "title": card.title,
        "question": card.question,
        "label": card.label,
        "kind": card.kind,
        "level": card.level,
        "withholds": [WITHHOLDABLE[word] for word in card.withholds],
        "query": list(card.query),
        "candidates": list(card.candidates),
        "positive": card.positive,
        "leaks": [GIVEAWAYS[word] for word in card.leaks],
        "layers": list(card.layers),
        "log1p": card.log1p,
        "note": card.note,
        "version": card.version,
    }
    return {name: value for name, value in told.items() if value}
