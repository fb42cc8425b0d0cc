"""The train city: whether a model may be carried from there to the city that is scored; refusals say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.apart import state_kept
from urbanbench.cache import EmbeddingKey
from urbanbench.city.least import least_withholding
from urbanbench.errors import RunRefused
from urbanbench.inputs import format_inputs
from urbanbench.run.admission import admitted_view, units_of
from urbanbench.run.learning import School, TrainCity

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.run.order import Order
    from urbanbench.run.workbench import Workbench

__all__ = ["school_of", "train_city_of"]


def train_city_of(order: Order, bench: Workbench, view: View) -> TrainCity:
    """Open the train city and refuse what cannot be carried over.

    Parameters
    ----------
    order
        The run.
    bench
        Opens the city and reads its labels: those that a head is fitted on, and else those whose units the task hides, where there are any.
    view
        What the model sees of the scored city.

    Raises
    ------
    RunRefused
        The model cannot embed a city it was not trained on, or sees other inputs there; no labels where a head is fitted on them.
    """
    _check_card(order)
    city, fitted = bench.train_city(order.spec.train_city), order.across
    asked = fitted or order.room.shows_targets(order.task.card, city)
    targets = bench.train_targets(order) if asked else None
    there = admitted_view(order, city, targets)
    if there.inputs != view.inputs:
        msg = (
            f"Model {order.cell.model!r} would see inputs {format_inputs(there.inputs)} in {city.name!r} and {format_inputs(view.inputs)} "
            f"in {view.city_name!r}. Expected the same where it learns and where it is scored. Mend: --inputs {format_inputs(there.inputs & view.inputs)}"
        )
        raise RunRefused(msg)
    units = units_of(city, order.task.card.level, targets.ids.tolist() if targets is not None else [])
    return TrainCity(city, there, units, targets if fitted else None)


def _check_card(order: Order) -> None:
    name, card = order.cell.model, order.model.card
    if order.given:
        msg = f"The vectors {name!r} come from a file, and a file learns nothing. Expected a model with --train-city. Mend: urbanbench score, with vectors of both cities."
        raise RunRefused(msg)
    if "coordinates" in card.needs:
        why = card.transfers_why or "a place in one city's map says nothing of a place in another's"
        msg = f"Model {name!r} cannot be carried to another city: it reads coordinates, and {why}."
        raise RunRefused(msg)
    if not card.moves:
        why = card.transfers_why or (
            "its card does not say that it can. Mend: transfers='fixed', or 'inductive' with `learn` and `embed_with`"
        )
        msg = f"Model {name!r} cannot embed a city that it was not trained on: {why}."
        raise RunRefused(msg)


def school_of(order: Order, place: TrainCity, key: EmbeddingKey) -> School:
    """Name what the learning depends on; `key` is that of an embedding of the train city."""
    with state_kept():
        variant = dict(order.model.variant(least_withholding(place.view)))
    parts = {name: part for name, part in key.parts.items() if name != "units"}
    return School(place, variant, EmbeddingKey(parts | {"variant": variant}, f"{key.label} · learned"))
