"""Results that belong to one file, and lie beside it: the model beside a floor, and its other trainings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from glob import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from urbanbench.board.added import Added
    from urbanbench.board.rows import Row
    from urbanbench.result import RunResult

__all__ = ["Kin", "kin_of"]


@dataclass(frozen=True)
class Kin:
    """What lies beside a result.

    Parameters
    ----------
    beside
        The result of the model beside a floor: the file itself, or the one of the same cell; None without one.
    added
        What that one says.
    joined
        All trainings of the model as one row; None where there is one only.
    unread
        Names of files that may belong to these and cannot be read.
    """

    beside: RunResult | None
    added: Added | None
    joined: Row | None
    unread: tuple[str, ...]


def kin_of(file: Path, result: RunResult) -> Kin:
    """Find what belongs to a result that was read from a file, in the file's folder.

    Raises
    ------
    BadInput
        One of them is damaged.
    """
    from urbanbench.board.added import made_alike, question_of, read_added
    from urbanbench.board.rows import read_rows
    from urbanbench.board.trainings import joined

    found, unread = [result], []
    for path in _namesakes(file, result):
        one = _read(path)
        if one is None:
            unread.append(path.name)
        else:
            found.append(one)
    asked = question_of(result.cell.to_dict())
    both = [
        one
        for one in found
        if one.cell.beside
        and question_of(one.cell.to_dict()) == asked
        and made_alike(result.versions, result.provenance, one.versions, one.provenance)
    ]
    rows = joined(read_rows(one.to_dict() for one in found))
    mine = [row for row in rows if any(question_of(one.spec) == asked for one in row.trainings)]
    beside = both[0] if both else None
    added = None if beside is None else read_added(beside.to_dict())
    return Kin(beside, added, mine[0] if mine else None, tuple(unread))


def _namesakes(file: Path, result: RunResult) -> Iterator[Path]:
    """Yield the other files whose names differ in the number of the run, or in what stands beside the model."""
    from urbanbench.result import BEST_FLOOR

    for beside in ("", BEST_FLOOR):
        name = replace(result.cell, beside=beside).file_name.rpartition("/")[2]
        start = name.rpartition("__")[0]
        yield from (one for one in sorted(file.parent.glob(f"{escape(start)}__*.json")) if one != file)


def _read(path: Path) -> RunResult | None:
    from urbanbench.errors import DataMissing
    from urbanbench.store import ResultStore

    try:
        return ResultStore.read(path)
    except DataMissing:
        return None
