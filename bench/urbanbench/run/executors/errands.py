"""Errands written: what a node has to know of a cell, and what of it only this machine has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from urbanbench.cache import EmbeddingCache
from urbanbench.result import RunResult
from urbanbench.run.embedding_here import key_here
from urbanbench.run.executors.carrying import files_of, lacking
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errand import Errand, spec_told
from urbanbench.run.executors.grid import Grid, Ticket
from urbanbench.run.executors.processes import THREAD_VARIABLES
from urbanbench.run.executors.sameness import this_code
from urbanbench.run.executors.shipping import Shipping
from urbanbench.run.order import Order
from urbanbench.run.standing import foreign_code
from urbanbench.run.workbench import Workbench

__all__ = ["Errands", "threads_of"]


def threads_of(cores: int) -> dict[str, str]:
    """Return the variables that give numeric libraries of a job its cores; those the user has set stay."""
    return {name: os.environ.get(name, str(cores)) for name in THREAD_VARIABLES}


class Errands:
    """Errands for the cells of one work.

    Parameters
    ----------
    work
        What is to be done.
    grid
        Where errands are handed in.
    folder
        For archives of what has to be shipped.
    cores
        Of a job.
    """

    def __init__(self, work: Work, grid: Grid, folder: Path, *, cores: int = 1) -> None:
        self._work, self._grid, self._cores = work, grid, cores
        self._shipping = Shipping(folder)
        self._bench = Workbench(work.device)
        self._archives: dict[str, Any] = {}

    def hand_in(
        self, order: Order, kept: RunResult | None, names: Sequence[str], vectors: Any, *, embeds: bool
    ) -> Ticket:
        """Hand in a cell, with its vectors where they are made, and return its ticket.

        Raises
        ------
        CityFaults, BadInput, CannotWrite
            What only this machine has cannot be packed.
        """
        work, shipments = self._work, self._shipping.of(order)
        errand = Errand(
            spec=spec_told(order.spec),
            run_id=order.cell.run_id,
            foreign=foreign_code(order),
            code=this_code(),
            overwrite=work.overwrite,
            device=work.device,
            limits=(work.limits.seconds, work.limits.memory_mb),
            kept="" if kept is None else work.store.path_of(order.cell).read_text(encoding="utf-8"),
            guests=order.guests,
            threads=threads_of(self._cores),
            shipments=shipments,
            vectors=list(names),
        )
        archives = [self._put(one.sha256) for one in shipments]
        return self._grid.submit(errand, archives, vectors, embeds=embeds)

    def _put(self, sha256: str) -> Any:
        if sha256 not in self._archives:
            self._archives[sha256] = self._grid.put(self._shipping.archives[sha256])
        return self._archives[sha256]

    def vectors_here(self, orders: Iterable[Order]) -> list[str]:
        """Name the files in the cache of this machine that hold the vectors of cells that share them; [] where there are none.

        What a kept row rests on is a hint, and a wrong one costs a transfer: a node takes the vectors of today's key only.
        """
        listed, cache = list(orders), EmbeddingCache()
        if self._work.overwrite == "always" or not any(cache.folder.glob("*.json")):
            return []
        for order in listed:
            found = self._work.store.find(order.cell)
            digest = found.provenance.get("embedding_digest", "") if found is not None else ""
            names = [f"embeddings/{digest}.safetensors", f"embeddings/{digest}.json"]
            if digest and not lacking(names):
                return names
        return self._of_today(listed[0])

    def _of_today(self, order: Order) -> list[str]:
        """Name the files of today's key; a plugin that is kept apart is not asked for it."""
        if order.foreign:
            return []
        try:
            key = key_here(order.spec, self._bench)
        except Exception:  # noqa: BLE001 - why there is none, the cell's row will say
            return []
        learned = [f"learned/{key.parts['learned']}.safetensors"] if "learned" in key.parts else []
        return [] if lacking(files_of(key)) else [*files_of(key), *(set(learned) - set(lacking(learned)))]
