"""ResultStore: one JSON file a run in a folder, safe for several processes at once."""

from __future__ import annotations

import glob
import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import check_folder, remove_leftovers, swept, write_text
from urbanbench.errors import BadInput, CannotWrite, DataMissing
from urbanbench.hashing import short, value_digest
from urbanbench.locks import forget_locks, locked
from urbanbench.predictions import read_predictions, write_predictions
from urbanbench.result import Cell, RunResult, safe_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ResultStore", "document_of", "is_changed", "predictions_beside", "without_nan"]

_CONTENT = "content"
"""Where a row keeps the hash of all else it says."""


class ResultStore:
    """Results in a folder: ``<city>/<task>/<model>__<inputs>__<split>__<head>__<id>.json``, predictions in ``predictions/`` beside them.

    Every file is written whole or not at all; a lock per cell keeps two processes from computing the same one.

    Parameters
    ----------
    folder
        Made at the first `save`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def check_writable(self) -> None:
        """Make sure that results can be written; raises `CannotWrite` where they cannot."""
        check_folder(self.folder, "name another folder with --out")

    def sweep(self) -> int:
        """Remove what killed processes left, and locks that nobody holds; return how many temporary files there were."""
        forget_locks(self.folder / ".lock")
        tasks = [one for one in self.folder.glob("*/*") if one.is_dir()]
        return swept(
            self.folder, *(place for task in tasks for place in (task, task / "predictions", task / "tested"))
        )

    def path_of(self, cell: Cell) -> Path:
        """Return where a cell's result is kept."""
        return self.folder / cell.file_name

    def predictions_of(self, cell: Cell) -> Path:
        """Return where a cell's predictions are kept."""
        return predictions_beside(self.path_of(cell))

    def has(self, cell: Cell) -> bool:
        """Tell whether there is a readable result, of any status."""
        return self.find(cell) is not None

    def find(self, cell: Cell) -> RunResult | None:
        """Return the cell's result; None where there is none or its file cannot be read."""
        try:
            return _read(self.path_of(cell))
        except DataMissing:
            return None

    def save_row(self, result: RunResult) -> Path:
        """Write a result whose predictions lie there already, and return the path of the JSON file."""
        path = self.path_of(result.cell)
        remove_leftovers(path)
        write_text(path, _text(result))
        return path

    def save(self, result: RunResult) -> Path:
        """Write a result, its predictions first, and return the path of the JSON file."""
        path, predictions = self.path_of(result.cell), self.predictions_of(result.cell)
        try:
            remove_leftovers(path)
            if result.predictions is not None:
                write_predictions(result.predictions, predictions, result.run_id)
            else:
                predictions.unlink(missing_ok=True)
        except CannotWrite:
            raise
        except OSError as error:
            raise CannotWrite(path, error) from error
        write_text(path, _text(result))
        return path

    def newest(self, model: str, count: int, *, city: str = "") -> list[RunResult]:
        """Return the newest readable results of a model in a city, or in any, at most `count`."""
        where = glob.escape(safe_name(city)) if city else "*"
        paths = self.folder.glob(f"{where}/*/{glob.escape(safe_name(model))}*__*.json")
        found = []
        for path in sorted(paths, key=lambda one: -one.stat().st_mtime)[: 2 * count]:
            try:
                result = _read(path)
            except DataMissing:
                continue
            found += [result] if result.cell.model == model else []
        return found[:count]

    def load_all(self) -> list[RunResult]:
        """Return all results, sorted by path.

        Raises
        ------
        DataMissing
            No such folder, or a result file that cannot be read.
        """
        if not self.folder.is_dir():
            msg = f"No results folder {str(self.folder)!r}. Expected one that `urbanbench run` wrote. Run something first, or pass its path."
            raise DataMissing(msg)
        paths = sorted(self.folder.glob("*/*/*__*.json"))
        return [found for path in paths if (found := _read_present(path)) is not None]

    @staticmethod
    def read(path: Path) -> RunResult:
        """Read one result file.

        Raises
        ------
        DataMissing
            No such file, or one that cannot be read.
        """
        return _read(path)

    @staticmethod
    def read_predictions(path: Path, cell: Cell) -> pd.DataFrame:
        """Read the predictions that lie beside a result file: seed, unit_id, covered, true, predicted.

        Raises
        ------
        DataMissing
            They are not there, or cannot be read; the message has the command that makes them.
        """
        predictions = predictions_beside(path)
        folder = shlex.quote(str(path.parents[2]))
        mend = f"Mend: urbanbench results verify {folder} --recompute all --row {short(cell.run_id)} --keep-predictions"
        if not predictions.is_file():
            msg = f"No predictions {str(predictions)!r} beside the result. Expected those of its run, as every run keeps them. {mend}"
            raise DataMissing(msg)
        try:
            return read_predictions(predictions, cell.run_id)
        except (BadInput, OSError) as error:
            msg = f"The predictions {str(predictions)!r} cannot be used: {error} {mend}"
            raise DataMissing(msg) from error

    @contextmanager
    def lock(self, cell: Cell, *, wait: bool = True) -> Iterator[bool]:
        """Hold the cell's lock during the block; a killed process frees its locks. Where none can be made, the block is done without.

        Yields
        ------
        bool
            False where the lock is another's and `wait` is False; the block then does not hold it.
        """
        with locked(self.folder / ".lock" / f"{cell.run_id}.lock", wait=wait, needed=False) as held:
            yield held


_LIST = re.compile(r"\[\n[^\[\]{}]*\]")
"""A list of plain values over several lines; a line break cannot stand inside a JSON string."""


def _on_one_line(match: re.Match[str]) -> str:
    return "[" + " ".join(match[0][1:-1].split()) + "]" if '"' not in match[0] else match[0]


def document_of(result: RunResult) -> dict[str, Any]:
    """Return what a result file says: the result without NaN, and the hash of all that."""
    document: dict[str, Any] = without_nan(result.to_dict())
    return document | {_CONTENT: value_digest(document)}


def _text(result: RunResult) -> str:
    text = json.dumps(document_of(result), indent=1, ensure_ascii=False, allow_nan=False)
    return _LIST.sub(_on_one_line, text) + "\n"


def is_changed(document: Mapping[str, Any]) -> bool:
    """Tell whether the JSON of a result file is not what was written; rows of earlier versions do not say what was."""
    kept = dict(document)
    return kept.pop(_CONTENT, None) not in {None, value_digest(kept)}


def predictions_beside(path: Path) -> Path:
    """Return where the predictions of a result file lie."""
    return path.parent / "predictions" / f"{path.stem}.parquet"


def _read(path: Path) -> RunResult:
    try:
        return replace(RunResult.from_dict(json.loads(path.read_text(encoding="utf-8"))), file=path)
    except FileNotFoundError as error:
        msg = f"No result file {str(path)!r}. Expected one that `urbanbench run` wrote."
        raise DataMissing(msg) from error
    except IsADirectoryError as error:
        msg = f"{str(path)!r} is a folder. Expected the file of one result: <results folder>/<city>/<task>/<model>__….json"
        raise DataMissing(msg) from error
    except OSError as error:
        msg = f"The result file {str(path)!r} cannot be read ({error}). Expected one that this user may read."
        raise DataMissing(msg) from error
    except ValueError as error:
        raise DataMissing(_unusable(path, error)) from error


def _unusable(path: Path, error: ValueError) -> str:
    """Say what to do with a file that holds no result: nobody removes what has another name than results have."""
    if path.match("*__*.json"):
        return f"The result file {str(path)!r} cannot be read ({error}). Expected JSON of schema 1. Remove it and run again."
    return f"{str(path)!r} is no result ({error}). Expected a JSON file that `urbanbench run` wrote: <results folder>/<city>/<task>/<model>__….json"


def _read_present(path: Path) -> RunResult | None:
    """Read a file that was there a moment ago; None where another process has taken it away since."""
    try:
        return _read(path)
    except DataMissing:
        if path.exists():
            raise
        return None


def without_nan(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not know, by null."""
    if isinstance(value, dict):
        return {str(name): without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
