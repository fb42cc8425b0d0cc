"""Vectors without a score, made in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanbench.apart import state_kept
from urbanbench.card import TaskCard
from urbanbench.city.least import least_withholding
from urbanbench.progress import pulse
from urbanbench.run.admission import admitted_view, units_of
from urbanbench.run.order import resolve
from urbanbench.run.walk import embedding_key, school_for
from urbanbench.run.workbench import Workbench
from urbanbench.task import Task

if TYPE_CHECKING:
    from urbanbench.cache import EmbeddingKey
    from urbanbench.city.view import View
    from urbanbench.result import RunSpec
    from urbanbench.run.learning import School
    from urbanbench.run.order import Order
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = ["embed_here", "embed_order", "key_here", "order_of"]


class _NoTask(Task):
    card = TaskCard(
        title="all regions", question="What does a region look like?", label="", kind="regression"
    )


def embed_here(spec: RunSpec, bench: Workbench) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
    """Embed all regions of a city, or the units a task labels without what the task withholds.

    Parameters
    ----------
    spec
        Model, city, train city and inputs; its task may be "". What it says of scoring does not matter.
    bench
        Device and cache.

    Returns
    -------
    tuple[EmbeddingSpace, Mapping[str, Any]]
        The vectors and the facts of their making: seconds, peak memory, touched inputs, and whether they were cached.

    Raises
    ------
    RunRefused
        The model cannot embed these units from these inputs.
    """
    seen = _look(order_of(spec), bench)
    with pulse(seen[3].label):
        space, facts, cached = bench.embedding(*seen)
    return space, dict(facts) | {"variant": dict(seen[3].parts["variant"]), "cached": cached}


def embed_order(order: Order, bench: Workbench) -> None:
    """Do what a run of the order does for its vectors, and nothing with them."""
    bench.embedding(*_look(order, bench))


def key_here(spec: RunSpec, bench: Workbench) -> EmbeddingKey:
    """Return under which key the vectors of a spec are cached, without embedding; parameters as in `embed_here`."""
    return _look(order_of(spec), bench)[3]


def order_of(spec: RunSpec) -> Order:
    """Resolve a spec whose task may be "": all regions are embedded then."""
    return resolve(spec, None if spec.task else _NoTask())


def _look(order: Order, bench: Workbench) -> tuple[Order, View, Units, EmbeddingKey, School | None]:
    spec = order.spec
    city = bench.city(spec.city)
    targets = bench.targets(order) if spec.task else None
    view = admitted_view(order, city, targets)
    units = units_of(city, order.task.card.level, targets.ids.tolist() if targets is not None else [])
    with state_kept():
        variant = dict(order.model.variant(least_withholding(view)))
    school = school_for(order, bench, view) if order.cell.train_city else None
    return order, view, units, embedding_key(order, view, units, variant, bench.device, school), school
