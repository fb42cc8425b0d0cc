"""The train city: a model learns there and represents another city; what it learned is kept in the cache by content."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.cache import EmbeddingKey
from urbanbench.cost import measured
from urbanbench.errors import BadInput, Conformance, DataMissing, RunRefused
from urbanbench.inputs import format_inputs
from urbanbench.learned import Learned
from urbanbench.run.admission import admitted_view, units_of
from urbanbench.scoring.city_out import is_city_out
from urbanbench.seen import seeing
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.training.checkpoint import checkpoints_in
from urbanbench.toolkit.training.distributed import agreed, process
from urbanbench.toolkit.training.stage_log import recording

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.run.order import Order
    from urbanbench.run.workbench import Workbench
    from urbanbench.scoring.targets import Targets
    from urbanbench.units import Units

__all__ = ["TrainCity", "learn", "school_of", "train_city_of"]


@dataclass(frozen=True, eq=False)
class TrainCity:
    """Where a model learns.

    Parameters
    ----------
    city, view, units
        The city, what may be seen of it, and its units of the task's level.
    targets
        Its labels, where the head is fitted on them; else None.
    """

    city: City
    view: View
    units: Units
    targets: Targets | None

    def hashes(self) -> dict[str, str]:
        """Hash the data that a result rests on."""
        found = {"train_view_key": self.view.data_key}
        return found if self.targets is None else found | {"train_targets_digest": self.targets.digest()}


@dataclass(frozen=True, eq=False)
class School:
    """A train city with what the model does there.

    Parameters
    ----------
    place
        The city.
    variant
        Stand-ins for the model's parts there.
    key
        What the learning depends on.
    """

    place: TrainCity
    variant: Mapping[str, str]
    key: EmbeddingKey


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
    city, fitted = bench.train_city(order.spec.train_city), is_city_out(order.cell.split)
    targets = bench.train_targets(order) if fitted or order.task.card.label in city.labels else None
    ids = targets.ids.tolist() if targets is not None else []
    there = admitted_view(order, city, ids)
    if there.inputs != view.inputs:
        msg = (
            f"Model {order.cell.model!r} would see inputs {format_inputs(there.inputs)} in {city.name!r} and {format_inputs(view.inputs)} "
            f"in {view.city_name!r}. Expected the same where it learns and where it is scored. Mend: --inputs {format_inputs(there.inputs & view.inputs)}"
        )
        raise RunRefused(msg)
    return TrainCity(city, there, units_of(city, order.task.card.level, ids), targets if fitted else None)


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
        variant = dict(order.model.variant(place.view))
    parts = {name: part for name, part in key.parts.items() if name != "units"}
    return School(place, variant, EmbeddingKey(parts | {"variant": variant}, f"{key.label} · learned"))


def learn(
    order: Order, school: School, cache_folder: Path | None, device: str
) -> tuple[Learned, Mapping[str, Any]]:
    """Let the model learn in its train city, or read what it learned there before; with what that cost and saw.

    Raises
    ------
    Conformance
        It gives back something else than what it learned.
    DataMissing
        One of several processes does not find what the first one found.
    """
    if cache_folder is None:
        return _learn(order, school, device)
    from filelock import FileLock

    path = cache_folder / "learned" / f"{school.key.digest}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    if process():
        return _found_or_learned(order, school, path, device)
    with FileLock(path.with_suffix(".lock")):
        return _found_or_learned(order, school, path, device)


def _found_or_learned(
    order: Order, school: School, path: Path, device: str
) -> tuple[Learned, Mapping[str, Any]]:
    found = _read(path) if process() == 0 else None
    if agreed(float(found is not None)):
        found = found or _read(path)
        if found is None:
            msg = f"Process {process()} does not find what was learned in {str(path.parent)!r}. Expected one cache folder for all processes."
            raise DataMissing(msg)
        return found
    folder = path.parents[1] / "training" / school.key.digest
    with checkpoints_in(folder):
        made, told = _learn(order, school, device)
    if process() == 0:
        made.save(path, told)
        shutil.rmtree(folder, ignore_errors=True)
    return made, told


def _read(path: Path) -> tuple[Learned, Mapping[str, Any]] | None:
    try:
        return Learned.load(path)
    except (BadInput, DataMissing):
        return None


def _learn(order: Order, school: School, device: str) -> tuple[Learned, Mapping[str, Any]]:
    view = school.place.view
    view.reset_touched()
    with state_kept(), measured() as cost, recording() as stages, reading() as kept, seeing() as seen:
        made = order.model.learn(view, seed=order.cell.model_seed, device=device)
    if not isinstance(made, Learned):
        msg = f"Model {order.cell.model!r} learned a {type(made).__name__}. Expected a Learned of arrays and facts."
        raise Conformance(msg)
    return made, asdict(cost) | {
        "city": view.city_name,
        "inputs_touched": format_inputs(view.touched).split(",") if view.touched else [],
        "saw": seen.to_record(),
        "training": [stage.to_record() for stage in stages],
        "read": kept.to_record(),
        "variant": dict(school.variant),
    }
