"""Rows that are no better than what learns nothing, and ablations that are better than the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from urbanbench.judging.audit.finding import NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Measure, Table
from urbanbench.judging.audit.words import meaning

__all__ = ["RULES", "is_better", "main_metric"]

_MAIN = ("r2", "f1_macro", "accuracy", "f1", "f1_weighted", "rmse", "mae")
_SHOWN = 3
_ABLATED = re.compile(
    r"^(.*?)[\s(\[,-]*(?:\bw/o\b|\bwithout\b|\bwo\b|\bminus\b|\bno\b|(?<=\s)-(?=\s))\s*(.+?)[)\]]?$",
    re.IGNORECASE,
)
_WHOLE = {"full", "full model", "ours", "all", "whole"}


def main_metric(lines: Sequence[Line]) -> str | None:
    """Return the metric that ranks lines: the first known one that all have."""
    return next((name for name in _MAIN if all(name in line.measures for line in lines)), None)


def is_better(one: Measure, other: Measure, metric: str) -> bool:
    """Tell whether a number is better than another, whatever was rounded; False where the direction is not known."""
    higher = meaning(metric).higher
    if higher is None:
        return False
    return one.mean.low > other.mean.high if higher else one.mean.high < other.mean.low


def _below(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        metric = main_metric(lines)
        learned = [line for line in lines if not line.floor]
        if metric is None or not learned:
            continue
        floor = next(iter(_best([line for line in lines if line.floor], metric)), None)
        below = [
            line
            for line in learned
            if floor and is_better(floor.measures[metric], line.measures[metric], metric)
        ]
        negative = [line for line in learned if metric == "r2" and line.measures["r2"].mean.high < 0]
        told = []
        if floor and below:
            told.append(
                f"{len(below)} of {len(learned)} rows lie below the floor {floor.name} ({floor.written([metric])}): {_listed(below, metric)}"
            )
        if negative:
            told.append(
                f"{len(negative)} of {len(learned)} rows have R² below 0, so the labels' mean is nearer: {_listed(negative, metric)}"
            )
        if told:
            own = [*below, *(line for line in negative if line not in below)]
            yield Finding(
                "below-floor",
                NOTE,
                place(question),
                "; ".join(told),
                tuple(row for line in own for row in line.rows([metric])),
            )


def _best(floors: Sequence[Line], metric: str) -> list[Line]:
    ranked = sorted(
        floors, key=lambda line: line.measures[metric].mean.value, reverse=meaning(metric).higher is not False
    )
    return ranked[:1]


def _listed(lines: Sequence[Line], metric: str) -> str:
    names = list(dict.fromkeys(f"{line.model} {line.measures[metric].mean}" for line in lines))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _ablated(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        for line in lines:
            whole = _whole(line, lines)
            better = [
                name
                for name in line.measures
                if whole
                and name in whole.measures
                and is_better(line.measures[name], whole.measures[name], name)
            ]
            if whole is None or not better:
                continue
            clear = any(_clearly(line.measures[name], whole.measures[name]) for name in better)
            told = (
                f"{line.name} ({line.written(better)}) is better than {whole.name} ({whole.written(better)})"
            )
            yield Finding("ablation", SUSPICIOUS if clear else NOTE, place(question), told, line.rows(better))


def _whole(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the line of the model that a line has a part less of."""
    named = _ABLATED.match(line.model)
    if named is None:
        return None
    base = named[1].strip().casefold()
    wanted = {base} if base else _WHOLE
    found = [one for one in lines if one.model.strip().casefold() in wanted]
    return next((one for one in found if one.setting == line.setting), found[0] if found else None)


def _clearly(one: Measure, other: Measure) -> bool:
    """Tell whether two numbers are further apart than either spreads."""
    spreads = [found.sd.value for found in (one, other) if found.sd]
    return bool(spreads) and abs(one.mean.value - other.mean.value) > max(spreads)


RULES = (
    Rule(
        "below-floor",
        "A model below a row that learns nothing has a fault, or the task asks for something else.",
        _below,
    ),
    Rule(
        "ablation",
        "A part whose removal helps does not belong into the model, or the rows were scored differently.",
        _ablated,
    ),
)
