"""Merging: rows of several results folders in one, for a grid that was computed on several machines."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from urbanbench.atomic import check_folder, replacing
from urbanbench.errors import UnknownName
from urbanbench.gathered.rows import Row, belongings, rows_in
from urbanbench.result import OK, RunResult
from urbanbench.store import ResultStore, predictions_beside

__all__ = ["KEEP", "WORDS", "Merged", "merge", "told_counts"]

KEEP = ("newest", "first")
"""Which of two finished results of one cell stays: the one that was computed later, or the one that was there first."""

WORDS: Mapping[str, str] = {
    "copied": "new rows",
    "same": "rows that were there already, to the bit",
    "replaced": "rows that gave way to a newer or finished one",
    "kept": "rows left out because a newer, finished or earlier one was there",
    "faulty": "files that are no usable result",
}
"""What can become of a row."""

_CLOCKS_APART = timedelta(days=1)
"""How far clocks of two machines may differ before one of them is wrong."""


@dataclass(frozen=True)
class Merged:
    """What became of a row.

    Parameters
    ----------
    source
        The folder it lay in.
    file
        Its path below that.
    became
        A word of `WORDS`.
    why
        A reason for a row that was replaced, kept out or is faulty.
    """

    source: Path
    file: str
    became: str
    why: str = ""


def merge(sources: Sequence[Path], target: Path, keep: str = "newest") -> list[Merged]:
    """Copy the rows of some results folders, with their predictions, into one.

    Two folders may hold the same cell: one with scores beats one that was refused or failed, and of two with scores `keep` decides. Sources
    stay as they are; every file is written whole or not at all, under the cell's lock, so several programs may write into the target. A
    merge that was killed is done by the same call once more.

    Parameters
    ----------
    sources
        Results folders.
    target
        Another one; made when it is not there.
    keep
        A word of `KEEP`.

    Returns
    -------
    list[Merged]
        One for each file, in the order of sources and paths.

    Raises
    ------
    UnknownName
        No such word.
    DataMissing
        No such source.
    CannotWrite
        The target cannot be written.
    """
    if keep not in KEEP:
        raise UnknownName("rule for equal cells", keep, KEEP)
    found = [(source, row) for source in sources for row in rows_in(source)]
    check_folder(target, "name another folder with --out")
    store = ResultStore(target)
    return [_taken(source, row, store, keep) for source, row in found]


def told_counts(merged: Sequence[Merged]) -> dict[str, int]:
    """Count what became of rows, in the order of `WORDS`."""
    counts = Counter(one.became for one in merged)
    return {word: counts[word] for word in WORDS if counts[word]}


def _taken(source: Path, row: Row, store: ResultStore, keep: str) -> Merged:
    if row.result is None:
        return Merged(source, row.file, "faulty", row.fault)
    path = source / row.file
    with store.lock(row.result.cell):
        there = store.find(row.result.cell)
        became, why = "copied", ""
        if there is not None:
            if path.read_bytes() == store.path_of(row.result.cell).read_bytes():
                _bring(path, store.path_of(row.result.cell), missing=True)
                return Merged(source, row.file, "same")
            became, why = _judged(there, row.result, keep)
        if became != "kept":
            _bring(path, store.path_of(row.result.cell))
        return Merged(source, row.file, became, why)


def _judged(there: RunResult, new: RunResult, keep: str) -> tuple[str, str]:
    """Return whether a row is replaced or kept out, and why."""
    if (there.status == OK) != (new.status == OK):
        winner = "replaced" if new.status == OK else "kept"
        return winner, f"{there.status} and {new.status}"
    before, after = (_day_of(one) for one in (there, new))
    agree = "the same scores" if there.scores == new.scores else "other scores"
    wins = keep == "newest" and after > before
    return (
        "replaced" if wins else "kept",
        f"{agree}, of {before or 'an unknown day'} and {after or 'an unknown day'}",
    )


def _day_of(result: RunResult) -> str:
    """Return when a result was computed; "" where it does not say, or names a day to come, as a machine with a wrong clock does."""
    date, latest = str(result.provenance.get("started_utc", "")), datetime.now(UTC) + _CLOCKS_APART
    return "" if date > latest.isoformat() else date


def _bring(path: Path, to: Path, *, missing: bool = False) -> None:
    """Copy a result with what belongs to it, the result last: where it is, all of it is; with `missing` only what is not there."""
    brought = belongings(path)
    if not brought and not missing:
        predictions_beside(to).unlink(missing_ok=True)
    for one in [*brought, path]:
        place = to.parent / one.relative_to(path.parent)
        if missing and place.is_file():
            continue
        with replacing(place, size=one.stat().st_size) as part:
            shutil.copyfile(one, part)
