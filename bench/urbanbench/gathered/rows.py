"""Rows of a results folder one by one: those that can be read, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from urbanbench.errors import DataMissing
from urbanbench.predictions import tested_by
from urbanbench.result import RunResult
from urbanbench.store import ResultStore, predictions_beside

__all__ = ["Row", "belongings", "lies_right", "rows_in"]


@dataclass(frozen=True)
class Row:
    """A result file.

    Parameters
    ----------
    file
        Its path below the results folder.
    result
        What it says; None where it cannot be used.
    fault
        Why not; "" where it can.
    """

    file: str
    result: RunResult | None = None
    fault: str = ""


def rows_in(folder: Path) -> Iterator[Row]:
    """Read the result files of a folder, in the order of their paths.

    A file that is damaged, or lies where another cell's result belongs, is a fault and no error: the others count.

    Raises
    ------
    DataMissing
        No such folder.
    """
    if not folder.is_dir():
        msg = f"No results folder {str(folder)!r}. Expected one that `urbanbench run` wrote. Mend: pass its path."
        raise DataMissing(msg)
    for path in sorted(folder.glob("*/*/*__*.json")):
        file = path.relative_to(folder).as_posix()
        try:
            result = ResultStore.read(path)
        except DataMissing as error:
            yield Row(file, fault=str(error))
            continue
        if not lies_right(path, folder, result.cell.file_name):
            yield Row(file, fault=f"lies where another row belongs; its own place is {result.cell.file_name}")
            continue
        yield Row(file, result)


def lies_right(path: Path, folder: Path, name: str) -> bool:
    """Tell whether a file lies where a name below a folder leads; where the system knows no large letters, by any spelling of it."""
    if path.relative_to(folder).as_posix() == name:
        return True
    try:
        return path.samefile(folder / name)
    except OSError:
        return False


def belongings(path: Path) -> list[Path]:
    """Return the files that a result file brings along: its predictions and the test units they name, where they are there."""
    predictions = predictions_beside(path)
    if not predictions.is_file():
        return []
    tested = tested_by(predictions)
    return [predictions] if tested is None else [tested, predictions]
