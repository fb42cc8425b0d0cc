"""Workbench: what one process keeps between runs, so that nothing is opened or computed twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from urbanbench.cache import EmbeddingCache, EmbeddingKey
from urbanbench.cost import measured
from urbanbench.errors import Conformance
from urbanbench.inputs import format_inputs
from urbanbench.registry import open_city
from urbanbench.space import EmbeddingSpace

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.run.order import Order
    from urbanbench.scoring.targets import Targets
    from urbanbench.units import Units

__all__ = ["Workbench"]


@dataclass
class Workbench:
    """The city that was opened last, its targets, and the embedding that was used last.

    Parameters
    ----------
    device
        "cpu" or "cuda".
    cache
        Where embeddings are kept on disk; None: nowhere.
    """

    device: str = "cpu"
    cache: EmbeddingCache | None = field(default_factory=EmbeddingCache)
    _city: tuple[str, City] | None = None
    _targets: dict[str, Targets] = field(default_factory=dict)
    _space: tuple[str, EmbeddingSpace, Mapping[str, Any]] | None = None

    def city(self, word: str) -> City:
        """Open a city; the one opened last is kept."""
        if self._city is None or self._city[0] != word:
            self._targets.clear()
            self._city = None
            self._city = (word, open_city(word))
        return self._city[1]

    def targets(self, order: Order) -> Targets:
        """Read the targets of the order's task in its city."""
        city = self.city(order.spec.city)
        if order.spec.task not in self._targets:
            self._targets[order.spec.task] = order.task.targets(city)
        return self._targets[order.spec.task]

    def embedding(
        self, order: Order, view: View, units: Units, key: EmbeddingKey
    ) -> tuple[EmbeddingSpace, Mapping[str, Any], bool]:
        """Return vectors, the facts of their making, and whether they came from memory or disk.

        Raises
        ------
        Conformance
            The model broke its contract: other units, order, level or type.
        """
        if self._space is not None and self._space[0] == key.digest:
            return self._space[1], self._space[2], True
        self._space = None
        if self.cache is None or order.given:
            made, cached = embed(order, view, units, self.device), False
        else:
            with self.cache.lock(key):
                found = self.cache.get(key)
                cached = found is not None
                made = found or embed(order, view, units, self.device)
                if not cached:
                    self.cache.put(key, *made)
        self._space = (key.digest, *made)
        return *made, cached


def embed(order: Order, view: View, units: Units, device: str) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
    """Let the model embed, check what it gives, and record what it cost and saw."""
    view.reset_touched()
    with measured() as cost:
        space = order.model.embed(view, units=units, seed=order.cell.model_seed, device=device)
    _check(space, units, order.cell.model)
    return space, asdict(cost) | {
        "inputs_touched": _listed(view.touched),
        "dim": space.dim,
        "units": len(space),
    }


def _listed(inputs: frozenset[str]) -> list[str]:
    return format_inputs(inputs).split(",") if inputs else []


def _check(space: object, units: Units, model: str) -> None:
    if not isinstance(space, EmbeddingSpace):
        msg = f"Model {model!r} returned a {type(space).__name__}. Expected an EmbeddingSpace."
        raise Conformance(msg)
    if space.level != units.level or space.ids.tolist() != list(units.ids):
        msg = (
            f"Model {model!r} returned {len(space)} {space.level}s, not the {len(units)} {units.level}s asked for in their order. "
            f"Expected one row per id of `units.ids`, with covered=False where there is no data."
        )
        raise Conformance(msg)
