"""Percentages that a text says of a table, and whether they follow from it."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.errors import BadInput, DataMissing
from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, SUSPICIOUS, Finding, Rule, place
from urbanbench.judging.audit.printed import Printed, read_number, unmarked
from urbanbench.judging.audit.table import Line, Measure, Table
from urbanbench.judging.audit.words import meaning, plain, read_metric

__all__ = ["RULE", "Claim", "checked_claims", "read_claims"]

RULE = Rule(
    "claims", "What a text says of a table follows from it, against the row it names.", lambda _: iter(())
)
_FIELDS = ("model", "baseline", "task", "city", "test", "setting", "metric", "percent")
_BEST = {"", "best", "second", "runner-up", "best baseline"}


@dataclass(frozen=True)
class Claim:
    """One sentence: "`model` improves `metric` by `percent` % over `baseline`".

    Parameters
    ----------
    model, baseline
        Names in the table; "" or "best" for the best other model.
    metric
        In any spelling.
    percent
        As printed.
    task, city, test, setting
        Where; "" for any.
    where
        Where it stands in the file.
    """

    model: str
    metric: str
    percent: Printed
    baseline: str = ""
    task: str = ""
    city: str = ""
    test: str = ""
    setting: str = ""
    where: str = ""


def read_claims(path: Path) -> list[Claim]:
    """Read claims from a CSV table or from ``[[claim]]`` tables of a TOML file; fields model, baseline, task, city, test, setting, metric, percent.

    Raises
    ------
    DataMissing, BadInput
        No such file; a claim without model, metric or percent, or with another field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"No file of claims {str(path)!r}. Expected a CSV or TOML file. Check the path."
        raise DataMissing(msg) from error
    try:
        rows: list[Mapping[str, Any]] = (
            tomllib.loads(text).get("claim", [])
            if path.suffix == ".toml"
            else list(csv.DictReader(text.splitlines()))
        )
    except tomllib.TOMLDecodeError as error:
        msg = f"Claims {str(path)!r} are no TOML ({error}). Expected tables [[claim]]."
        raise BadInput(msg) from error
    if not rows:
        msg = f"Claims {str(path)!r} hold none. Expected rows with the columns {', '.join(_FIELDS)}, or tables [[claim]] with these."
        raise BadInput(msg)
    return [_claim(row, f"claim {k}", path) for k, row in enumerate(rows, 1)]


def _claim(row: Mapping[str, Any], where: str, path: Path) -> Claim:
    told = {
        str(name).strip().casefold(): str(value or "").strip()
        for name, value in row.items()
        if name is not None
    }
    strange = sorted(set(told) - set(_FIELDS))
    percent = read_number(told.get("percent", "").rstrip("% "))
    if strange or percent is None or not told.get("model") or not told.get("metric"):
        msg = f"{where} of {str(path)!r} has the fields {', '.join(told)}. Expected model, metric and percent, and none but {', '.join(_FIELDS)}."
        raise BadInput(msg)
    rest = {name: told.get(name, "") for name in ("baseline", "task", "city", "test", "setting")}
    rest["baseline"] = unmarked(rest["baseline"])
    return Claim(unmarked(told["model"]), told["metric"], percent, **rest, where=where)


def checked_claims(table: Table, claims: Sequence[Claim]) -> Iterator[Finding]:
    """Give a finding for each claim that does not follow, and a note for each that does so only in part."""
    for claim in claims:
        yield from _checked(table, claim)


def _checked(table: Table, claim: Claim) -> Iterator[Finding]:
    known = read_metric(claim.metric)
    metric = known.name if known else claim.metric
    own = [
        line
        for line in table.lines
        if _fits(line, claim) and _same(line.model, claim.model) and metric in line.measures
    ]
    about = f"{claim.model}, {meaning(metric).title} {claim.percent} %"
    if not own:
        yield Finding("claims", SUSPICIOUS, about, "no such row in the table", (claim.where,))
        return
    line = own[0]
    rivals = [
        one
        for one in table.lines
        if one.question == line.question and one is not line and metric in one.measures and _fits(one, claim)
    ]
    named = (
        [one for one in rivals if _same(one.model, claim.baseline)]
        if plain(claim.baseline) not in _BEST
        else _best(rivals, metric, claim.model)
    )
    if not named:
        yield Finding(
            "claims",
            SUSPICIOUS,
            about,
            f"no row of {claim.baseline or 'another model'} to hold it against",
            (claim.where,),
        )
        return
    if verdict := _verdict(claim, metric, line, named[0], rivals):
        severity, told = verdict
        yield Finding(
            "claims",
            severity,
            f"{place(line.question)}: {about}",
            told,
            (claim.where, *line.rows([metric]), *named[0].rows([metric])),
        )


def _fits(line: Line, claim: Claim) -> bool:
    pairs = (
        (claim.task, line.task),
        (claim.city, line.city),
        (claim.test, line.test),
        (claim.setting, line.setting),
    )
    return all(not wanted or _same(wanted, own) for wanted, own in pairs)


def _same(one: str, other: str) -> bool:
    return plain(one) == plain(other)


def _best(rivals: Sequence[Line], metric: str, model: str) -> list[Line]:
    """Return the best row of another model; parts of the model itself ("X w/o Y") are none."""
    others = [one for one in rivals if not plain(one.model).startswith(plain(model))]
    return sorted(
        others, key=lambda one: one.measures[metric].mean.value, reverse=meaning(metric).higher is not False
    )[:1]


def _verdict(
    claim: Claim, metric: str, line: Line, base: Line, rivals: Sequence[Line]
) -> tuple[str, str] | None:
    own, theirs = line.measures[metric], base.measures[metric]
    low, value, high = _gain(own, theirs, metric)
    shown = f"{base.name} {theirs.mean} to {line.name} {own.mean} is {value:.2f} %"
    if claim.percent.low <= value <= claim.percent.high:
        return None
    if claim.percent.low <= high and claim.percent.high >= low:
        return NOTE, f"{shown}; {claim.percent} follows from numbers before rounding only"
    points = abs(own.mean.value - theirs.mean.value) * 100
    if meaning(metric).high == 1.0 and claim.percent.low - 0.01 <= points <= claim.percent.high + 0.01:
        return IMPOSSIBLE, f"{shown}; {claim.percent} are percentage points"
    fitting = [
        one for one in rivals if one is not base and _follows(claim, own, one.measures[metric], metric)
    ]
    if fitting:
        return (
            IMPOSSIBLE,
            f"{shown}; {claim.percent} follows against {fitting[0].name} ({fitting[0].measures[metric].mean})",
        )
    return IMPOSSIBLE, f"{shown}, not {claim.percent}" + ("; it is worse" if value < 0 else "")


def _follows(claim: Claim, own: Measure, theirs: Measure, metric: str) -> bool:
    low, _, high = _gain(own, theirs, metric)
    return claim.percent.low <= high and claim.percent.high >= low


def _gain(own: Measure, theirs: Measure, metric: str) -> tuple[float, float, float]:
    """Return the improvement in percent of the other number: its least, as printed, and its most."""
    sign = -1 if meaning(metric).higher is False else 1
    ends = [
        sign * (a - b) / abs(b) * 100
        for a in (own.mean.low, own.mean.high)
        for b in (theirs.mean.low, theirs.mean.high)
        if b
    ]
    value = (
        sign * (own.mean.value - theirs.mean.value) / abs(theirs.mean.value) * 100
        if theirs.mean.value
        else float("nan")
    )
    return min(ends, default=float("nan")), value, max(ends, default=float("nan"))
