"""Finding an experiment's cells among the results of a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from urbanbench.errors import UrbanbenchError
from urbanbench.result import OK, Cell, RunResult, RunSpec

__all__ = ["Shelf", "absence", "cell_of"]


def cell_of(spec: RunSpec) -> Cell:
    """Return what identifies a spec's result; raises as `urbanbench.run.resolve` does."""
    from urbanbench.run.order import resolve

    return resolve(spec).cell


def absence(spec: RunSpec) -> str:
    """Return why this version cannot run a spec (no such model, preset or parameter); "" when it can."""
    try:
        cell_of(spec)
    except UrbanbenchError as error:
        return str(error)
    return ""


@dataclass
class Shelf:
    """Results by what they answer.

    Parameters
    ----------
    results
        Any results, each once.
    """

    results: Sequence[RunResult]
    _exact: dict[str, RunResult] = field(init=False, repr=False)
    _alike: dict[str, list[RunResult]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort by cell, and by cell but for the seeds."""
        self._exact = {one.run_id: one for one in self.results}
        self._alike = {}
        for one in self.results:
            self._alike.setdefault(_but_seeds(one.cell), []).append(one)

    def find(self, spec: RunSpec) -> RunResult | None:
        """Return a spec's result; else the finished one with most seeds that differs in nothing but seeds; else None.

        A spec that this version cannot run has none.
        """
        if absence(spec):
            return None
        cell = cell_of(spec)
        if cell.run_id in self._exact:
            return self._exact[cell.run_id]
        near = [one for one in self._alike.get(_but_seeds(cell), ()) if one.status == OK]
        return max(near, key=lambda one: (len(one.cell.seeds), one.run_id), default=None)

    def floors(self, city: str, task: str, split: str, seeds: Iterable[int]) -> list[RunResult]:
        """Return finished floors of a table, of every head; `city` and `task` are names as results keep them.

        Blocks have the size that is chosen from the label, as experiments ask for no other.
        """
        where = (city, task, split, None, tuple(seeds))
        return [
            one
            for one in self.results
            if one.status == OK and one.model.get("floor") and _where(one.cell) == where
        ]


def _where(cell: Cell) -> tuple[Any, ...]:
    return (cell.city, cell.task, cell.split, cell.block_size_m, cell.seeds)


def _but_seeds(cell: Cell) -> str:
    return json.dumps(cell.to_dict() | {"seeds": []}, sort_keys=True, default=str)
