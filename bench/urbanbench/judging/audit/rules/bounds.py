"""Numbers outside of what a metric can be, spreads larger than its range allows, and spreads of zero."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Measure, Table
from urbanbench.judging.audit.words import Meaning, meaning

__all__ = ["RULES"]

_ROUNDING = 1e-9
_MUCH_LESS = 0.1
"""A spread below this share of the other rows' is no rounding of theirs."""


def _measures(table: Table) -> Iterator[tuple[Line, str, Measure, Meaning]]:
    for line in table.lines:
        for name, one in line.measures.items():
            yield line, name, one, meaning(name)


def _outside(table: Table) -> Iterator[Finding]:
    for line, _, one, known in _measures(table):
        low = [
            value
            for value in (one.mean.high, *one.values)
            if known.low is not None and value < known.low - _ROUNDING
        ]
        high = [
            value
            for value in (one.mean.low, *one.values)
            if known.high is not None and value > known.high + _ROUNDING
        ]
        if low or high:
            bound = f"cannot be above {known.high:g}" if high else f"cannot be below {known.low:g}"
            hint = "; percent among shares?" if high and 1.5 < high[0] <= 100 and known.high == 1.0 else ""
            told = f"{line.name}: {known.title} {one.text}, which {bound}{hint}"
            yield Finding("outside", IMPOSSIBLE, place(line.question), told, (one.where,))


def _too_wide(table: Table) -> Iterator[Finding]:
    for line, _, one, known in _measures(table):
        if one.sd is None:
            continue
        about, rows = place(line.question), (one.where,)
        most = _most(one, known, line.repeats)
        if one.sd.high < 0:
            yield Finding(
                "too-wide",
                IMPOSSIBLE,
                about,
                f"{line.name}: {known.title} {one.text}: a spread below zero",
                rows,
            )
        elif one.sd.low > most:
            told = f"{line.name}: {known.title} {one.text}: {line.repeats or 'any number of'} repeats with this mean have a spread of {most:.3g} at most"
            yield Finding("too-wide", IMPOSSIBLE, about, told, rows)
        elif (
            not one.values
            and known.high is not None
            and known.low is None
            and one.mean.value <= known.high < one.mean.low + one.sd.low
        ):
            least = one.mean.value - one.sd.value**2 / max(known.high - one.mean.value, _ROUNDING)
            told = f"{line.name}: {known.title} {one.text} reaches above {known.high:g}, so that one repeat at least had {least:.2f} or less"
            yield Finding("too-wide", NOTE, about, told, rows)


def _most(one: Measure, known: Meaning, repeats: int | None) -> float:
    """Return the largest sample standard deviation of numbers within a metric's bounds that have this mean."""
    low, high, n = known.low, known.high, max(repeats or 2, 2)
    if low is None:
        return math.inf
    if high is None:  # one repeat has it all, the others are at the lower bound
        return (one.mean.high - low) * math.sqrt(repeats) if repeats else math.inf
    inner = max(
        (one.mean.high - low) * (high - one.mean.high), (one.mean.low - low) * (high - one.mean.low), 0.0
    )
    middle = (low + high) / 2
    if one.mean.low <= middle <= one.mean.high:
        inner = (high - low) ** 2 / 4
    return math.sqrt(inner * n / (n - 1)) + _ROUNDING


def _without_spread(table: Table) -> Iterator[Finding]:
    usual = _usual_spreads(table)
    for line, name, one, known in _measures(table):
        room = _room(one, known)
        if (
            line.floor
            or line.repeats == 1
            or one.sd is None
            or not room
            or name not in usual
            or not _is_zero(one)
        ):
            continue
        plain = one.values or (one.sd.high / room < _MUCH_LESS * usual[name] and _all_zero(line))
        told = f"{line.name}: {known.title} {one.text}; other rows would have about {usual[name] * room:.2g} there"
        yield Finding("no-spread", SUSPICIOUS if plain else NOTE, place(line.question), told, (one.where,))


def _all_zero(line: Line) -> bool:
    """Tell whether no number of a row has a spread: one alone may come out so small by chance."""
    spreads = [one.sd.value for one in line.measures.values() if one.sd]
    return len(spreads) > 1 and not any(spreads)


def _room(one: Measure, known: Meaning) -> float:
    """Return how far a number is from the nearer bound of its metric, which is what its spread goes with."""
    ends = [abs(one.mean.value - end) for end in (known.low, known.high) if end is not None]
    return min(ends, default=abs(one.mean.value))


def _is_zero(one: Measure) -> bool:
    if one.values:
        return len(one.values) > 1 and len(set(one.values)) == 1
    return one.sd is not None and one.sd.value == 0


def _usual_spreads(table: Table) -> dict[str, float]:
    """Return metric to the median of spread over room, of the rows that have a spread."""
    found: dict[str, list[float]] = {}
    for _, name, one, known in _measures(table):
        room = _room(one, known)
        if one.sd and one.sd.value > 0 and room:
            found.setdefault(name, []).append(one.sd.value / room)
    return {name: statistics.median(values) for name, values in found.items()}


RULES = (
    Rule("outside", "A metric has bounds by its definition.", _outside),
    Rule("too-wide", "Numbers within bounds, with a given mean, can be spread only so far.", _too_wide),
    Rule(
        "no-spread",
        "Repeats that give the same number were no repeats, or one number stands for all of them.",
        _without_spread,
    ),
)
