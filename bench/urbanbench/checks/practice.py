"""A small exam made of a city's street views, by which models of items are checked; it asks for nothing that anybody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.item_view import ItemView
from urbanbench.items import MODALITIES, Exam, Item, Lesson, LocalGraph
from urbanbench.units import Units

if TYPE_CHECKING:
    from urbanbench.card import ModelCard
    from urbanbench.city.city import City

__all__ = ["embeds_items", "practice"]

_PICTURES = 8
_TEXTS = (
    "beside a park, 200 m north of a school",
    "a street of shops and cafes",
    "at the river, near a bridge",
    "a quiet street of houses",
)
_INPUTS = {"image": "street_view", "graph": "graph"}


def embeds_items(card: ModelCard) -> bool:
    """Tell whether a model has a tower for some part of an item."""
    return any(part in MODALITIES for part in card.embeds)


def practice(city: City, card: ModelCard) -> tuple[ItemView, Units]:
    """Return a view of pictures, texts and graphs, as far as a model has towers, and its items in another order than theirs."""
    pictures = list(city.street_views.index[: 2 * _PICTURES]) if "street_views" in city.layers else []
    exam = _exam(pictures)
    shown = {name for part, name in _INPUTS.items() if part in card.embeds}
    inputs = {name for name in shown if name != "street_view" or pictures}
    view = ItemView(city, frozenset(inputs), exam=exam)
    return view, Units("item", tuple(sorted(exam.items, reverse=True)))


def _exam(pictures: list[str]) -> Exam:
    asked, learned = pictures[::2], pictures[1::2]
    graph = _graph()
    items = {f"text {k}": Item(text=text) for k, text in enumerate(_TEXTS)}
    items |= {f"picture {k}": Item(image=one, graph="around") for k, one in enumerate(asked)}
    items |= {"graph": Item(graph="around", text="what lies north of here?")}
    sides = {name: "candidate" if name.startswith("text") else "query" for name in items}
    lessons = tuple(
        Lesson("caption", Item(image=one, graph="around"), Item(text=_TEXTS[k % len(_TEXTS)]))
        for k, one in enumerate(learned)
    )
    return Exam(items, sides, {"around": graph}, lessons)


def _graph() -> LocalGraph:
    """Return a picture with a cafe and a street near it."""
    return LocalGraph(
        kind=np.array([4, 0, 2], dtype=np.int8),
        text=("a picture", "a cafe", "a street"),
        offset_m=np.array([[0.0, 0.0], [30.0, 40.0], [0.0, -10.0]]),
        hops=np.array([0, 1, 1], dtype=np.int64),
        source=np.array([0, 0], dtype=np.int64),
        target=np.array([1, 2], dtype=np.int64),
        relation=np.array([0, 1], dtype=np.int8),
        distance_m=np.array([50.0, 10.0]),
        bearing=np.array([36.87, 180.0]),
    )
