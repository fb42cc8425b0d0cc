"""Which columns of a table are vectors: numbers, but no index, id or row count; the rest is named with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput, quoted
from urbanbench.vectors.numbers import (
    counts_rows,
    holds_numbers,
    holds_text,
    is_number_text,
    is_yes_no,
    text_values,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnChoice", "choose_columns", "id_column", "told"]

_ID_NAMES = ("id", "region_id", "building_id", "poi_id", "view_id")
_INDEX = re.compile(
    r"__index_level_\d+__|unnamed: ?\d+|index|level_\d+|row|rowid|row_?(number|nr|no)", re.IGNORECASE
)
_ID = re.compile(r"(.*[_ .-])?(id|ids|uuid|geoid\d*|gid|fid|objectid|fips|key)|.*code|zip.*", re.IGNORECASE)
_OWN = re.compile(r"d\d+")


@dataclass(frozen=True)
class ColumnChoice:
    """What each column of a table is taken for.

    Parameters
    ----------
    ids
        The id column.
    vectors
        Columns of the vectors, in file order.
    covered
        Whether a column `covered` marks the rows with data.
    left_out
        Other columns and why.
    """

    ids: str
    vectors: tuple[str, ...]
    covered: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)


def id_column(names: Sequence[str], level: str) -> str | None:
    """Return the name of the id column among a table's columns, or None."""
    wanted = [f"{level}_id", *(("view_id",) if level == "street_view" else ()), *_ID_NAMES]
    return next((name for name in wanted if name in names), None)


def choose_columns(file: str, table: pa.Table, level: str, asked: Sequence[str] = ()) -> ColumnChoice:
    """Choose ids and vectors.

    Parameters
    ----------
    file
        The file's name, for messages.
    table
        The table.
    level
        Level of the units.
    asked
        Names or patterns of columns; nothing else becomes part of the vectors then.

    Raises
    ------
    BadInput
        No id column, no column of numbers, a name twice, numbers written as text, or a column asked for that is not there.
    """
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{file!r} has columns of one name ({quoted(twice)}). Expected every name once. Mend: rename them."
        raise BadInput(msg)
    index = _index_columns(table)
    key = id_column(names, level) or next((name for name in index if _may_be_ids(table, name)), None)
    if key is None:
        msg = f"{file!r} has columns {quoted(names, 6)}. Expected an id column ({level}_id or id) and number columns. Mend: rename the column of ids."
        raise BadInput(msg)
    if not asked and _is_own(table, key):
        return ColumnChoice(key, tuple(name for name in names if _OWN.fullmatch(name)), "covered" in names)
    covered = "covered" in names and is_yes_no(table["covered"])
    others = [name for name in names if name != key and not (covered and name == "covered")]
    chosen = _named(file, others, asked) if asked else None
    reasons = {name: _reason(table, name, key, index, chosen) for name in others}
    _check_text(
        file, table, [name for name, reason in reasons.items() if reason == _TEXT and not _ID.fullmatch(name)]
    )
    vectors = tuple(name for name, reason in reasons.items() if not reason)
    left = {name: reason for name, reason in reasons.items() if reason}
    if not vectors:
        msg = f"{file!r} has no column of numbers beside {key!r}: {told(left) or 'no other column'}. Expected the vectors, one column per number."
        raise BadInput(msg)
    return ColumnChoice(key, vectors, covered, left)


def told(left_out: Mapping[str, str]) -> str:
    """Write columns that are left out with their reasons, the first few of many.

    Examples
    --------
    >>> told({"name": "text", "fid": "counts rows"})
    "'name' (text), 'fid' (counts rows)"
    """
    shown = [f"{name!r} ({reason})" for name, reason in list(left_out.items())[:8]]
    return ", ".join(shown) + (f" and {len(left_out) - 8} more" if len(left_out) > 8 else "")


_TEXT = "text"


def _named(file: str, names: Sequence[str], asked: Iterable[str]) -> dict[str, bool]:
    """Return the columns asked for, and whether each was named whole, not by a pattern."""
    chosen: dict[str, bool] = {}
    for pattern in asked:
        fitting = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
        if not fitting:
            msg = f"{file!r} has no column {pattern!r}. Its columns: {quoted(names, 12)}. Expected names or patterns of these."
            raise BadInput(msg)
        for name in fitting:
            chosen[name] = chosen.get(name, False) or name == pattern
    return chosen


def _reason(
    table: pa.Table, name: str, key: str, index: Sequence[str], chosen: Mapping[str, bool] | None
) -> str:
    """Return why a column is no part of the vectors; "" when it is."""
    if chosen is not None and name not in chosen:
        return "not asked for"
    column = table[name]
    if holds_text(column):
        return "repeats the ids" if text_values(column) == text_values(table[key]) else _TEXT
    if not holds_numbers(column):
        return str(column.type)[:40] if column.null_count < len(column) else "empty"
    if chosen is not None and chosen[name]:
        return ""
    whole = not any(word in str(column.type) for word in ("float", "double", "list", "decimal", "bool"))
    if name in index or (whole and _INDEX.fullmatch(name)):
        return "row index"
    if _ID.fullmatch(name) and (whole or name.lower() == "id"):
        return "id"
    if text_values(column) == text_values(table[key]):
        return "repeats the ids"
    return "counts rows" if counts_rows(column) else ""


def _check_text(file: str, table: pa.Table, names: Sequence[str]) -> None:
    """Refuse numbers that are written as text: leaving them out would lose a part of the vectors."""
    numbers = [name for name in names if is_number_text(table[name])]
    if numbers:
        msg = (
            f"{file!r} holds numbers written as text in {quoted(numbers)}. Expected columns of numbers. "
            f"Mend: frame[{numbers[0]!r}] = frame[{numbers[0]!r}].astype('float32'), or leave the column out with --columns."
        )
        raise BadInput(msg)


def _may_be_ids(table: pa.Table, name: str) -> bool:
    return holds_text(table[name]) or not _INDEX.fullmatch(name)


def _index_columns(table: pa.Table) -> list[str]:
    """Return the columns that pandas says are its index."""
    try:
        told_by = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    except (ValueError, AttributeError):
        return []
    return [name for name in told_by if isinstance(name, str) and name in table.column_names]


def _is_own(table: pa.Table, key: str) -> bool:
    """Tell whether `EmbeddingSpace.save` wrote the table."""
    rest = [name for name in table.column_names if name not in {key, "covered"}]
    return b"level" in (table.schema.metadata or {}) and all(_OWN.fullmatch(name) for name in rest)
