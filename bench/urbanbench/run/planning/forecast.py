"""Forecast: how long the cells that are left will take, from what such cells took before; what is not known is said to be unknown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from urbanbench.progress import span
from urbanbench.result import OK, RunResult
from urbanbench.run.order import Order
from urbanbench.run.planning.costs import Costs
from urbanbench.store import ResultStore

__all__ = ["Forecast", "Left"]

_LOOKED_AT = 24
"""Earlier results of a model that are read, the newest first."""

_Group = tuple[object, ...]
"""What cells that share vectors have in common."""
_Alike = dict[str, Order]
"""Cells of a group with one head and as many fits, by run id: they take the same."""


@dataclass(frozen=True)
class Left:
    """What is left of a run.

    Parameters
    ----------
    seconds
        Of all cells that such cells have run before.
    least
        Of cells that are training now and of which nothing else is known: what their present stage still takes.
    unknown, cells
        Cells of unknown length, those that are training among them, and all cells that are not done.
    """

    seconds: float
    least: float
    unknown: int
    cells: int

    def __str__(self) -> str:
        """Return it in words; "" where nothing is left."""
        if not self.cells:
            return ""
        known = self.unknown < self.cells
        if not known and not self.least:
            return (
                f"time left unknown: no such {'cell has' if self.unknown == 1 else 'cells have'} run here yet"
            )
        more = "1 cell" if self.unknown == 1 else f"{self.unknown} cells"
        told = span(self.seconds + self.least)
        start = f"at least {told} left" if self.least else f"about {told} left"
        return start + (f", and {more} of unknown length" if self.unknown else "")


class Forecast:
    """Seconds that are left, learned from the results of a folder and from those that come in.

    A cell takes what its vectors and its head take; vectors that cells share are counted once. Vectors whose trained parts were only read count
    for what making them had cost: the next cell may have to train them. A cell that runs takes what is left of that, and never less than its
    training says itself. What is known of a cell is what `Costs` knows, hints from other cities included.

    Parameters
    ----------
    orders
        All cells of the run.
    store
        The results folder; earlier results of the same models say what theirs took.
    jobs
        Processes that share the work.
    device
        "cpu" or "cuda"; rows of the other one say nothing.
    overwrite
        As in `urbanbench.run.run`: whether finished results are likely to be kept.
    clock
        Tells the seconds; for tests.
    """

    def __init__(
        self,
        orders: Iterable[Order],
        store: ResultStore,
        *,
        jobs: int = 1,
        device: str = "cpu",
        overwrite: str = "only-missing",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = {order.cell.run_id: order for order in orders}
        self._jobs, self._device, self._clock = jobs, device, clock
        self._began: dict[str, float] = {}
        self._embedded: set[_Group] = set()
        self._costs = Costs()
        for name in {order.cell.model for order in self._left.values()}:
            for result in store.newest(name, _LOOKED_AT):
                self._costs.learn(result)
        if overwrite != "always":
            self._skip_kept(store)
        self._groups: dict[_Group, dict[tuple[str, int], _Alike]] = {}
        for run_id, order in self._left.items():
            self._groups.setdefault(order.embedding_group, {}).setdefault(_head_of(order), {})[run_id] = order

    def _skip_kept(self, store: ResultStore) -> None:
        for run_id, order in list(self._left.items()):
            found = store.find(order.cell)
            if found is not None and found.status == OK:
                self._embedded.add(order.embedding_group)
                del self._left[run_id]

    def began(self, order: Order) -> None:
        """Take in that a cell runs now."""
        self._began.setdefault(order.cell.run_id, self._clock())

    def took(self, result: RunResult, new: bool) -> None:
        """Take in a result; `new` when it was computed now."""
        self._began.pop(result.run_id, None)
        order = self._left.pop(result.run_id, None)
        if order is not None:
            self._embedded.add(order.embedding_group)
            self._take_out(order)
        if new:
            self._costs.learn(result)

    def _take_out(self, order: Order) -> None:
        heads = self._groups[order.embedding_group]
        del heads[_head_of(order)][order.cell.run_id]
        if not heads[_head_of(order)]:
            del heads[_head_of(order)]
        if not heads:
            del self._groups[order.embedding_group]

    def running(self) -> dict[str, float]:
        """Return the run ids of cells that run now, with the seconds since they began."""
        now = self._clock()
        return {run_id: now - began for run_id, began in self._began.items()}

    def seconds_of(self, order: Order) -> float | None:
        """Return what a cell takes as far as earlier ones tell, None where they do not; vectors that are there count for nothing."""
        return self._seconds_of(order, makes=order.embedding_group not in self._embedded)

    def __str__(self) -> str:
        """Return what is left in words; "" where nothing is."""
        return str(self.left())

    def left(self, training_s: float | None = None) -> Left:
        """Return what is left.

        Parameters
        ----------
        training_s
            What the training that runs in this process says that its present stage still takes; None where none runs, or does not know yet.
        """
        running = self.running()
        parts = [self._of_group(group, heads, running, training_s) for group, heads in self._groups.items()]
        longest = max((part.seconds for part in parts), default=0.0)
        share = max(
            sum(part.seconds for part in parts) / self._jobs, longest if self._jobs > len(parts) else 0.0
        )
        least = max((part.least for part in parts), default=0.0)
        return Left(share, least, sum(part.unknown for part in parts), len(self._left))

    def _of_group(
        self,
        group: _Group,
        heads: Mapping[tuple[str, int], _Alike],
        running: Mapping[str, float],
        training_s: float | None,
    ) -> Left:
        """Return what cells that share vectors still take; those that take the same are counted at once, because a board has very many."""
        now = {one: cells[one] for cells in heads.values() for one in running if one in cells}
        makes = (
            {} if group in self._embedded else dict([next(iter((now or next(iter(heads.values()))).items()))])
        )
        alone = now | makes
        seconds, least, unknown, several = 0.0, 0.0, 0, 0
        for run_id, order in alone.items():
            told = training_s if run_id in running else None
            taken = self._seconds_of(order, makes=run_id in makes)
            if taken is None:
                unknown, least = unknown + 1, max(least, told or 0.0)
            elif run_id in running:
                seconds += max(taken - running[run_id], told or 0.0, 0.0)
            else:
                seconds += taken
        for cells in heads.values():
            count = len(cells) - sum(run_id in cells for run_id in alone)
            taken = self._seconds_of(next(iter(cells.values())), makes=False)
            several += len(cells)
            unknown += count if taken is None else 0
            seconds += (taken or 0.0) * count
        return Left(seconds, least, unknown, several)

    def _seconds_of(self, order: Order, *, makes: bool) -> float | None:
        head = self._costs.head(order, self._device)
        embed = self._costs.embed(order, self._device) if makes else None
        if head is None or (makes and embed is None):
            return None
        return head.seconds + (embed.seconds if embed is not None else 0.0)


def _head_of(order: Order) -> tuple[str, int]:
    return order.cell.reader, len(order.cell.seeds)
