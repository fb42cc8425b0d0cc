"""Cheap cells, results compared row by row, and a grid that is this process."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from urbanbench.home import cache_in
from urbanbench.result import RunSpec
from urbanbench.run.executors import bundle, carrying, station
from urbanbench.run.executors.errand import Answer, Errand
from urbanbench.run.executors.errands import Errands
from urbanbench.run.executors.grid import Lost, Ticket
from urbanbench.run.executors.sameness import difference
from urbanbench.run.executors.shelf import Shelf
from urbanbench.run.executors.spread import Spread
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

WHERE = {"started_utc"}
OF_PLACE = {"embed_units", "weights"}


def specs_of(
    models: Sequence[object],
    city: object,
    tasks: Sequence[str] = ("popdensity", "landuse"),
    heads: Sequence[str] = ("ridge", "knn"),
    **more: object,
) -> list[RunSpec]:
    return [
        RunSpec(str(model), task, str(city), head=head, seeds=(0, 1), **more)
        for model in models
        for task in tasks
        for head in heads
    ]


def rows_in(folder: Path) -> dict[str, object]:
    """Every file of a results folder: rows without times and what was cached, all others byte by byte."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        name = path.relative_to(folder).as_posix()
        found[name] = _row(path) if path.suffix == ".json" else path.read_bytes()
    return found


def _row(path: Path) -> dict:
    row = json.loads(path.read_text())
    row.pop("content")
    row["cost"] = {name: told for name, told in row["cost"].items() if name in OF_PLACE}
    row["provenance"] = {name: told for name, told in row["provenance"].items() if name not in WHERE}
    return row


class HereGrid:
    """A grid of nodes that are folders of this process; what befalls an errand can be written into it.

    `fate` is asked for each errand before it is done: an exception to raise, a bundle to answer with, or None.
    """

    def __init__(self, root: Path, *, nodes: int = 1, most: int = 4, fate: Callable | None = None) -> None:
        self.root, self._most, self.nodes = root, most, nodes
        self.fate = fate or (lambda errand, embeds: None)
        self.handed: list[tuple[str, bool, bool]] = []
        self.fetched: list[tuple[int, str]] = []
        self.cancelled: list[Ticket] = []
        self._numbers, self._answers, self._vectors = count(), {}, {}

    def most(self, *, embeds: bool, beside: int) -> int:
        return self._most - beside

    def put(self, file: Path | bytes) -> bytes:
        return file if isinstance(file, bytes) else file.read_bytes()

    def submit(
        self, errand: Errand, archives: Sequence[bytes], vectors: bytes | None, *, embeds: bool
    ) -> Ticket:
        ticket = Ticket(next(self._numbers))
        self.handed.append((errand.spec["head"], embeds, vectors is not None))
        fate = self.fate(errand, embeds)
        if fate is not None:
            self._answers[ticket] = fate
            return ticket
        node = ticket.number % self.nodes
        with cache_in(self.root / f"node{node}"):
            self._answers[ticket], self._vectors[ticket] = self._done(node, errand, archives, vectors)
        return ticket

    def _done(self, node, errand, archives, vectors):
        errand = Errand.read(errand.write())
        told = difference(errand.code)
        if told:
            return bundle.bundled({station.ANSWER: Answer(differs=told).write().encode()}), b""
        shelf = Shelf()
        for shipment, archive in zip(errand.shipments, archives, strict=True):
            if shelf.receive(shipment, lambda archive=archive: [archive]):
                self.fetched.append((node, shipment.word))
        if vectors:
            carrying.put_down(vectors)
        asked = station._asked(errand, station._spec_here(errand, shelf), shelf)
        cache = carrying.NotingCache()
        with tempfile.TemporaryDirectory() as folder, _environment():
            store = ResultStore(Path(folder))
            said = station._served(asked, store, Workbench(errand.device, cache), cache)
            answer = Answer(new=said["new"], reason=said["reason"], vectors=said["vectors"])
            row = station._row(store, said["file"]) if said["file"] and said["new"] else {}
            if row:
                row[said["file"]] = station._as_asked(row[said["file"]], errand, shelf)
        piece = bundle.bundled({station.ANSWER: answer.write().encode(), **row})
        return piece, carrying.carried(answer.vectors) if answer.vectors else b""

    def wait(self, tickets, seconds):
        return sorted(tickets, key=lambda one: one.number)[:1]

    def answer(self, ticket: Ticket) -> bytes:
        found = self._answers[ticket]
        if isinstance(found, BaseException):
            raise found
        return found

    def vectors(self, ticket: Ticket) -> bytes:
        found = self._vectors.get(ticket, Lost("the node is gone"))
        if isinstance(found, BaseException):
            raise found
        return found

    def cancel(self, tickets) -> None:
        self.cancelled += tickets


@contextmanager
def _environment() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("URBANBENCH_DATA", "")
    try:
        yield
    finally:
        patch.undo()


class OnGrid:
    """An executor that spreads over a grid of the tests."""

    def __init__(self, grid: HereGrid, scratch: Path) -> None:
        self.grid, self.scratch = grid, scratch

    def run(self, work):
        self.scratch.mkdir(exist_ok=True)
        return Spread(work, self.grid, Errands(work, self.grid, self.scratch)).run()
