"""Groups: what is left to do, by vectors that cells share, with what each part takes as far as earlier rows tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.result_folders import reference_folder
from urbanbench.run.planning.costs import Costs, Estimate, Sizes
from urbanbench.run.planning.lengths import UNKNOWN_S, Learn, regions_of
from urbanbench.run.planning.state import CACHED, HEAD_ONLY, STARTED, TO_MAKE, CellState

if TYPE_CHECKING:
    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.store import ResultStore

__all__ = ["Group", "Head", "costs_of", "grouped", "learner", "told_by"]

_LOOKED_AT = 200
"""Earlier rows of a model in a city that are read from each folder, the newest first."""


@dataclass(frozen=True, eq=False)
class Head:
    """A cell that is left: its vectors are read by a head.

    Parameters
    ----------
    order
        The cell.
    estimate
        What the head takes; None where no row tells.
    """

    order: Order
    estimate: Estimate | None

    @property
    def seconds(self) -> float | None:
        """What it surely takes; None where that is unknown."""
        return _sure(self.estimate)

    @property
    def thought_s(self) -> float:
        """What whoever hands it out takes it for: hints too, 0 where nothing is known."""
        return 0.0 if self.estimate is None else self.estimate.seconds


@dataclass(frozen=True, eq=False)
class Group:
    """Cells that share vectors.

    Parameters
    ----------
    states
        All its cells.
    embed
        What the vectors take where they are made anew; None where no row tells, or nothing is left to do.
    on_gpu
        The same on a GPU; None where no row tells.
    heads
        Cells that are left.
    sizes
        Memory and disk.
    """

    states: tuple[CellState, ...]
    embed: Estimate | None
    on_gpu: Estimate | None
    heads: tuple[Head, ...]
    sizes: Sizes

    @property
    def first(self) -> Order:
        """One of its cells, which stands for what all have in common."""
        return self.states[0].order

    @property
    def vectors(self) -> str:
        """Whether the vectors are there: the word of most work among its cells."""
        words = {one.vectors for one in self.states if one.vectors != HEAD_ONLY}
        return next(
            (word for word in (TO_MAKE, STARTED) if word in words), next(iter(sorted(words)), HEAD_ONLY)
        )

    @property
    def makes(self) -> bool:
        """Whether vectors have to be made."""
        return bool(self.heads) and self.vectors != CACHED

    @property
    def embed_seconds(self) -> float | None:
        """What making the vectors surely takes here: 0 where they are there; None where it is unknown."""
        return _sure(self.embed) if self.makes else 0.0

    @property
    def thought_s(self) -> float:
        """What whoever hands the vectors out takes them for: hints too, endless where nothing is known."""
        if not self.makes:
            return 0.0
        return UNKNOWN_S if self.embed is None else self.embed.seconds

    @property
    def gpu_seconds(self) -> float | None:
        """What making the vectors surely takes on a GPU."""
        return _sure(self.on_gpu) if self.makes else 0.0

    @property
    def head_seconds(self) -> float:
        """What its heads take, those of unknown length left out."""
        return sum(head.seconds or 0.0 for head in self.heads)

    @property
    def unknown(self) -> int:
        """How many parts have an unknown length: vectors that have to be made, and heads."""
        return (self.embed_seconds is None) + sum(head.seconds is None for head in self.heads)


def grouped(states: Iterable[CellState], costs: Costs, device: str = "cpu") -> list[Group]:
    """Put cells that share vectors together, in the order given.

    Parameters
    ----------
    states
        What `urbanbench.run.planning.state.look` gave.
    costs
        What earlier rows told.
    device
        What this machine's cells run on.
    """
    listed = list(states)
    known: dict[tuple[object, ...], str] = {}
    for one in listed:
        if one.digest:
            known.setdefault(one.order.embedding_group, one.digest)
    found: dict[object, list[CellState]] = {}
    for one in listed:  # tasks of a city that was built only now share more than was known before
        found.setdefault(known.get(one.order.embedding_group, one.order.embedding_group), []).append(one)
    cities = {one.order.spec.city for one in listed if one.left}
    regions = {city: regions_of(city) for city in sorted(cities)}
    return [_group(members, costs, device, regions) for members in found.values()]


def _group(states: Sequence[CellState], costs: Costs, device: str, regions: Mapping[str, int]) -> Group:
    first = states[0].order
    n = regions.get(first.spec.city, 0)
    heads = tuple(Head(one.order, costs.head(one.order, device, one.units)) for one in states if one.left)
    gpu = None if first.model.card.floor else costs.embed(first, "cuda", n)
    return Group(tuple(states), costs.embed(first, device, n), gpu, heads, costs.sizes(first))


def told_by(store: ResultStore) -> list[ResultStore]:
    """Return the folders whose rows tell what cells take: that of the run, and the reference rows."""
    reference = reference_folder()
    return [store] if reference is None or reference == store.folder else [store, type(store)(reference)]


def costs_of(orders: Iterable[Order], *stores: ResultStore) -> Costs:
    """Learn from the rows of the models in question, in their cities first, in each of the folders."""
    costs, learn = Costs(), learner(stores, _LOOKED_AT)
    for model, city in sorted({(order.cell.model, order.cell.city) for order in orders}):
        learn(costs, model, city, True)
    return costs


def learner(stores: Sequence[ResultStore], most: int) -> Learn:
    """Return what takes in rows; at most so many of a model in a city from each folder, and as many of it anywhere."""
    seen: set[tuple[str, str]] = set()
    everywhere: set[str] = set()

    def learn(costs: Costs, model: str, city: str, anywhere: bool) -> None:
        for store in stores:
            _learn(costs, store.newest(model, most, city=city), seen)
            if anywhere and model not in everywhere:
                _learn(costs, store.newest(model, most), seen)
        everywhere.add(model)

    return learn


def _learn(costs: Costs, rows: Iterable[RunResult], seen: set[tuple[str, str]]) -> None:
    """Take in rows that were not taken in yet; the same row may lie in two folders."""
    for row in rows:
        made: Mapping[str, object] = row.provenance
        name = (row.run_id, str(made.get("started_utc")))
        if name not in seen:
            seen.add(name)
            costs.learn(row)


def _sure(estimate: Estimate | None) -> float | None:
    return estimate.seconds if estimate is not None and estimate.sure else None
