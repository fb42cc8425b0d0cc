"""Finding an experiment's cells among the results of a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from urbanbench.board.rows import Row, read_rows
from urbanbench.board.trainings import TRAININGS, joined
from urbanbench.errors import UrbanbenchError
from urbanbench.result import BEST_FLOOR, OK, Cell, RunResult, RunSpec

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
    _kin: dict[str, list[RunResult]] = field(init=False, repr=False)
    _joined: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        """Sort by cell, by cell but for the seeds, and by cell but for the training."""
        self._exact = {one.run_id: one for one in self.results}
        self._alike, self._kin = {}, {}
        for one in self.results:
            self._alike.setdefault(_but(one.cell, seeds=[]), []).append(one)
            self._kin.setdefault(_but(one.cell, model_seed=0), []).append(one)

    def find(self, spec: RunSpec) -> RunResult | None:
        """Return a spec's result; else the finished one with most seeds that differs in nothing but seeds; else None.

        A spec that this version cannot run has none.
        """
        if absence(spec):
            return None
        cell = cell_of(spec)
        if cell.run_id in self._exact:
            return self._exact[cell.run_id]
        near = [one for one in self._alike.get(_but(cell, seeds=[]), ()) if one.status == OK]
        return max(near, key=lambda one: (len(one.cell.seeds), one.run_id), default=None)

    def trainings(self, spec: RunSpec, seeds: Sequence[int] = ()) -> list[RunResult]:
        """Return the finished results of all trainings of a spec, by their seeds; what `find` gives, as a list, where none has finished.

        Parameters
        ----------
        spec
            The cell; its own training need not be among them.
        seeds
            The trainings wanted; all where empty.
        """
        if absence(spec):
            return []
        found = self.find(spec)
        kin = self._kin.get(_but(found.cell if found is not None else cell_of(spec), model_seed=0), ())
        wanted = [one for one in kin if one.status == OK and (not seeds or one.cell.model_seed in seeds)]
        return sorted(wanted, key=lambda one: one.cell.model_seed) or ([found] if found is not None else [])

    def row(self, trainings: Sequence[RunResult]) -> Row:
        """Return trainings as one row, with what the model adds to a floor; those that do not fit the first are left out."""
        beside = [self._exact.get(replace(one.cell, beside=BEST_FLOOR).run_id) for one in trainings]
        every = [*trainings, *(one for one in beside if one is not None)]
        rows = joined(read_rows([one.to_dict() for one in every]))
        row = next(one for one in rows if trainings[0].run_id in one.run_id.split())
        self._joined = self._joined or bool(row.trainings)
        return row

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the rows taken so far."""
        return (TRAININGS,) if self._joined else ()

    def floors(
        self, city: str, task: str, split: str, seeds: Iterable[int], *, train_city: str = ""
    ) -> list[RunResult]:
        """Return finished floors of a table, of every head; `city`, `task` and `train_city` are names as results keep them.

        Blocks have the size that is chosen from the label, as experiments ask for no other.
        """
        where = (city, task, split, None, tuple(seeds), train_city)
        return [
            one
            for one in self.results
            if one.status == OK
            and one.model.get("floor")
            and not one.cell.probe
            and _where(one.cell) == where
        ]


def _where(cell: Cell) -> tuple[Any, ...]:
    return (cell.city, cell.task, cell.split, cell.block_size_m, cell.seeds, cell.train_city)


def _but(cell: Cell, **same: Any) -> str:
    """Return what identifies a cell with some of its fields made the same for all."""
    return json.dumps(cell.to_dict() | same, sort_keys=True, default=str)
