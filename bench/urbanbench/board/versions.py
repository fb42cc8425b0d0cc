"""Rows made by other versions than the newest row of their table: what differs, and the mark that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from urbanbench.board.rows import Row

__all__ = ["MODEL", "OLDER", "mixed_versions", "of_another_question", "older_parts", "older_words"]

OLDER = "\N{DOUBLE DAGGER}"
"""Marks a row of older versions than the newest of its table."""
MODEL = "model"
"""The part that no two models share; all others belong to the question that a table asks."""


def older_parts(row: Row, among: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """Return the parts in which a row is of an older version than the newest row of a table, as part to (its version, the newest).

    Versions of a model are compared among rows of that model, those of a head among rows of that head. A row that tells no versions has 0.

    Parameters
    ----------
    row
        The row.
    among
        The rows with scores of its table, itself among them or not.
    """
    newest: dict[str, int] = {}
    for one in among:
        for part, version in _comparable(one, row).items():
            newest[part] = max(version, newest.get(part, 0))
    own = _numbers(row)
    return {
        part: (own.get(part, 0), version) for part, version in newest.items() if own.get(part, 0) < version
    }


def older_words(row: Row, among: Iterable[Row]) -> list[str]:
    """Say what a row is behind in: ["head version 1, newest here 2"]."""
    return [
        f"{part} version {version or 'not told'}, newest here {newest}"
        for part, (version, newest) in older_parts(row, among).items()
    ]


def of_another_question(row: Row, among: Iterable[Row]) -> bool:
    """Tell whether a row answers an older question than the newest row of its table: by another version of anything but the model."""
    return any(part != MODEL for part in older_parts(row, among))


def mixed_versions(rows: Sequence[Row]) -> dict[str, tuple[int, ...]]:
    """Return what the rows of a table have several versions of, as words to sorted versions: {"head mlp": (1, 2)}."""
    found: dict[str, set[int]] = {}
    for row in rows:
        for part, pair in older_parts(row, rows).items():
            found.setdefault(_subject(part, row), set()).update(pair)
    return {subject: tuple(sorted(versions)) for subject, versions in sorted(found.items())}


def _subject(part: str, row: Row) -> str:
    names = {MODEL: row.name, "head": row.head}
    return f"{part} {names[part]}" if part in names else part


def _comparable(one: Row, row: Row) -> dict[str, int]:
    """Return the versions of one row that those of another may be held against."""
    same = {MODEL: one.name == row.name and one.own == row.own, "head": one.head == row.head}
    mine = _numbers(row)
    return {
        part: version
        for part, version in _numbers(one).items()
        if same.get(part, True) and (part in mine or not mine)
    }


def _numbers(row: Row) -> Mapping[str, int]:
    return {part: version for part, version in row.versions.items() if isinstance(version, int)}
