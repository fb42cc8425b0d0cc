"""What numbers are of: units that are not stated, and several versions of data in one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from urbanbench.judging.audit.finding import NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.table import Table
from urbanbench.judging.audit.words import meaning

__all__ = ["RULES"]

_UNSAID = {"", "not stated", "unknown", "n/a", "-", "?"}


def _units(table: Table) -> Iterator[Finding]:
    missing: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in table.lines:
        for name, one in line.measures.items():
            if meaning(name).follows_unit and one.unit.casefold().strip() in _UNSAID:
                missing.setdefault(line.task, set()).add(line.test)
                names.add(meaning(name).title)
    if missing:
        where = "; ".join(
            place((task, "", " ".join(sorted(filter(None, tests))))) for task, tests in missing.items()
        )
        yield Finding("units", NOTE, where, f"no unit for {' and '.join(sorted(names))}")
    yield from _several_units(table)


def _several_units(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        said = {
            one.unit.strip()
            for line in lines
            for name, one in line.measures.items()
            if meaning(name).follows_unit and name != "mse"
        }
        units = sorted({unit for unit in said if unit.casefold() not in _UNSAID})
        if len(units) > 1:
            yield Finding(
                "units", SUSPICIOUS, place(question), f"errors stand in several units: {', '.join(units)}"
            )


def _versions(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        for column in dict.fromkeys(name for line in lines for name in line.data):
            said = Counter(line.data[column] for line in lines if column in line.data)
            if len(said) > 1:
                rare = min(said, key=lambda value: said[value])
                own = [line for line in lines if line.data.get(column) == rare]
                told = f"{column!r} differs between rows of one question: {', '.join(f'{value} ({count} rows)' for value, count in said.most_common(4))}"
                told += f"; {rare}: {', '.join(dict.fromkeys(line.name for line in own[:3]))}"
                yield Finding(
                    "mixed-data",
                    SUSPICIOUS,
                    place(question),
                    told,
                    tuple(row for line in own for row in line.rows()),
                )


RULES = (
    Rule("units", "An error without its unit cannot be held against another.", _units),
    Rule("mixed-data", "Rows of other data or other units answer another question.", _versions),
)
