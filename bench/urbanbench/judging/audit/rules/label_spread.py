"""The label's spread that rows imply: one number for all models of a question."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import combinations

from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.implied import Implied, Spreads, spreads_of
from urbanbench.judging.audit.table import Fact, Line, Question, Table

__all__ = ["RULES"]

_SAME_SEED = 1e-6
_EQUAL = 1.05
"""Two cities' spreads closer than this are worth a look."""


def _disagreeing(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        yield from _seed_by_seed(question, lines)
        spreads = spreads_of([line for line in lines if not _known_by_seed(line)])
        if len(spreads.rows) > 1 and (found := _one(question, spreads)):
            yield found


def _one(question: Question, spreads: Spreads) -> Finding | None:
    low = min(spreads.rows, key=lambda row: spreads.interval(row)[1])
    high = max(spreads.rows, key=lambda row: spreads.interval(row)[0])
    if not spreads.apart(low, high):
        return None
    ordered = sorted(spreads.rows, key=lambda row: row.sigma)
    smallest, largest = ordered[0], ordered[-1]
    anew = spreads.cv is not None and spreads.apart(low, high, anew=True)
    told = (
        f"the label's standard deviation that RMSE / √(1 - R²) implies runs from {smallest.sigma:.4g} ({smallest.line.name}) to "
        f"{largest.sigma:.4g} ({largest.line.name}), a factor of {largest.sigma / smallest.sigma:.2f}; {_allowed(spreads, anew=anew)}"
    )
    severity = IMPOSSIBLE if spreads.once else SUSPICIOUS
    numbers = (
        ("sigma_low", smallest.sigma),
        ("sigma_high", largest.sigma),
        ("ratio", largest.sigma / smallest.sigma),
    )
    return Finding("label-spread", severity, place(question), told, _rows(smallest, largest), numbers)


def _allowed(spreads: Spreads, *, anew: bool) -> str:
    if spreads.once:
        return "one test set has one"
    if spreads.cv is None:
        return "no spread over repeats is printed that could explain it"
    if anew:
        return "neither common splits nor splits drawn anew for each model explain it: other units, another label, or wrong numbers"
    return "common splits do not explain it, splits drawn anew for each model might"


def _known_by_seed(line: Line) -> bool:
    return bool(line.splits) and line.by_seed


def _seed_by_seed(question: Question, lines: Sequence[Line]) -> Iterator[Finding]:
    """Compare what rows of the same splits imply in each seed: there it is one number, to the last digits."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        if _known_by_seed(line) and line.regression and "r2" in line.measures:
            groups.setdefault(line.splits, []).append(line)
    for members in groups.values():
        each = [_variances(line) for line in members]
        usual = [statistics.median(column) for column in zip(*each, strict=False)]
        wrong = [line for line, own in zip(members, each, strict=True) if _differs(own, usual)]
        if wrong:
            told = f"{len(wrong)} of {len(members)} rows of the same splits imply another variance of the label in a seed: {_named(wrong)}"
            yield Finding(
                "label-spread",
                IMPOSSIBLE,
                place(question),
                told,
                tuple(row for line in wrong for row in line.rows(["rmse"])),
            )


def _variances(line: Line) -> list[float]:
    rmse, r2 = line.measures["rmse"].values, line.measures["r2"].values
    return [one**2 / (1 - other) if other < 1 else math.nan for one, other in zip(rmse, r2, strict=False)]


def _differs(own: Sequence[float], usual: Sequence[float]) -> bool:
    pairs = [
        (one, other)
        for one, other in zip(own, usual, strict=False)
        if math.isfinite(one) and math.isfinite(other)
    ]
    return any(abs(one - other) > _SAME_SEED * abs(other) for one, other in pairs)


def _named(lines: Sequence[Line], most: int = 4) -> str:
    names = list(dict.fromkeys(line.name for line in lines))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _inverted(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        spreads = spreads_of([line for line in lines if not _known_by_seed(line)])
        for one, other in combinations(spreads.rows, 2):
            better, worse = sorted((one, other), key=lambda row: row.line.measures["rmse"].mean.value)
            if _is_inverted(better.line, worse.line):
                yield _inversion(question, spreads, better, worse)


def _is_inverted(better: Line, worse: Line) -> bool:
    """Tell whether RMSE and R² order two rows oppositely, whatever was rounded."""
    tiny = 1e-12
    return (
        better.measures["rmse"].mean.high <= worse.measures["rmse"].mean.low + tiny
        and better.measures["r2"].mean.high <= worse.measures["r2"].mean.low + tiny
    )


def _inversion(question: Question, spreads: Spreads, better: Implied, worse: Implied) -> Finding:
    apart = spreads.apart(better, worse)
    once = better.once and worse.once
    severity = IMPOSSIBLE if once and apart else SUSPICIOUS if apart else NOTE
    names = ["rmse", "r2"]
    end = (
        "which one test set forbids" if once
        else "which common splits do not explain" if apart
        else "which common splits may do, where the label's spread differs between them"
    )  # fmt: skip
    told = (
        f"{better.line.name} has the lower RMSE and the lower R² ({better.line.written(names)}) beside {worse.line.name} "
        f"({worse.line.written(names)}), {end}"
    )
    gap = worse.line.measures["r2"].mean.value - better.line.measures["r2"].mean.value
    return Finding("inverted", severity, place(question), told, _rows(better, worse), (("r2_gap", gap),))


def _rows(*both: Implied) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row for one in both for row in one.line.rows(["rmse", "r2"])))


def _alike(table: Table) -> Iterator[Finding]:
    """Find cities whose labels seem equally spread."""
    sizes = _unit_sizes(table.facts)
    known: dict[tuple[str, str], dict[str, float]] = {}
    for (task, city, test), lines in table.questions():
        rows = [row for line in lines if not line.labels and (row := spreads_of([line]).rows)]
        if city and len(rows) > 1:
            known.setdefault((task, test), {})[city] = statistics.median(row[0].sigma for row in rows)
    for (task, test), cities in known.items():
        for one, other in combinations(cities, 2):
            ratio = max(cities[one], cities[other]) / min(cities[one], cities[other])
            if ratio <= _EQUAL:
                told = f"the label is spread alike in {one} and {other} (standard deviation {cities[one]:.4g} and {cities[other]:.4g})"
                told += _though(sizes, one, other, (cities[one], cities[other]))
                yield Finding(
                    "cities-alike",
                    NOTE,
                    place((task, f"{one} and {other}", test)),
                    told,
                    (),
                    (("ratio", ratio),),
                )


def _though(sizes: dict[str, float], one: str, other: str, alike: Sequence[float]) -> str:
    if one not in sizes or other not in sizes:
        return (
            ", about 1: labels that were standardised in each city?"
            if _standard(alike)
            else ": seldom so where units differ in size or towns in density"
        )
    fold = max(sizes[one], sizes[other]) / min(sizes[one], sizes[other])
    return f", though their regions differ {fold:.0f}-fold in area: averages over larger ones are spread less"


def _standard(spreads: Sequence[float]) -> bool:
    return all(abs(one - 1) < _EQUAL - 1 for one in spreads)


def _unit_sizes(facts: Sequence[Fact]) -> dict[str, float]:
    """Return city to area per region, where a table says both."""
    areas = {one.city: one.number.value for one in facts if "area" in one.name.casefold()}
    counts = {
        one.city: one.number.value
        for one in facts
        if "region" in one.name.casefold() and "area" not in one.name.casefold()
    }
    return {city: area / counts[city] for city, area in areas.items() if counts.get(city)}


RULES = (
    Rule(
        "label-spread",
        "R² = 1 - RMSE² / variance of the label: rows that were tested on the same units imply the same variance.",
        _disagreeing,
    ),
    Rule("inverted", "On one test set a lower RMSE is a higher R².", _inverted),
    Rule(
        "cities-alike",
        "Equal spreads in unlike cities may be one city's numbers twice, or a label that was scaled.",
        _alike,
    ),
)
