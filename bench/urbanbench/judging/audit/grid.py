"""A file of rows and columns as cells of text: delimiter, decimal sign, and which way round it stands."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from urbanbench.errors import BadInput, DataMissing
from urbanbench.judging.audit.words import read_metric, role_of

__all__ = ["Grid", "read_grid"]

_COMMA_NUMBER = re.compile(r"^-?\d*,\d+$")


@dataclass(frozen=True)
class Grid:
    """Cells of a file.

    Parameters
    ----------
    heads
        First row.
    rows
        The others, each as long as the heads.
    wheres
        Where each row stands: "row 2", or the column of a table that stood on its side.
    comma
        Whether a comma is the decimal sign.
    turned
        Whether the table stood on its side: metrics in rows, models in columns.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wheres: tuple[str, ...]
    comma: bool = False
    turned: bool = False


def read_grid(path: Path) -> Grid:
    """Read a file of separated values: commas, semicolons, tabs or Markdown's bars.

    Raises
    ------
    DataMissing
        No such file.
    BadInput
        Not text in UTF-8, or without a head and a row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"No table {str(path)!r}. Expected a CSV file or a results folder. Check the path."
        raise DataMissing(msg) from error
    except UnicodeDecodeError as error:
        msg = f"Table {str(path)!r} is no text in UTF-8 ({error.reason} at byte {error.start}). Expected a CSV file. Save it as UTF-8."
        raise BadInput(msg) from error
    numbered = [(k, row) for k, row in enumerate(_cells(text), 1) if any(cell.strip() for cell in row)]
    if len(numbered) < 2:
        msg = f"Table {str(path)!r} has {len(numbered)} rows. Expected a row of column names and rows of numbers below it."
        raise BadInput(msg)
    return _grid(numbered)


def _grid(numbered: list[tuple[int, list[str]]]) -> Grid:
    width = max(len(row) for _, row in numbered)
    cells = [tuple(cell.strip() for cell in [*row, *[""] * (width - len(row))]) for _, row in numbered]
    flat = [cell for row in cells[1:] for cell in row]
    decimal = sum(1 for cell in flat if _COMMA_NUMBER.match(cell))
    comma = decimal > sum(1 for cell in flat if re.match(r"^-?\d*\.\d+$", cell))
    if _on_its_side(cells):
        turned = list(zip(*cells, strict=True))
        wheres = tuple(f"column {k}" for k in range(2, len(turned) + 1))
        return Grid(turned[0], tuple(turned[1:]), wheres, comma, turned=True)
    return Grid(cells[0], tuple(cells[1:]), tuple(f"row {k}" for k, _ in numbered[1:]), comma)


def _cells(text: str) -> list[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith("|"):
        bars = [line.strip().strip("|").split("|") for line in text.splitlines()]
        return [[] if re.fullmatch(r"[\s:|-]*", "".join(row)) else row for row in bars]
    delimiter = max(",;\t", key=first.count)
    return list(csv.reader(text.splitlines(), delimiter=delimiter))


def _on_its_side(cells: list[tuple[str, ...]]) -> bool:
    """Tell whether the first column names metrics and the heads do not."""
    heads, first = cells[0], [row[0] for row in cells[1:]]
    if any(read_metric(head) or role_of(head) == "mean" for head in heads):
        return False
    return sum(read_metric(cell) is not None for cell in first) * 2 > len(first)
