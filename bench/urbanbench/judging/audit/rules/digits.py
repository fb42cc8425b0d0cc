"""Digits: decimals that differ inside a column, or between a mean and its spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from urbanbench.judging.audit.finding import NOTE, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Measure, Table
from urbanbench.judging.audit.words import family, meaning

__all__ = ["RULES"]

Numbered = tuple[Line, str, Measure]
"""A number with its line and metric."""

_RAW = 6
"""From so many decimals on a number was not rounded for print."""
_SHOWN = 4


def _columns(table: Table) -> Iterator[Finding]:
    """Find numbers with other decimals than most of their column; one statement for the whole table."""
    odd = [cell for cells in _printed_columns(table) for cell in _odd(cells)]
    total = sum(one.mean.decimals is not None for line in table.lines for one in line.measures.values())
    if odd:
        told = f"{len(odd)} of {total} numbers have other decimals than most of their column, a zero left out or another rounding: {_listed(odd)}"
        yield Finding("digits", NOTE, "table", told, tuple(one.where for _, _, one in odd))


def _printed_columns(table: Table) -> Iterator[list[Numbered]]:
    groups: dict[tuple[str, str, str], list[Numbered]] = {}
    for line in table.lines:
        for name, one in line.measures.items():
            if one.mean.decimals is not None:
                groups.setdefault((line.task, line.test, family(name)), []).append((line, name, one))
    yield from groups.values()


def _odd(cells: Sequence[Numbered]) -> list[Numbered]:
    usual = _usual(cells)
    if usual is None or usual >= _RAW or _same_precision(cells):
        return []
    return [cell for cell in cells if cell[2].mean.decimals != usual]


def _usual(cells: Sequence[Numbered]) -> int | None:
    return Counter(one.mean.decimals for _, _, one in cells).most_common(1)[0][0]


def _same_precision(cells: Sequence[Numbered]) -> bool:
    """Tell whether all cells, or the spreads of all, have the same number of significant digits, so that decimals follow the size."""
    digits = {one.mean.digits for _, _, one in cells}
    spreads = {one.sd.digits if one.sd and one.sd.decimals == one.mean.decimals else 0 for _, _, one in cells}
    return (len(digits) == 1 and digits != {1}) or (len(spreads) == 1 and not spreads & {0, 1})


def _listed(cells: Sequence[Numbered]) -> str:
    names = [
        f"{line.name}{f' in {line.city}' if line.city else ''} {meaning(name).title} {one.text}"
        for line, name, one in cells[:_SHOWN]
    ]
    return ", ".join(names) + (f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else "")


def _pairs(table: Table) -> Iterator[Finding]:
    """Find columns whose spreads have other decimals than their means, as a rule and not for a lost zero."""
    for cells in _printed_columns(table):
        usual = _usual(cells)
        spread = Counter(one.sd.decimals for _, _, one in cells if one.sd).most_common(1)
        if usual is None or usual >= _RAW or not spread or spread[0][0] in {usual, None}:
            continue
        line, name, _ = cells[0]
        told = f"{meaning(name).title} has {usual} decimals and its spread {spread[0][0]}: {_listed(cells)}"
        yield Finding(
            "digits", NOTE, place((line.task, "", line.test)), told, tuple(one.where for _, _, one in cells)
        )


RULES = (
    Rule(
        "digits",
        "Numbers of one column come from one rounding; a lost zero hides how exact a number is.",
        _columns,
    ),
    Rule("digits", "", _pairs),
)
