"""Tables made from a publisher's: read as a stream, some rows, some columns, maybe added up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.fetch.recipe import Made, Number, Text
from urbanbench.build.ids import pick_column
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.errors import BadInput
from urbanbench.progress import note

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["make_table"]


def make_table(made: Made, source: Path, target: Path) -> None:
    """Write a made table as CSV.

    Parameters
    ----------
    made
        What is asked for.
    source, target
        The publisher's table, text with separators in UTF-8; the new one.

    Raises
    ------
    BadInput
        The table cannot be read, lacks a column, or no row is kept.
    """
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    parts, rows = [], 0
    try:
        with pa_csv.open_csv(source, **_how(made, source)) as stream:
            for batch in stream:
                rows += len(batch)
                parts.append(_part(made, batch))
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        msg = f"{source.name}: expected a table with {made.separator!r} between its columns, found a fault ({reason})."
        raise BadInput(msg) from error
    whole = _added_up(made, pa.concat_tables(parts)) if parts else None
    if whole is None or not len(whole):
        starts = ", ".join(f"{column} that begins with {text!r}" for column, text in made.starts.items())
        msg = f"{source.name}: expected rows{f' with {starts}' if starts else ''} for {made.file}, found none among {rows:,}."
        raise BadInput(msg)
    note(f"{made.file}: {len(whole):,} rows of the {rows:,} of {source.name}")
    pa_csv.write_csv(whole, target)


def _how(made: Made, source: Path) -> dict[str, Any]:
    """Return how the file is to be read: the columns that are needed, all as text."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    wanted = [*made.starts, *(text.column for text in made.texts.values())]
    for number in made.numbers.values():
        wanted += [*number.columns, *([number.over] if number.over else [])]
    known = _columns(made, source)
    names = list(dict.fromkeys(pick_column(source.name, known, one, f"a column {one!r}") for one in wanted))
    return {
        "parse_options": pa_csv.ParseOptions(delimiter=made.separator),
        "convert_options": pa_csv.ConvertOptions(
            include_columns=names,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
        ),
    }


def _columns(made: Made, source: Path) -> list[str]:
    import csv

    with source.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        return next(csv.reader(stream, delimiter=made.separator), [])


def _part(made: Made, batch: pa.RecordBatch) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.table(batch)
    for column, text in made.starts.items():
        table = table.filter(pc.starts_with(_column(table, column), text))
    columns = {name: _text(table, text) for name, text in made.texts.items()}
    columns |= {name: pa.array(_number(table, number)) for name, number in made.numbers.items()}
    return pa.table(columns)


def _column(table: pa.Table, name: str) -> Any:
    return table[pick_column("the table", table.column_names, name, f"a column {name!r}")]


def _text(table: pa.Table, text: Text) -> Any:
    import pyarrow.compute as pc

    column = pc.utf8_trim_whitespace(_column(table, text.column))
    if text.cut is not None:
        column = pc.utf8_slice_codeunits(column, text.cut[0], text.cut[1])
    return pc.utf8_upper(column) if text.upper else column


def _number(table: pa.Table, number: Number) -> np.ndarray:
    """Return a column of numbers, float64 (n,); NaN where nothing is known."""
    total = sum((_read(table, one, number) for one in number.columns), np.zeros(len(table)))
    if number.over:
        below = _read(table, number.over, number)
        total = np.divide(total, below, out=np.full(len(table), np.nan), where=below > 0)
    return total * number.times


def _read(table: pa.Table, name: str, number: Number) -> np.ndarray:
    """Read numbers; each different text once."""
    coded = _column(table, name).combine_chunks().dictionary_encode()
    words: Mapping[str, str] = {**dict.fromkeys(number.nil, "0"), **dict.fromkeys(number.unknown, "")}
    texts = [str(one).strip() for one in coded.dictionary.to_pylist()]
    values = as_numbers([words.get(one, one) for one in texts])
    return values[coded.indices.to_numpy(zero_copy_only=False)] if len(values) else np.zeros(0)


def _added_up(made: Made, table: pa.Table) -> pa.Table:
    if not made.add_up:
        return table
    keys = list(made.texts)
    summed = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in made.numbers])
    named = summed.rename_columns([*keys, *made.numbers])
    return named.sort_by([(key, "ascending") for key in keys])
