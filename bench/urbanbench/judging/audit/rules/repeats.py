"""Rows, cells and columns that repeat each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from urbanbench.judging.audit.finding import NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Question, Table
from urbanbench.judging.audit.words import meaning

__all__ = ["RULES"]

_ENOUGH_DIGITS = 10
"""Digits that do not agree by chance."""
_ENOUGH_LINES = 4
_SAME_BY_NATURE = ({"accuracy", "f1_micro", "precision", "recall", "f1_weighted"},)
"""Metrics that may be one number under two names."""
Print = tuple[tuple[str, float, float | None], ...]


def _fingerprint(line: Line) -> Print:
    return tuple(
        sorted(
            (name, one.mean.value, one.sd.value if one.sd else None) for name, one in line.measures.items()
        )
    )


def _digits(line: Line) -> int:
    """Return how many digits of a line could have differed; a bound such as 0 or 1 has none."""
    total = 0
    for name, one in line.measures.items():
        known = meaning(name)
        if one.mean.value not in {0.0, known.low, known.high}:
            total += min(one.mean.digits, 6) + (min(one.sd.digits, 6) if one.sd and one.sd.value else 0)
    return total


def _identical(table: Table) -> Iterator[Finding]:
    groups: dict[Print, list[Line]] = {}
    for line in table.lines:
        if len(line.measures) > 0 and _digits(line) >= _ENOUGH_DIGITS:
            groups.setdefault(_fingerprint(line), []).append(line)
    for members in groups.values():
        if len(members) > 1:
            yield from _group(members)


def _group(members: Sequence[Line]) -> Iterator[Finding]:
    rows = tuple(row for line in members for row in line.rows())
    first, written = members[0], members[0].written(list(members[0].measures)[:4])
    models, places = {line.model for line in members}, {(line.task, line.city) for line in members}
    if _same(members, lambda line: line.vectors) and _same_labels(members):
        return
    if len(places) > 1 and not _same_labels(members):
        where = " = ".join(dict.fromkeys(place(line.question) for line in members))
        told = f"{' and '.join(sorted(models))}: the same numbers, digit for digit, in {where} ({written})"
        yield Finding("identical-rows", SUSPICIOUS, place(first.question), told, rows)
    elif len(models) > 1:
        floors = all(line.floor for line in members)
        told = f"{_listed(members)}: the same numbers, digit for digit ({written}){'; all learn nothing' if floors else ''}"
        yield Finding("identical-rows", NOTE if floors else SUSPICIOUS, place(first.question), told, rows)
    elif len({line.test for line in members}) > 1 or len({line.setting for line in members}) > 1:
        where = ", ".join(
            dict.fromkeys(
                f"{place(line.question)}{f' [{line.setting}]' if line.setting else ''}" for line in members
            )
        )
        told = f"{first.model}: the same row is given {len(members)} times, in {where} ({written})"
        yield Finding("identical-rows", NOTE, place(first.question), told, rows)


def _same(lines: Sequence[Line], digest: Callable[[Line], str]) -> bool:
    """Tell whether lines say that something is the same for all."""
    return len({digest(line) for line in lines}) == 1 and bool(digest(lines[0]))


def _same_labels(lines: Sequence[Line]) -> bool:
    return _same(lines, lambda line: line.labels)


def _listed(members: Sequence[Line]) -> str:
    names = list(dict.fromkeys(line.name for line in members))
    return " = ".join(names[:4]) + (f" = {len(names) - 4} more" if len(names) > 4 else "")


def _twice(table: Table) -> Iterator[Finding]:
    cells: dict[tuple[str, str, Question], list[Line]] = {}
    for line in table.lines:
        cells.setdefault((line.model, line.setting, line.question), []).append(line)
    for (_, _, question), members in cells.items():
        shared = [name for name in members[0].measures if all(name in line.measures for line in members)]
        differing = [name for name in shared if len({line.measures[name].mean.value for line in members}) > 1]
        rows = tuple(row for line in members for row in line.rows(shared))
        if len(members) > 1 and differing:
            told = f"{members[0].name} stands {len(members)} times with other numbers: {' | '.join(line.written(differing) for line in members)}"
            yield Finding("twice", SUSPICIOUS, place(question), told, rows)
        elif len(members) > 1 and shared:
            yield Finding(
                "twice",
                NOTE,
                place(question),
                f"{members[0].name} stands {len(members)} times with the same numbers",
                rows,
            )


def _columns(table: Table) -> Iterator[Finding]:
    """Find metrics whose columns are equal, and questions that are equal in one metric for every model."""
    for question, lines in table.questions():
        names = list(dict.fromkeys(name for line in lines for name in line.measures))
        for one, other in combinations(names, 2):
            if _by_nature(one, other):
                continue
            pairs = [both for line in lines if (both := line.both(one, other))]
            if _equal([(a.mean.value, b.mean.value) for a, b in pairs]):
                told = f"{meaning(one).title} and {meaning(other).title} are the same column in all {len(pairs)} rows"
                yield Finding("identical-columns", SUSPICIOUS, place(question), told)
    yield from _questions(table)


def _by_nature(one: str, other: str) -> bool:
    return any({one, other} <= group for group in _SAME_BY_NATURE)


def _equal(pairs: Sequence[tuple[float, float]]) -> bool:
    return (
        len(pairs) >= _ENOUGH_LINES
        and all(a == b for a, b in pairs)
        and len({a for a, _ in pairs}) >= _ENOUGH_LINES - 1
    )


def _questions(table: Table) -> Iterator[Finding]:
    known = {question: {line.name: line for line in lines} for question, lines in table.questions()}
    for (one, left), (other, right) in combinations(known.items(), 2):
        if one[:2] == other[:2] or _same_labels([*left.values(), *right.values()]):
            continue
        for metric in table.metrics():
            pairs = [
                (left[name].measures[metric].mean.value, right[name].measures[metric].mean.value)
                for name in left
                if name in right and metric in left[name].measures and metric in right[name].measures
            ]
            if _equal(pairs):
                told = f"{meaning(metric).title} is the same in {place(one)} and {place(other)} for all {len(pairs)} models"
                yield Finding("identical-columns", SUSPICIOUS, place(one), told)


RULES = (
    Rule(
        "identical-rows",
        "Two measurements do not agree in every digit; one was copied, or what was meant to differ did not. Rows that say they are of the same vectors and labels are left out.",
        _identical,
    ),
    Rule("twice", "A cell of a table has one number.", _twice),
    Rule(
        "identical-columns",
        "Two metrics, or two cities, that agree for every model are one column copied.",
        _columns,
    ),
)
