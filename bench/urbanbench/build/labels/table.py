"""Labels by id: rows of a CSV, Parquet or vector file that name their unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanbench.build.files import read_table
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.labels.places import label_frame
from urbanbench.errors import BadInput, quoted

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["from_table"]


def from_table(wish: Wish, places: Places, report: Report) -> pd.DataFrame:
    """Take the values of rows with a known id.

    Raises
    ------
    BadInput
        No such column, an id with two different rows, or no id that the city has.
    """
    part, path = f"labels/{wish.name}", wish.file
    table = read_table(path, f"label {wish.name!r}")
    report.add(part, "read", f"rows of {path.name}", count=len(table))
    id_column = pick_column(
        path.name, table.columns, wish.id, f'the column of ids of label {wish.name!r}, id = "COLUMN"'
    )
    ids = text_ids(table[id_column])
    frame = label_frame(ids, **_columns(wish, table, path.name))
    known = set(places.ids(wish.level))
    there = frame.index.isin(known)
    if not there.any():
        raise BadInput(_strangers(wish, path.name, id_column, ids, known))
    report.add(part, "dropped", f"ids that no {wish.level} has", ids=frame.index[~there])
    return _once(wish, path.name, frame[there], report)


def _columns(wish: Wish, table: pd.DataFrame, file: str) -> dict[str, Any]:
    def column(name: str, what: str) -> Any:
        found = pick_column(file, table.columns, name, f"{what} of label {wish.name!r}")
        return table[found].to_numpy(dtype=object)

    if wish.columns:
        values: dict[str, Any] = {
            name: as_numbers(column(name, "a column of shares")) for name in wish.columns
        }
    elif wish.kind == "classification":
        values = {
            "value": text_ids(table[pick_column(file, table.columns, wish.column, "the column of values")])
        }
    else:
        values = {"value": as_numbers(column(wish.column, 'the column of values, column = "COLUMN",'))}
    if wish.support:
        values["n"] = as_numbers(column(wish.support, "the column of counts"))
    if wish.group:
        values["group"] = text_ids(
            table[pick_column(file, table.columns, wish.group, "the column of groups")]
        )
    return values


def _once(wish: Wish, file: str, frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    alike = frame.reset_index().duplicated().to_numpy()
    report.add(f"labels/{wish.name}", "dropped", "the same row again", ids=frame.index[alike])
    frame = frame[~alike]
    twice = frame.index[frame.index.duplicated()].unique()
    if len(twice):
        msg = f"{file}: expected one row for each {wish.level} in label {wish.name!r}, found several with different values ({quoted(twice)}). Mend: keep one year, sex or age group, or add them up."
        raise BadInput(msg)
    return frame


def _strangers(wish: Wish, file: str, column: str, ids: list[str], known: set[str]) -> str:
    """Say that no id is known, and why, where that can be seen."""
    found, wanted = [one for one in ids if one][:3], sorted(known)[:3]
    width = {len(one) for one in known}
    padded = len(width) == 1 and any(one.zfill(min(width)) in known for one in ids if one)
    mend = (
        f"Mend: keep the leading zeros; the ids of {file} need {min(width)} digits"
        if padded
        else "Mend: choose another id column"
    )
    return f"{file}: expected ids of {wish.level}s such as {quoted(wanted)} in column {column!r} of label {wish.name!r}, found {quoted(found)}. {mend}."
