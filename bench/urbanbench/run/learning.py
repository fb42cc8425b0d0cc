"""Learning in another city: what a model learned there is kept in the cache by the content of all it depends on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.atomic import spared
from urbanbench.city.least import least_withholding
from urbanbench.cost import measured
from urbanbench.errors import BadInput, Conformance, DataMissing
from urbanbench.inputs import format_inputs
from urbanbench.learned import Learned
from urbanbench.locks import locked
from urbanbench.run.spent import costs_told
from urbanbench.seen import seeing
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.training.checkpoint import checkpoints_in
from urbanbench.toolkit.training.distributed import agreed, process
from urbanbench.toolkit.training.stage_log import recording

if TYPE_CHECKING:
    from urbanbench.cache import EmbeddingKey
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.run.order import Order
    from urbanbench.scoring.targets import Targets
    from urbanbench.units import Units

__all__ = ["School", "TrainCity", "learn"]


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
    path = cache_folder / "learned" / f"{school.key.digest}.safetensors"
    if process():
        return _found_or_learned(order, school, path, device)
    with locked(path.with_suffix(".lock"), needed=False):
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
        with spared("What was learned is not kept"):
            made.save(path, told)
        shutil.rmtree(folder, ignore_errors=True)
    return made, told


def _read(path: Path) -> tuple[Learned, Mapping[str, Any]] | None:
    try:
        return Learned.load(path)
    except (BadInput, DataMissing):
        return None


def _learn(order: Order, school: School, device: str) -> tuple[Learned, Mapping[str, Any]]:
    view = least_withholding(school.place.view)
    view.reset_touched()
    with state_kept(), measured() as cost, recording() as stages, reading() as kept, seeing() as seen:
        made = order.model.learn(view, seed=order.cell.model_seed, device=device)
    if not isinstance(made, Learned):
        msg = f"Model {order.cell.model!r} learned a {type(made).__name__}. Expected a Learned of arrays and facts."
        raise Conformance(msg)
    return made, costs_told(cost) | {
        "city": view.city_name,
        "inputs_touched": format_inputs(view.touched).split(",") if view.touched else [],
        "saw": seen.to_record(),
        "training": [stage.to_record() for stage in stages],
        "read": kept.to_record(),
        "variant": dict(school.variant),
    }
