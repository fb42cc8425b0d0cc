"""Compacted files with damage: what can be read of them, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from urbanbench.atomic import replacing
from urbanbench.errors import BadInput
from urbanbench.gathered.compact import RESULT, column_names, facts_of, place_of, result_in, rows_of

__all__ = ["unpack"]


def unpack(file: Path, folder: Path) -> list[tuple[str, str]]:
    """Write what a compacted file holds into a folder as far as it belongs there, and return (path, reason) of all that does not.

    For who looks for damage: `expand` refuses a file with the first fault.

    Raises
    ------
    DataMissing
        No such file.
    """
    faults: list[tuple[str, str]] = []
    rows = list(_whole_rows(file, faults))
    results = {row["path"]: row for row in rows if row["kind"] == RESULT}
    stems = {PurePosixPath(path).with_suffix("").as_posix() for path in results}
    places = {PurePosixPath(one).parent.as_posix() for one in stems}
    written: set[str] = set()
    for row in rows:
        try:
            to = place_of(row["kind"], row["path"], row["document"], stems, places)
            _check_once(to, written)
            if row["kind"] == RESULT:
                _check_columns(row)
        except BadInput as error:
            faults.append((row["path"], str(error)))
            continue
        with replacing(folder / to) as part:
            part.write_bytes(row["document"])
    return faults


def _whole_rows(file: Path, faults: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Read rows as far as they can be read."""
    try:
        yield from rows_of(file, column_names())
    except BadInput as error:
        faults.append((file.name, str(error)))


def _check_once(path: str, written: set[str]) -> None:
    if path in written:
        msg = f"Row {path!r} is there twice. Expected each file once."
        raise BadInput(msg)
    written.add(path)


def _check_columns(row: Mapping[str, Any]) -> None:
    """Refuse columns that say something else than the document beside them."""
    told = facts_of(result_in(row["path"], row["document"]))
    false = [name for name, value in told.items() if row[name] != value]
    if false:
        name = false[0]
        msg = f"Row {row['path']!r} has {row[name]!r} in column {name!r}, and its document {told[name]!r}. Expected the same."
        raise BadInput(msg)
