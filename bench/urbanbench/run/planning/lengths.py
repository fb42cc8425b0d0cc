"""Lengths: what cells are thought to take before they begin, and the order in which executors hand them out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from urbanbench.errors import UrbanbenchError
from urbanbench.registry import folder_there
from urbanbench.result import OK

if TYPE_CHECKING:
    from urbanbench.cache import EmbeddingCache
    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.run.planning.costs import Costs, Estimate
    from urbanbench.store import ResultStore

__all__ = ["SHORT_S", "UNKNOWN_S", "Learn", "Lengths", "rank", "regions_of"]

SHORT_S = 10.0
"""What takes less is handed out as it stands: its order moves the end by no more, and opening another city may take longer."""

UNKNOWN_S = math.inf
"""Vectors of which no row tells: perhaps the longest of all, so they begin first."""

Learn: TypeAlias = "Callable[[Costs, str, str, bool], None]"
"""Takes in what earlier rows of a model in a city took, and where that is asked for in other cities too."""


def rank(way_s: float) -> float:
    """Return what jobs are sorted by while they wait, the lowest first: the longest way to the end, short ones as they stand."""
    return -way_s if way_s >= SHORT_S else 0.0


def regions_of(city: str) -> int:
    """Return how many regions a city has, without opening or building it; 0 where that cannot be told."""
    import pyarrow.parquet as pq

    try:
        folder = folder_there(city)
        return 0 if folder is None else int(pq.read_metadata(folder / "regions.parquet").num_rows)
    except (OSError, ValueError, UrbanbenchError):  # what is wrong with it, the cell's row will say
        return 0


class Lengths:
    """What the cells of a run are thought to take, hints from other cities and settings included: they decide an order, and never a result.

    A model's rows are read when its first length is asked for.

    Parameters
    ----------
    learn
        Takes in what earlier rows took; None where nothing is known and cells stay as they stand.
    device
        "cpu" or "cuda".
    store
        Where finished cells lie, which take nothing; None for a run that does all of them again.
    """

    def __init__(
        self,
        learn: Learn | None = None,
        device: str = "cpu",
        store: ResultStore | None = None,
    ) -> None:
        self._learn, self.device, self._store = learn, device, store
        self._learned: set[tuple[str, str]] = set()
        self._regions: dict[str, int] = {}
        self._rows: dict[str, RunResult | None] = {}

    @property
    def known(self) -> bool:
        """Whether there is anything to sort by."""
        return self._learn is not None

    @cached_property
    def _costs(self) -> Costs:
        from urbanbench.run.planning.costs import Costs

        return Costs()

    def _costs_for(self, order: Order) -> Costs:
        pair = order.cell.model, order.cell.city
        if self._learn is not None and pair not in self._learned:
            self._learned.add(pair)
            self._learn(self._costs, *pair, not order.model.card.floor)
        return self._costs

    @cached_property
    def _cache(self) -> EmbeddingCache:
        from urbanbench.cache import EmbeddingCache

        return EmbeddingCache()

    def regions(self, city: str) -> int:
        """Return how many regions a city has; 0 where that cannot be told."""
        if city not in self._regions:
            self._regions[city] = regions_of(city)
        return self._regions[city]

    def done(self, order: Order) -> bool:
        """Tell whether a finished row of a cell lies there, which most likely holds."""
        row = self._row(order)
        return row is not None and row.status == OK

    def made(self, orders: Iterable[Order]) -> bool:
        """Tell whether the vectors that cells share are most likely kept: a row of theirs names some that are."""
        rows = (self._row(order) for order in orders)
        digests = {str(row.provenance.get("embedding_digest") or "") for row in rows if row is not None}
        return any(self._cache.holds(one) for one in digests if one)

    def vectors(self, order: Order) -> Estimate | None:
        """Return what a cell's vectors take where they are made anew; None where nothing is known."""
        return self._costs_for(order).embed(order, self.device, self.regions(order.spec.city))

    def least_here(self, order: Order) -> float | None:
        """Return the least that the same vectors took on a machine like this one; None where no row tells."""
        return self._costs_for(order).least_here(order, self.device)

    def embed_s(self, orders: Sequence[Order]) -> float:
        """Return what the vectors that some cells share take, 0 where they are there or nothing needs them."""
        if not self.known or all(self.done(order) for order in orders) or self.made(orders):
            return 0.0
        found = self.vectors(orders[0])
        return UNKNOWN_S if found is None else found.seconds

    def head_s(self, order: Order) -> float:
        """Return what a cell's head takes, 0 where it is finished or nothing is known."""
        if not self.known or self.done(order):
            return 0.0
        units = self.regions(order.spec.city) if order.task.card.level == "region" else 0
        found = self._costs_for(order).head(order, self.device, units)
        return 0.0 if found is None else found.seconds

    def way_s(self, orders: Sequence[Order]) -> float:
        """Return the seconds from the beginning of vectors to the end of the longest head that waits for them."""
        return self.embed_s(orders) + max(map(self.head_s, orders), default=0.0)

    def portion_s(self, orders: Sequence[Order]) -> float:
        """Return what cells that share vectors take, one after the other."""
        return self.embed_s(orders) + sum(map(self.head_s, orders))

    def longest_first(self, portions: Iterable[Sequence[Order]]) -> list[Sequence[Order]]:
        """Sort portions, each of cells that share vectors and are done one after the other."""
        listed = list(portions)
        return sorted(listed, key=lambda one: rank(self.portion_s(one))) if self.known else listed

    def _row(self, order: Order) -> RunResult | None:
        if self._store is None:
            return None
        if order.cell.run_id not in self._rows:
            self._rows[order.cell.run_id] = self._store.find(order.cell)
        return self._rows[order.cell.run_id]
