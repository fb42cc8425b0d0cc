"""State: which cells are finished, refused or to be done, and which vectors are there, without embedding anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.errors import InputMasked, LayerMissing, RunRefused, UrbanbenchError
from urbanbench.registry import Face
from urbanbench.result import OK
from urbanbench.run.resting import rests_on_today
from urbanbench.run.standing import stale_parts, versions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.run.workbench import Workbench
    from urbanbench.store import ResultStore

__all__ = [
    "CACHED",
    "HEAD_ONLY",
    "MISSING",
    "NOT_KNOWN",
    "STALE",
    "STARTED",
    "TO_MAKE",
    "WILL_REFUSE",
    "CellState",
    "look",
]

MISSING, STALE, WILL_REFUSE = "missing", "old", "refused"
"""Words for a cell beside the status of its row: no row, one that no longer holds, one that would be refused today."""
CACHED, STARTED, TO_MAKE, NOT_KNOWN, HEAD_ONLY = "cached", "begun", "to make", "not known", "none"
"""Words for vectors: in the cache; checkpoints of a training that was stopped; to be made; of a plugin that is kept apart, or that cannot be told."""


@dataclass(frozen=True, eq=False)
class CellState:
    """What is known of a cell before it runs.

    Parameters
    ----------
    order
        The cell.
    word
        "ok" where its row holds, another status of a row that will be computed again, or a word of this file.
    reason
        Why it is old or refused.
    vectors
        A word of this file.
    units
        How many units its task labels; 0 where that is not known.
    left
        Whether the cell is computed when the command runs.
    digest
        Of the key of its vectors; "" where that is not known.
    """

    order: Order
    word: str
    reason: str = ""
    vectors: str = NOT_KNOWN
    units: int = 0
    left: bool = True
    digest: str = ""


@dataclass(frozen=True)
class _Ground:
    """What cells that differ in head and seeds alone share."""

    hashes: Mapping[str, str]
    variant: Mapping[str, str] | None
    refused: str = ""
    units: int = 0


def look(
    orders: Iterable[Order], store: ResultStore, bench: Workbench, overwrite: str = "only-missing"
) -> list[CellState]:
    """Return the state of cells in the order given; cities are opened, and nothing is written.

    Parameters
    ----------
    orders
        Distinct cells, those of one city together.
    store, bench
        The results folder, and opened cities with the cache.
    overwrite
        As in `urbanbench.run.run`.
    """
    grounds: dict[tuple[object, ...], _Ground] = {}
    found = []
    for order in orders:
        key = (
            order.embedding_group,
            order.spec.task,
            order.cell.split,
            order.cell.beside,
            order.cell.probe,
            order.cell.head,
        )
        if key not in grounds:
            grounds[key] = _ground(order, bench)
        found.append(_state(order, grounds[key], store.find(order.cell), bench, overwrite))
    return found


def _ground(order: Order, bench: Workbench) -> _Ground:
    try:
        order.check_loaded()
        hashes, variant = rests_on_today(order, bench)
        known = not isinstance(order.task, Face)  # a task that is kept apart reads its targets there
        return _Ground(hashes, variant, units=len(bench.targets(order).ids) if known else 0)
    except (RunRefused, LayerMissing, InputMasked) as error:
        return _Ground({}, None, refused=str(error))
    except UrbanbenchError as error:
        return _Ground({}, None, refused=f"would fail: {error}")


def _state(
    order: Order, ground: _Ground, row: RunResult | None, bench: Workbench, overwrite: str
) -> CellState:
    vectors, digest = _vectors(ground, bench), ground.hashes.get("embedding_digest", "")
    if ground.refused:
        return CellState(order, WILL_REFUSE, ground.refused, vectors=HEAD_ONLY, left=False)
    if row is None:
        return CellState(order, MISSING, "", vectors, ground.units, digest=digest)
    changed = (
        stale_parts(row, versions_of(order), ground.hashes, ground.variant or row.model.get("variant", {}))
        if row.status == OK
        else []
    )
    kept = row.status == OK and overwrite != "always" and (not changed or overwrite == "never")
    word = STALE if changed else row.status
    return CellState(
        order, word, "; ".join(changed) or row.reason, vectors, ground.units, left=not kept, digest=digest
    )


def _vectors(ground: _Ground, bench: Workbench) -> str:
    digest = ground.hashes.get("embedding_digest")
    if digest is None or bench.cache is None:
        return NOT_KNOWN
    if bench.cache.holds(digest):
        return CACHED
    return STARTED if (bench.cache.folder.parent / "training" / digest).is_dir() else TO_MAKE
