"""What comes back from a node, as this machine keeps it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from urbanbench.city.packing.names import name_fault
from urbanbench.errors import DataCorrupt
from urbanbench.predictions import read_predictions
from urbanbench.result import RunResult
from urbanbench.run.executors.bundle import unbundled
from urbanbench.run.executors.errand import Answer
from urbanbench.run.executors.station import ANSWER
from urbanbench.run.order import Order
from urbanbench.run.sources import SOURCES, record
from urbanbench.run.walk import mark_of
from urbanbench.store import ResultStore, predictions_beside

__all__ = ["row_of", "said_in"]


def said_in(piece: bytes) -> tuple[Answer, dict[str, bytes]]:
    """Return what a bundle says became of an errand, and the files beside.

    Raises
    ------
    DataCorrupt
        It is no such bundle.
    """
    files = unbundled(piece)
    if ANSWER not in files:
        msg = f"A node's answer holds no {ANSWER}. Expected what a node of the same urbanbench sends. Run the same command again."
        raise DataCorrupt(msg)
    return Answer.read(files.pop(ANSWER)), files


def row_of(files: Mapping[str, bytes], order: Order, store: ResultStore) -> RunResult:
    """Return a row that came from a node, with its predictions, and with what only this machine knows: paths, and marks of checks.

    Raises
    ------
    DataCorrupt
        It is the row of another cell, or a file's name leads elsewhere.
    """
    name = order.cell.file_name
    text = files.get(name)
    result = RunResult.from_dict(json.loads(text)) if text is not None else None
    if result is None or result.run_id != order.cell.run_id:
        msg = f"A node answered for another cell than {order.cell}. Expected {name!r}. Run the same command again."
        raise DataCorrupt(msg)
    with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
        for one, content in files.items():
            _write(Path(folder), one, content)
        predictions = predictions_beside(Path(folder) / name)
        if predictions.is_file():
            table = read_predictions(predictions, result.run_id)
            result = replace(result, predictions={str(one): table[one].to_numpy() for one in table})
    return _as_here(result, order, store)


def _write(folder: Path, name: str, content: bytes) -> None:
    fault = name_fault(name)
    if fault:
        msg = f"A node's answer holds {name[:100]!r}, {fault}. Expected the files of a row alone."
        raise DataCorrupt(msg)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _as_here(result: RunResult, order: Order, store: ResultStore) -> RunResult:
    sources, mark = record(order, store.folder), mark_of(order)
    origin = {one: told for one, told in result.provenance.items() if one != SOURCES}
    model = {one: mark.get(one, told) for one, told in result.model.items()}
    return replace(result, provenance=origin | ({SOURCES: sources} if sources else {}), model=model)
