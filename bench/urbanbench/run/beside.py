"""Beside a model: the floors that read content from the inputs it sees, and what a result says of what the model adds to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from urbanbench.errors import NoFloor, RunRefused
from urbanbench.inputs import FULL, format_inputs
from urbanbench.registry import face_of
from urbanbench.run.admission import refusal
from urbanbench.run.order import Order, resolve

if TYPE_CHECKING:
    from urbanbench.card import ModelCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.scoring.fusion.evaluate import Fused

__all__ = ["CONTENT_FLOORS", "adds_section", "beside_versions", "floor_orders"]

CONTENT_FLOORS = ("poi-counts", "tfidf", "building-stats", "flow-rows")
"""Floors that count what lies in a unit. Others say where it lies, how large it is or nothing, and are nothing to add to."""

_FRAME = frozenset({"coordinates"})
"""What floors may use in every run."""


def floor_orders(order: Order, city: City, view: View) -> list[Order]:
    """Return an order for every floor that may stand beside a model: it reads content, from no inputs but those that the model sees.

    Parameters
    ----------
    order
        Of the model.
    city
        The city, opened.
    view
        What the model sees of it. Beside finished vectors of which nobody says what they were made of, every floor may stand.

    Raises
    ------
    NoFloor
        There is none.
    RunRefused
        The model is nothing but its head.
    """
    if order.model.card.head:
        msg = f"Model {order.cell.model!r} is defined by its head {order.model.card.head!r}. Expected one whose vectors a head can read beside a floor's."
        raise RunRefused(msg)
    seen = None if _unstated(order) else view.inputs | _FRAME
    task = order.task.card
    found = [
        resolve(_spec(order, name, card, seen), order.task)
        for name, card in _fitting(order)
        if not refusal(name, card, task, city, seen)
    ]
    if not found:
        inputs = format_inputs(view.inputs)
        msg = (
            f"No floor for {order.cell.model!r} to add to: none counts the contents of {task.level}s from inputs {inputs} of {city.name!r}. "
            f"Expected inputs of one of: {', '.join(CONTENT_FLOORS)}."
        )
        raise NoFloor(msg)
    return found


def _spec(order: Order, name: str, card: ModelCard, seen: frozenset[str] | None) -> Any:
    """Return what a floor is asked: the same question, and no inputs beyond those the model sees."""
    inputs = FULL if seen is None or card.inputs <= seen else format_inputs(seen)
    return replace(
        order.spec, model=name, inputs=inputs, preset="", settings=(), name="", model_seed=0, beside=""
    )


def _unstated(order: Order) -> bool:
    return order.vectors is not None and order.vectors.stated is None


def _fitting(order: Order) -> Iterator[tuple[str, ModelCard]]:
    """Yield the floors that may stand beside a model for all that its card and the run say, whatever the city has."""
    card, asked = order.model.card, order.asked_inputs
    seen = card.inputs if asked is None else card.inputs & asked
    for name in CONTENT_FLOORS:
        floor = face_of("model", name).card
        if name != order.cell.model and (_unstated(order) or set(floor.needs) <= seen):
            yield name, floor


def beside_versions(order: Order) -> dict[str, int]:
    """Return the versions of what makes a fusion beside what makes the model's own row."""
    from urbanbench.scoring.fusion.evaluate import FUSION_VERSION

    return {"fusion": FUSION_VERSION} | {f"floor {name}": card.version for name, card in _fitting(order)}


def adds_section(fused: Fused, floors: Iterable[str]) -> dict[str, Any]:
    """Return the section `adds` of a result.

    Parameters
    ----------
    fused
        The model beside its floors.
    floors
        Names of the floors that were there.

    Returns
    -------
    dict
        floors; chosen, each seed's floor; floor_scores, of that floor alone, put through the same stack; gain, how much better both are
        together than the floor alone, positive where they are better; floor_row_scores, of the floor as it stands in its own rows; second
        and second_scores, the floor that goes best with the first and what these two score; stacks, the weights. One entry per seed.
    """
    from urbanbench.scoring.metrics import metric_info

    alone = {metric: list(values) for metric, values in fused.floor_alone.items()}
    gain = {
        metric: [
            _better(metric_info(metric).higher_is_better, *pair)
            for pair in zip(values, alone[metric], strict=True)
        ]
        for metric, values in fused.scores.per_seed.items()
        if metric in alone
    }
    return {
        "floors": list(floors),
        "chosen": list(fused.chosen),
        "floor_scores": alone,
        "gain": gain,
        "floor_row_scores": {metric: list(values) for metric, values in fused.floor_row.items()},
        "second": list(fused.second),
        "second_scores": {metric: list(values) for metric, values in fused.with_second.items()},
        "stacks": [dict(one) for one in fused.stacks],
    }


def _better(higher: bool, together: float, alone: float) -> float:
    return together - alone if higher else alone - together
