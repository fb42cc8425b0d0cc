"""Admission: whether a model may and can do a run, and the view it gets; refusals say why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanbench.city.changing.drawn import drawn_away
from urbanbench.errors import BadInput, RunRefused
from urbanbench.inputs import LAYER_OF, format_inputs
from urbanbench.run.rooms import room_of
from urbanbench.scoring.splits import make_splits
from urbanbench.units import Units

if TYPE_CHECKING:
    from urbanbench.card import ModelCard, TaskCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.run.order import Order
    from urbanbench.scoring.retrieval.questions import Questions
    from urbanbench.scoring.targets import Targets

__all__ = ["admitted_view", "check_paper", "check_probe", "check_split", "refusal", "units_of"]


def refusal(model: str, card: ModelCard, task: TaskCard, city: City, asked: frozenset[str] | None) -> str:
    """Return why a model cannot do a task in a city with these inputs; "" when it can.

    Parameters
    ----------
    model
        The model's name, for the message.
    card, task
        What the plugins say of themselves.
    city
        The opened city.
    asked
        Inputs the run allows; None for all.
    """
    room = room_of(task.kind)
    no_tower = room.no_tower(model, card, task, asked)
    if no_tower:
        return no_tower
    _, needs, needs_any = room.inputs_of(card)
    masked = [name for name in needs if asked is not None and name not in asked]
    if masked:
        return f"Model {model!r} needs input {_words(masked)}, which --inputs {format_inputs(asked or ())} masks."
    absent = [name for name in needs if name in LAYER_OF and LAYER_OF[name] not in city.layers]
    if absent:
        layers = _words([LAYER_OF[name] for name in absent])
        return f"Model {model!r} needs input {_words(absent)}. City {city.name!r} has no layer {layers}."
    drawn = drawn_away(city, task.withholds)
    shut = [name for name in needs if name in drawn]
    if shut:
        return _gives_away(f"Model {model!r} needs input {_words(shut)}.", task, city)
    return _none_of_any(model, needs_any, task, city, asked)


def _none_of_any(
    model: str, needs_any: Sequence[str], task: TaskCard, city: City, asked: frozenset[str] | None
) -> str:
    """Return why none of the inputs can be seen of which a model needs one; "" when one can, or when it needs none."""
    there = [one for one in needs_any if one not in LAYER_OF or LAYER_OF[one] in city.layers]
    drawn = drawn_away(city, task.withholds)
    seen = [one for one in there if asked is None or one in asked]
    if not needs_any or set(seen) - drawn:
        return ""
    start = f"Model {model!r} needs input {' or '.join(map(repr, needs_any))}."
    if not there:
        layers = " nor ".join(repr(LAYER_OF[one]) for one in needs_any if one in LAYER_OF)
        return f"{start} City {city.name!r} has no layer {layers}."
    if seen:
        return _gives_away(start, task, city)
    return (
        f"{start} City {city.name!r} has {_words(there)}, which --inputs {format_inputs(asked or ())} masks."
    )


def _gives_away(start: str, task: TaskCard, city: City) -> str:
    return (
        f"{start} Pictures of {city.name!r} are maps that show the land use, which task {task.title!r} withholds. "
        "Mend: urbanbench data satellite CITY --from map --layers buildings,roads --out FOLDER"
    )


def admitted_view(order: Order, city: City, targets: Targets | Questions | None) -> View:
    """Return the view a model gets: what its card names, the run allows and the city has, minus what the task withholds.

    Pictures that are maps of withheld land use are masked.

    Parameters
    ----------
    order, city
        The run and its city, opened.
    targets
        What is asked, None where nothing is: labelled buildings may be hidden, and a retrieval shows its items.

    Raises
    ------
    RunRefused
        The model cannot do this run.
    """
    card, task = order.model.card, order.task.card
    reason = refusal(order.cell.model, card, task, city, order.asked_inputs)
    if reason:
        raise RunRefused(reason)
    asked = order.asked_inputs
    room = room_of(task.kind)
    allowed = {name for name in room.inputs_of(card)[0] if asked is None or name in asked}
    there = {name for name in allowed if name not in LAYER_OF or LAYER_OF[name] in city.layers}
    return room.view(
        city, frozenset(there) - drawn_away(city, task.withholds), order.cell.model, card, task, targets
    )


def units_of(city: City, level: str, target_ids: Sequence[str]) -> Units:
    """Return the units to embed, in the order of their ids: all regions, so that tasks share vectors; of other levels the labelled ones."""
    return Units(level, tuple(sorted(city.unit_ids("region") if level == "region" else target_ids)))


def check_split(order: Order, targets: Targets | Questions) -> None:
    """Refuse a split that the labels cannot give, and a file of splits of other units."""
    from urbanbench.scoring.targets import Targets

    if order.across or not isinstance(targets, Targets):  # a retrieval cuts nothing
        return
    if order.paper is None and order.protocol.split not in {"random", "block", "group"}:
        try:
            make_splits(targets, order.protocol)
        except BadInput as error:
            raise RunRefused(str(error)) from error
    if order.cell.split == "group" and targets.groups is None:
        msg = f"Label {order.task.card.label!r} of {order.cell.city!r} names no groups. The group split needs a column 'group'."
        raise RunRefused(msg)


def check_paper(order: Order) -> None:
    """Refuse what a paper's protocol cannot score: other kinds and levels of tasks, and models with a head of their own."""
    paper, card = order.paper, order.task.card
    if paper is None:
        return
    if order.question is None:
        msg = f"Protocol {paper.name!r} scores {paper.scores}. Task {card.title!r} is a {card.kind} of {card.level}s."
        raise RunRefused(msg)
    if order.model.card.head:
        msg = f"Model {order.cell.model!r} is defined by its head {order.model.card.head!r}. Protocol {paper.name!r} has a head of its own."
        raise RunRefused(msg)


def check_probe(order: Order) -> None:
    """Refuse to ask the vectors of a model that is nothing but its head."""
    from urbanbench.scoring.probes.catalogue import probe_info

    name, card = order.cell.probe, order.model.card
    if name and card.head and probe_info(name).vectors:
        msg = f"Model {order.cell.model!r} is defined by its head {card.head!r}. Probe {name!r} asks vectors that any head can read."
        raise RunRefused(msg)


def _words(names: object) -> str:
    listed = [repr(name) for name in names] if isinstance(names, list | tuple) else [repr(names)]
    return " and ".join(listed)
