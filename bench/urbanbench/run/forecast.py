"""Forecast: how long the cells that are left will take, from what such cells took before; what is not known is said to be unknown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from urbanbench.progress import span
from urbanbench.result import OK, RunResult
from urbanbench.run.order import Order
from urbanbench.store import ResultStore

__all__ = ["Forecast", "Left"]

_LOOKED_AT = 24
"""Earlier results of a model that are read, the newest first."""
_FLOOR_S = 1.0
"""What a floor's vectors take where none has been seen yet; they learn nothing."""


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
    training says itself. Cells of another preset or other units say nothing of a cell.

    Parameters
    ----------
    orders
        All cells of the run.
    store
        The results folder; earlier results of the same models say what theirs took.
    jobs
        Processes that share the work.
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
        overwrite: str = "only-missing",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = {order.cell.run_id: order for order in orders}
        self._jobs, self._clock = jobs, clock
        self._began: dict[str, float] = {}
        self._embedded: set[tuple[object, ...]] = set()
        self._embeds: dict[tuple[str, ...], list[float]] = {}
        self._heads: dict[tuple[str, ...], list[float]] = {}
        for name in {order.cell.model for order in self._left.values()}:
            for result in store.newest(name, _LOOKED_AT):
                self._learn(result)
        if overwrite != "always":
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
        if new:
            self._learn(result)

    def running(self) -> dict[str, float]:
        """Return the run ids of cells that run now, with the seconds since they began."""
        now = self._clock()
        return {run_id: now - began for run_id, began in self._began.items()}

    def seconds_of(self, order: Order) -> float | None:
        """Return what a cell takes as far as earlier ones tell, None where they do not; vectors that are there count for nothing."""
        return self._seconds_of(order, self._embedded)

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
        running, counted = self.running(), set(self._embedded)
        least, unknown, longest = 0.0, 0, 0.0
        groups: dict[tuple[object, ...], float] = {}
        for run_id, order in self._left.items():
            seconds = self._seconds_of(order, counted)
            counted.add(order.embedding_group)
            own = training_s if run_id in running else None
            if seconds is None:
                unknown += 1
                least = max(least, own or 0.0)
                continue
            if run_id in running:
                seconds = max(seconds - running[run_id], own or 0.0, 0.0)
            groups[order.embedding_group] = groups.get(order.embedding_group, 0.0) + seconds
            longest = max(longest, groups[order.embedding_group])
        share = max(sum(groups.values()) / self._jobs, longest if self._jobs > len(groups) else 0.0)
        return Left(share, least, unknown, len(self._left))

    def _seconds_of(self, order: Order, there: set[tuple[object, ...]]) -> float | None:
        embed = 0.0 if order.embedding_group in there else self._embed_seconds(order)
        head = _of(self._heads, _head_keys(order.cell.city, order.task.card.level, order.cell.reader))
        return None if embed is None or head is None else embed + head

    def _embed_seconds(self, order: Order) -> float | None:
        cell = order.cell
        keys = _embed_keys(cell.city, order.task.card.level, cell.model, cell.preset, cell.parameters)
        found = _of(self._embeds, keys)
        if found is None and order.model.card.floor:
            return _of(self._embeds, [("floor",)]) or _FLOOR_S
        return found

    def _learn(self, result: RunResult) -> None:
        if result.status != OK:
            return
        cell, level = result.cell, str(result.task.get("level") or "")
        keys = _embed_keys(cell.city, level, cell.model, cell.preset, cell.parameters)
        for key in [*keys, *([("floor",)] if result.model.get("floor") else [])]:
            self._embeds.setdefault(key, []).append(_made_in(result))
        for key in _head_keys(cell.city, level, cell.reader):
            self._heads.setdefault(key, []).append(float(result.cost.get("head_seconds", 0.0)))


def _made_in(result: RunResult) -> float:
    """Return what the vectors of a result take where nothing of them is kept: with the parts that were read, and all stages of training."""
    read = sum(float(one.get("seconds") or 0.0) for one in _listed(result.cost.get("embed_read")))
    stages = sum(float(one.get("seconds") or 0.0) for one in _listed(result.training))
    return max(float(result.cost.get("embed_seconds", 0.0)) + read, stages)


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _embed_keys(
    city: str, level: str, model: str, preset: str, parameters: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """Return what vectors are known by, the closest first: the same in this city, in another, with other parameters here."""
    exact = repr(sorted(parameters.items()))
    return [(city, level, model, preset, exact), (level, model, preset, exact), (city, level, model, preset)]


def _head_keys(city: str, level: str, head: str) -> list[tuple[str, ...]]:
    return [(city, level, head), (level, head)]


def _of(known: Mapping[tuple[str, ...], list[float]], keys: Iterable[tuple[str, ...]]) -> float | None:
    return next((median(known[key]) for key in keys if key in known), None)
