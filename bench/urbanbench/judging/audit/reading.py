"""A CSV table, long or wide, as lines: columns by words, duplicates kept, shares on one scale."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from urbanbench.judging.audit.columns import Columns, columns_of
from urbanbench.judging.audit.grid import Grid, read_grid
from urbanbench.judging.audit.printed import read_cell, read_number, unmarked
from urbanbench.judging.audit.table import Fact, Line, Measure, Table, check_floors, named
from urbanbench.judging.audit.words import family, meaning, plain, read_metric

__all__ = ["read_table"]

_NOBODY = {"", "-", "–", "—", "n/a", "none", "dataset"}  # noqa: RUF001 - dashes of tables
_FLOOR_WORDS = ("floor", "trivial", "true", "yes", "1")
_PERCENT = {"%", "percent", "per cent", "pct", "points"}
Key = tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """One number with all that is said of it."""

    key: Key
    metric: str
    measure: Measure
    row: int
    percent: bool


def read_table(path: Path, said: Mapping[str, Sequence[str]], floors: Sequence[str] = ()) -> Table:
    """Read a table.

    Parameters
    ----------
    path
        A file of separated values, or a Markdown table.
    said
        Roles that the user gives to columns (`urbanbench.judging.audit.columns.parse_map`).
    floors
        Models that learn nothing.

    Raises
    ------
    DataMissing, BadInput
        No such file, no text, or no column of numbers that is known.
    UnknownName
        A floor that is no model of the table.
    """
    grid = read_grid(path)
    columns = columns_of(grid, said)
    numbers = list(_numbers(grid, columns))
    for k in _separating(grid, columns, numbers):
        columns.roles.setdefault("setting", []).append(k)
        columns.unknown.remove(k)
        numbers = list(_numbers(grid, columns))
    scaled = list(_on_one_scale(numbers))
    facts = tuple(
        Fact(one.key[2], one.key[3], one.metric, one.measure.mean, one.measure.where)
        for one in scaled
        if plain(one.key[0]) in _NOBODY or one.key[0] in _NOBODY
    )
    theirs = [one for one in scaled if not (plain(one.key[0]) in _NOBODY or one.key[0] in _NOBODY)]
    read = columns.told(grid.heads)
    told = (
        (("(whole table)", "stood on its side: metrics in rows, models in columns"), *read)
        if grid.turned
        else read
    )
    marks = any(one.measure.bold or one.measure.underlined for one in theirs)
    trivial = [unmarked(one) for one in floors]
    check_floors(trivial, (one.key[0] for one in theirs))
    return Table(path.name, named(_lines(grid, columns, theirs, trivial)), facts, told, marks)


def _numbers(grid: Grid, columns: Columns) -> Iterator[_Read]:
    for at, row in enumerate(grid.rows):
        yield from _long(grid, columns, at, row) if columns.long else _wide(grid, columns, at, row)


def _key(columns: Columns, cells: Sequence[str], rest: str = "") -> Key:
    """Return (model, setting, task, city, test set) of a row, without the marks that set them off."""
    row = [unmarked(cell) for cell in cells]
    task, city = columns.first("task", row), columns.first("city", row)
    joined = {
        role: " · ".join(filter(None, (row[k] for k in columns.roles.get(role, ()))))
        for role in ("setting", "test")
    }
    if rest and columns.rest == "city":
        city = rest
    elif rest and columns.rest == "task":
        task = rest
    return columns.first("model", row), joined["setting"], task, city, joined["test"]


def _long(grid: Grid, columns: Columns, at: int, row: Sequence[str]) -> Iterator[_Read]:
    cell = read_cell(columns.first("mean", row), comma=grid.comma)
    if cell is None:
        return
    said = columns.first("metric", row)
    known = read_metric(said)
    name = known.name if known and not known.rest else said
    sd = read_number(columns.first("sd", row), comma=grid.comma) or cell.sd
    unit = columns.first("unit", row) or (known.unit if known else "")
    rank = read_number(columns.first("rank", row))
    values = _repeats(columns.first("values", row))
    measure = Measure(
        cell.number,
        sd,
        values,
        cell.bold,
        cell.underlined,
        int(rank.value) if rank else None,
        unit,
        grid.wheres[at],
    )
    yield _Read(_key(columns, row), name, measure, at, cell.percent)


def _repeats(text: str) -> tuple[float, ...]:
    """Return numbers parted by blanks, NaN where a repeat has none, so that two metrics stay side by side."""
    numbers = [read_number(part) for part in text.split()]
    return tuple(one.value if one else math.nan for one in numbers) if any(numbers) else ()


def _wide(grid: Grid, columns: Columns, at: int, row: Sequence[str]) -> Iterator[_Read]:
    cells = {k: read_cell(row[k], comma=grid.comma) for k in columns.metrics}
    for k, one in columns.metrics.items():
        cell = cells[k]
        if cell is None or one.sd or one.rank:
            continue
        same = [j for j, other in columns.metrics.items() if (other.name, other.rest) == (one.name, one.rest)]
        sd = next((found.number for j in same if columns.metrics[j].sd and (found := cells[j])), cell.sd)
        rank = next(
            (int(found.number.value) for j in same if columns.metrics[j].rank and (found := cells[j])), None
        )
        name = f"{one.name}[{one.rest}]" if one.rest and columns.rest == "class" else one.name
        measure = Measure(
            cell.number,
            sd,
            (),
            cell.bold,
            cell.underlined,
            rank,
            one.unit or columns.first("unit", row),
            f"{grid.wheres[at]}, {grid.heads[k]}",
        )
        yield _Read(_key(columns, row, one.rest), name, measure, at, cell.percent)


def _separating(grid: Grid, columns: Columns, numbers: Sequence[_Read]) -> list[int]:
    """Return columns without a known word that tell apart lines which would else be the same cell of the table."""
    chosen: list[int] = []
    for k in columns.unknown:
        words = [grid.rows[one.row][k] for one in numbers]
        before = [tuple(grid.rows[one.row][j] for j in chosen) for one in numbers]
        old = Counter((one.key, one.metric, *b) for one, b in zip(numbers, before, strict=True))
        if max(old.values(), default=1) < 2:
            break
        new = Counter(
            (one.key, one.metric, *b, word) for one, b, word in zip(numbers, before, words, strict=True)
        )
        if len(new) > len(old):
            chosen.append(k)
    return chosen


def _on_one_scale(numbers: Sequence[_Read]) -> Iterator[_Read]:
    """Bring percent to the scale where 1 is all; a metric is in percent where its unit says so or most of its numbers do."""
    groups: dict[tuple[str, str], list[_Read]] = {}
    for one in numbers:
        groups.setdefault((family(one.metric), one.key[2]), []).append(one)
    percent = {
        group for group, members in groups.items() if meaning(group[0]).high == 1.0 and _in_percent(members)
    }
    for one in numbers:
        own = one.measure
        if (family(one.metric), one.key[2]) in percent:
            own = replace(
                own,
                mean=own.mean.scaled(0.01),
                sd=own.sd.scaled(0.01) if own.sd else None,
                values=tuple(v / 100 for v in own.values),
            )
        yield replace(one, measure=own)


def _in_percent(members: Sequence[_Read]) -> bool:
    """Tell whether numbers are percent; a unit that says so may be the label's own, so that one of them has to be above 1."""
    values = [one.measure.mean.value for one in members]
    said = any(one.measure.unit.casefold() in _PERCENT for one in members)
    return (
        any(one.percent for one in members) or (said and max(values) > 1) or statistics.median(values) > 1.5
    )


def _lines(grid: Grid, columns: Columns, numbers: Sequence[_Read], floors: Sequence[str]) -> Iterator[Line]:
    """Join numbers of one key to a line; a metric that is there already begins the line once more."""
    found: dict[tuple[Key, int], list[_Read]] = {}
    for one in numbers:
        turn = 0
        while any(other.metric == one.metric for other in found.get((one.key, turn), ())):
            turn += 1
        found.setdefault((one.key, turn), []).append(one)
    for (key, _), members in found.items():
        row = grid.rows[members[0].row]
        model, setting, task, city, test = key
        yield Line(
            model=model or f"({grid.wheres[members[0].row]})", setting=setting, task=task, city=city, test=test,
            measures={one.metric: one.measure for one in members},
            floor=model in floors or columns.first("floor", row).casefold().startswith(_FLOOR_WORDS),
            repeats=_count(columns.first("repeats", row)), units=_count(columns.first("units", row)),
            data={grid.heads[k]: row[k] for k in (*columns.roles.get("data", ()), *columns.roles.get("units", ())) if row[k]},
            splits=columns.first("splits", row), vectors=columns.first("vectors", row), kind=columns.first("task_kind", row), rank=None if columns.long else _count(columns.first("rank", row)),
        )  # fmt: skip


def _count(text: str) -> int | None:
    number = read_number(text)
    return (
        int(number.value)
        if number and number.value >= 1
        else len(text.split())
        if len(text.split()) > 1
        else None
    )
