"""What a table says of its own numbers: bold, underlined, ranks, and percentages of counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.rules.floors import is_better
from urbanbench.judging.audit.table import Fact, Line, Measure, Question, Table
from urbanbench.judging.audit.words import meaning

__all__ = ["RULES"]

_ROUNDING = 1e-9


def _set_off(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        for metric in table.metrics() if table.marks else ():
            rows = [line for line in lines if metric in line.measures]
            bold = [line for line in rows if line.measures[metric].bold]
            second = [
                line for line in rows if line.measures[metric].underlined and not line.measures[metric].bold
            ]
            yield from _beaten(question, metric, rows, bold, "bold")
            yield from _beaten(
                question, metric, [line for line in rows if line not in bold], second, "underlined"
            )


def _beaten(
    question: Question, metric: str, rows: Sequence[Line], marked: Sequence[Line], word: str
) -> Iterator[Finding]:
    """Find numbers that are set off though another that is not is better, or is the same."""
    others = [line for line in rows if line not in marked]
    for line in marked:
        own = line.measures[metric]
        better = [one for one in others if _printed_better(one, line, metric)]
        equal = [one for one in others if one.measures[metric].mean.value == own.mean.value]
        shown = f"{meaning(metric).title} {own.text} of {line.name} is {word}"
        if better:
            told = f"{shown}, though {', '.join(f'{one.name} has {one.measures[metric].text}' for one in better[:3])}"
            yield Finding("marks", SUSPICIOUS, place(question), told, line.rows([metric]))
        elif equal:
            yield Finding(
                "marks",
                NOTE,
                place(question),
                f"{shown}, and the same number of {equal[0].name} is not",
                line.rows([metric]),
            )


def _printed_better(one: Line, other: Line, metric: str) -> bool:
    higher, own, theirs = (
        meaning(metric).higher,
        one.measures[metric].mean.value,
        other.measures[metric].mean.value,
    )
    return higher is not None and (own > theirs if higher else own < theirs)


def _ranks(table: Table) -> Iterator[Finding]:
    """Find ranks by a metric that it contradicts, and ranks of rows that all their metrics contradict."""
    for question, lines in table.questions():
        for one, other in permutations(lines, 2):
            by_metric = [
                name
                for name in one.measures
                if (both := _both(one, other, name)) and _ahead(both[1].rank, both[0].rank)
            ]
            wrong = [name for name in by_metric if is_better(one.measures[name], other.measures[name], name)]
            if _ahead(other.rank, one.rank) and (
                shared := [name for name in one.measures if name in other.measures]
            ):
                wrong += (
                    shared
                    if all(is_better(one.measures[name], other.measures[name], name) for name in shared)
                    else []
                )
            if wrong:
                ranks = [line.rank or line.measures[wrong[0]].rank for line in (one, other)]
                told = f"{one.name} has rank {ranks[0]} with {one.written(wrong)}, {other.name} rank {ranks[1]} with {other.written(wrong)}"
                yield Finding("marks", SUSPICIOUS, place(question), told, one.rows(wrong))


def _both(one: Line, other: Line, name: str) -> tuple[Measure, Measure] | None:
    return (one.measures[name], other.measures[name]) if name in other.measures else None


def _ahead(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and first < second


def _shares(table: Table) -> Iterator[Finding]:
    """Find percentages that do not follow from the counts beside them."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in table.facts:
        groups.setdefault((fact.task, fact.city), []).append(fact)
    for (task, city), facts in groups.items():
        counts = {name: fact for fact in facts if (name := _stem(fact, ("count", "n"))) is not None}
        for fact in facts:
            name = _stem(fact, ("pct", "percent", "share"))
            if name is None or name not in counts or (whole := _whole(name, counts)) is None:
                continue
            share = 100 * counts[name].number.value / whole
            if not fact.number.low - _ROUNDING <= share <= fact.number.high + _ROUNDING:
                cut = (
                    int(share * 10 ** (fact.number.decimals or 0)) / 10 ** (fact.number.decimals or 0)
                    == fact.number.value
                )
                told = f"{counts[name].number} of {whole:.0f} {name!r} are {share:.3f} %, and {fact.number} stands there{' (cut off, not rounded)' if cut else ''}"
                yield Finding(
                    "shares", NOTE if cut else IMPOSSIBLE, place((task, city, "")), told, (fact.where,)
                )


def _stem(fact: Fact, words: Sequence[str]) -> str | None:
    """Return what a count or percentage is of: "Civic" of ``pct[Civic]``, "poi" of ``n_poi``."""
    for word in words:
        if fact.name.startswith(f"{word}[") and fact.name.endswith("]"):
            return fact.name[len(word) :]
        if fact.name.startswith(f"{word}_"):
            return fact.name[len(word) + 1 :]
    return None


def _whole(name: str, counts: dict[str, Fact]) -> float | None:
    """Return what a percentage is of: all classes together, or the longest count whose name begins this one's ("poi" of "poi_with_polygon")."""
    if name.startswith("["):
        return sum(fact.number.value for other, fact in counts.items() if other.startswith("["))
    wider = [other for other in counts if other != name and name.startswith(f"{other}_")]
    return counts[max(wider, key=len)].number.value if wider else None


RULES = (
    Rule("marks", "What is set off as best should be best; ranks should follow the numbers.", _set_off),
    Rule("marks", "", _ranks),
    Rule("shares", "Percentages of counts follow from the counts.", _shares),
)
