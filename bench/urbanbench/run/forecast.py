"""Forecast: how long the cells that are left will take, from what such cells took before; what is not known is said to be unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from urbanbench.progress import span
from urbanbench.result import OK, RunResult
from urbanbench.run.order import Order
from urbanbench.store import ResultStore

__all__ = ["Forecast"]

_LOOKED_AT = 12
"""Earlier results of a model that are read, the newest first."""
_FLOOR_S = 1.0
"""What a floor's vectors take where none has been seen yet; they learn nothing."""


class Forecast:
    """Seconds that are left, learned from the results of a folder and from those that come in.

    A cell takes what its vectors and its head take; vectors that cells share are counted once.

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
    """

    def __init__(
        self, orders: Iterable[Order], store: ResultStore, *, jobs: int = 1, overwrite: str = "only-missing"
    ) -> None:
        self._left = {order.cell.run_id: order for order in orders}
        self._jobs = jobs
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

    def took(self, result: RunResult, new: bool) -> None:
        """Take in a result; `new` when it was computed now."""
        order = self._left.pop(result.run_id, None)
        if order is not None:
            self._embedded.add(order.embedding_group)
        if new:
            self._learn(result)

    def __str__(self) -> str:
        """Return what is left in words; "" where nothing is."""
        seconds, unknown = self._sum()
        if not self._left:
            return ""
        cells = "1 cell" if unknown == 1 else f"{unknown} cells"
        if unknown == len(self._left):
            return f"time left unknown: no such {'cell has' if unknown == 1 else 'cells have'} run here yet"
        return f"about {span(seconds / self._jobs)} left" + (
            f", and {cells} of unknown length" if unknown else ""
        )

    def _sum(self) -> tuple[float, int]:
        """Return the known seconds, and the number of cells that are not known."""
        seconds, unknown, counted = 0.0, 0, set(self._embedded)
        for order in self._left.values():
            shared = order.embedding_group in counted
            embed = 0.0 if shared else self._embed_seconds(order)
            head = _of(self._heads, _head_keys(order.cell.city, order.cell.reader))
            counted.add(order.embedding_group)
            if embed is None or head is None:
                unknown += 1
            else:
                seconds += embed + head
        return seconds, unknown

    def _embed_seconds(self, order: Order) -> float | None:
        cell = order.cell
        found = _of(self._embeds, _embed_keys(cell.city, cell.model, cell.preset, cell.parameters))
        if found is None and order.model.card.floor:
            return _of(self._embeds, [("floor",)]) or _FLOOR_S
        return found

    def _learn(self, result: RunResult) -> None:
        if result.status != OK:
            return
        cell, cost = result.cell, result.cost
        keys = _embed_keys(cell.city, cell.model, cell.preset, cell.parameters)
        for key in [*keys, *([("floor",)] if result.model.get("floor") else [])]:
            self._embeds.setdefault(key, []).append(float(cost.get("embed_seconds", 0.0)))
        for key in _head_keys(cell.city, cell.reader):
            self._heads.setdefault(key, []).append(float(cost.get("head_seconds", 0.0)))


def _embed_keys(city: str, model: str, preset: str, parameters: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return what vectors are known by, the closest first: the same in this city, in another, with other parameters here."""
    exact = repr(sorted(parameters.items()))
    return [(city, model, preset, exact), (model, preset, exact), (city, model)]


def _head_keys(city: str, head: str) -> list[tuple[str, ...]]:
    return [(city, head), (head,)]


def _of(known: Mapping[tuple[str, ...], list[float]], keys: Iterable[tuple[str, ...]]) -> float | None:
    return next((median(known[key]) for key in keys if key in known), None)
