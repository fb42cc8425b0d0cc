"""Scores of single classes: against other models' profiles, and against the mean that is printed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import permutations

from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.table import Fact, Line, Question, Table

__all__ = ["RULES"]

_ENOUGH_CLASSES = 5
_FAR_BEHIND = 0.1
"""Points of F1, on the scale where 1 is all, that a model is behind in the median of the other classes."""
_ROUNDING = 1e-9


def _classes(line: Line) -> dict[str, float]:
    return {name[3:-1]: one.mean.value for name, one in line.measures.items() if name.startswith("f1[")}


def _profile(table: Table) -> Iterator[Finding]:
    """Find models that are ahead of a rival in their own best class only, and far behind in all others."""
    for question, lines in table.questions():
        known = [
            (line, classes)
            for line in lines
            if not line.floor and len(classes := _classes(line)) >= _ENOUGH_CLASSES
        ]
        found: dict[tuple[str, str], list[tuple[Line, Line]]] = {}
        for (line, own), (rival, theirs) in permutations(known, 2):
            if name := _alone_ahead(own, theirs):
                found.setdefault((line.name, name), []).append((line, rival))
        for (_, name), pairs in found.items():
            yield _out_of_line(question, name, pairs, table.facts)


def _alone_ahead(own: dict[str, float], theirs: dict[str, float]) -> str:
    """Return the one class in which a model is ahead, "" where there is no such or the others are near."""
    shared = [name for name in own if name in theirs]
    ahead = [name for name in shared if own[name] > theirs[name]]
    if len(shared) < _ENOUGH_CLASSES or len(ahead) != 1:
        return ""
    gaps = [theirs[name] - own[name] for name in shared if name != ahead[0]]
    best = max(shared, key=lambda name: own[name])
    rivals = max(shared, key=lambda name: theirs[name])
    near = min(gaps) <= 0 or statistics.median(gaps) < _FAR_BEHIND
    return "" if near or best != ahead[0] or best == rivals else ahead[0]


def _out_of_line(
    question: Question, name: str, pairs: Sequence[tuple[Line, Line]], facts: Sequence[Fact]
) -> Finding:
    line, rivals = pairs[0][0], [rival for _, rival in pairs]
    own = _classes(line)
    second = max((one for one in own if one != name), key=lambda one: own[one])
    told = (
        f"{line.name} has {own[name]:.4g} in the class {name!r}, its best, ahead of "
        f"{', '.join(f'{rival.name} ({_classes(rival)[name]:.4g})' for rival in rivals)}, and is behind in every other class, "
        f"{second!r} with {own[second]:.4g} next"
    )
    counts = {
        fact.name[6:-1]: fact.number.value
        for fact in facts
        if fact.name.startswith("count[") and fact.task == question[0]
    }
    if counts and max(counts, key=lambda one: counts[one]) != name:
        told += f"; the commonest class is {max(counts, key=lambda one: counts[one])!r}"
    return Finding("class-profile", SUSPICIOUS, place(question), told, line.rows([f"f1[{name}]"]))


def _macro(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        found = [(line, told) for line in lines if (told := _beside_the_mean(line))]
        for line, told in found:
            if line.measures["f1_macro"].values or not _over_repeats(line):
                severity = IMPOSSIBLE if line.measures["f1_macro"].values else SUSPICIOUS
                yield Finding("macro", severity, place(question), told, line.rows(["f1_macro"]))
        some = [
            (line, told)
            for line, told in found
            if _over_repeats(line) and not line.measures["f1_macro"].values
        ]
        if some:
            told = f"{len(some)} rows, so that a class was in some repeats only, or left out: {some[0][1]}"
            yield Finding(
                "macro",
                NOTE,
                place(question),
                told,
                tuple(row for line, _ in some for row in line.rows(["f1_macro"])),
            )


def _over_repeats(line: Line) -> bool:
    """Tell whether numbers are means over repeats, in some of which a rare class may have been absent."""
    return line.repeats != 1 and (line.repeats is not None or line.measures["f1_macro"].sd is not None)


def _beside_the_mean(line: Line) -> str:
    """Say that macro F1 is not the mean over the classes; "" where it is or cannot be told."""
    macro, classes = (
        line.measures.get("f1_macro"),
        [one for name, one in line.measures.items() if name.startswith("f1[")],
    )
    if macro is None or len(classes) < 2:
        return ""
    means = [
        statistics.fmean(finite)
        for values in zip(*(one.values for one in classes), strict=False)
        if (finite := _finite(values))
    ]
    if macro.values and len(means) == len(macro.values):
        wrong = any(abs(one - other) > _ROUNDING for one, other in zip(macro.values, means, strict=True))
        low = high = statistics.fmean(means)
    else:
        low, high = (statistics.fmean(getattr(one.mean, end) for one in classes) for end in ("low", "high"))
        wrong = macro.mean.high < low or macro.mean.low > high
    return (
        f"{line.name}: macro F1 {macro.text}, but the {len(classes)} classes have a mean of {(low + high) / 2:.4g}"
        if wrong
        else ""
    )


def _finite(values: Sequence[float]) -> list[float]:
    return [one for one in values if math.isfinite(one)]


RULES = (
    Rule(
        "class-profile",
        "Models of one task find the same classes hard; a single class far out of line is often a slip of the pen or of an index.",
        _profile,
    ),
    Rule(
        "macro",
        "Macro F1 is the mean over classes (where a class is left out of the table, it may differ).",
        _macro,
    ),
)
