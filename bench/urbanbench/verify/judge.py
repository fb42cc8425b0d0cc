"""Judging results: which are old, damaged or strangers, and why; what cannot be told here is said, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from urbanbench.counted import counted
from urbanbench.errors import DataMissing, PluginBroken, UnknownName, UrbanbenchError
from urbanbench.gathered.rows import lies_right
from urbanbench.predictions import changed_predictions
from urbanbench.result import OK, RunResult
from urbanbench.run.order import Order
from urbanbench.run.resting import rests_on_today
from urbanbench.run.standing import older_versions, other_encoders, stale_data, versions_of
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore, is_changed, predictions_beside
from urbanbench.verify.again import Elsewhere, absent_city, differing_fields, order_of
from urbanbench.verify.beside import wrong_gains
from urbanbench.verify.probed import wrong_probe
from urbanbench.verify.rescored import ROUNDING, largest_gap, rescored

__all__ = [
    "BAD",
    "DAMAGED",
    "HOLDS",
    "OLD",
    "OTHER",
    "STRANGER",
    "Verdict",
    "judge",
    "judge_alone",
    "strangers",
]

HOLDS, OLD, OTHER, DAMAGED, STRANGER = "holds", "old", "other encoders", "damaged", "stranger"
BAD = (OLD, DAMAGED, STRANGER)


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one file.

    Parameters
    ----------
    file
        Its path below the results folder.
    state
        "holds", "old" (computed again by the next run), "other encoders" (nothing is wrong with it, but this machine would use others),
        "damaged" (not what a run wrote) or "stranger" (no result at all).
    reasons
        Why it does not hold.
    unchecked
        What could not be told here.
    result
        What was read, or None.
    foreign
        Whether it was made by a plugin that is not here, or one of that name which cannot make it.
    """

    file: str
    state: str
    reasons: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    result: RunResult | None = None
    foreign: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict JSON-like."""
        run_id = self.result.run_id if self.result is not None else None
        told = {"reasons": list(self.reasons), "unchecked": list(self.unchecked)}
        return {"file": self.file, "run_id": run_id, "state": self.state, "foreign": self.foreign, **told}


def strangers(folder: Path) -> Iterator[Verdict]:
    """Find what lies among results and is none: other JSON, leftovers of killed processes, predictions without a result."""
    for path in sorted(folder.glob("*/*/*.json")):
        if "__" not in path.name:
            yield Verdict(str(path.relative_to(folder)), STRANGER, ("no name of a result",))
    for path in sorted(folder.rglob("*.part")):
        yield Verdict(str(path.relative_to(folder)), STRANGER, ("left by a killed process",))
    for path in sorted(folder.glob("*/*/predictions/[!.]*.parquet")):
        stem = path.stem.removesuffix(".classes")
        if not (path.parent.parent / f"{stem}.json").is_file():
            yield Verdict(str(path.relative_to(folder)), STRANGER, ("predictions without a result",))


def judge(path: Path, folder: Path, elsewhere: Elsewhere, bench: Workbench) -> Verdict:
    """Judge one result file.

    Parameters
    ----------
    path, folder
        The file, and the results folder it lies in.
    elsewhere
        Plugins and cities that no registry knows.
    bench
        Keeps the city opened last; nothing is embedded.
    """
    alone = judge_alone(path, folder)
    if alone.state != HOLDS or alone.result is None:
        return alone
    standing = _standing(alone.result, elsewhere, bench)
    state = OLD if standing.reasons else OTHER if standing.others else HOLDS
    unchecked = (*alone.unchecked, *standing.unchecked)
    reasons = (*standing.reasons, *standing.others)
    return Verdict(alone.file, state, reasons, unchecked, alone.result, foreign=standing.foreign)


def judge_alone(path: Path, folder: Path) -> Verdict:
    """Judge one result file by what lies beside it alone: its place, its scores and its predictions; parameters as in `judge`."""
    name = str(path.relative_to(folder))
    try:
        result = ResultStore.read(path)
    except DataMissing as error:
        return Verdict(name, DAMAGED, (str(error),))
    wrong = [*_misplaced(result, path, folder), *_wrong_scores(result)]
    return Verdict(name, DAMAGED if wrong else HOLDS, tuple(wrong), tuple(_wrong_clock(result)), result)


def _misplaced(result: RunResult, path: Path, folder: Path) -> Iterator[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    stated, place = document.get("run_id"), result.cell.file_name
    if stated != result.run_id:
        yield f"run_id is {stated!r}, its spec has {result.run_id!r}"
    if is_changed(document):
        yield "it was changed after it was written"
    if not lies_right(path, folder, place):
        twice = "; another file is there" if (folder / place).is_file() else ""
        yield f"its spec belongs into {place!r}{twice}"


def _wrong_clock(result: RunResult) -> Iterator[str]:
    """Say where a row names a day to come."""
    date, now = str(result.provenance.get("started_utc", "")), datetime.now(UTC)
    if date > (now + timedelta(days=1)).isoformat():
        yield f"its date, {date[:10]}, has not come yet: the clock of its machine was wrong, or this one's ({now.date()}) is"


def _wrong_scores(result: RunResult) -> Iterator[str]:
    seeds = len(result.cell.seeds)
    if result.status == OK and not result.scores:
        yield "it is finished and has no scores"
    for metric, numbers in result.scores.items():
        if len(numbers) != seeds:
            yield f"{metric} has {counted(len(numbers), 'number')} for {counted(seeds, 'seed')}"
    yield from wrong_gains(result)
    yield from wrong_probe(result)
    yield from _wrong_predictions(result)


def _wrong_predictions(result: RunResult) -> Iterator[str]:
    if result.file is None or result.status != OK or not predictions_beside(result.file).is_file():
        return
    try:
        found = rescored(result, ResultStore.read_predictions(result.file, result.cell))
        if changed := changed_predictions(predictions_beside(result.file)):
            yield changed
    except DataMissing as error:
        yield str(error)
        return
    except (KeyError, ValueError, TypeError) as error:
        yield f"its predictions are not those of its task ({type(error).__name__}: {error})"
        return
    gap = largest_gap(result.scores, found)
    if gap > ROUNDING:
        yield f"its predictions give other scores (by {gap:.2g} of 1 + |score|, rounding explains {ROUNDING:g})"


@dataclass(frozen=True)
class _Standing:
    """Why a result is old, what stand-ins are others today, what could not be told, and whether its plugins are not here."""

    reasons: list[str]
    others: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    foreign: bool = False


def _standing(result: RunResult, elsewhere: Elsewhere, bench: Workbench) -> _Standing:
    cell, places = result.cell, elsewhere.beside(result)
    try:
        order = order_of(cell, places)
    except UrbanbenchError as error:
        unknown = [] if result.versions else ["no versions recorded"]
        told = [f"cannot be made from today's plugins: {error}"]
        return _Standing(unknown, unchecked=told, foreign=isinstance(error, UnknownName | PluginBroken))
    reasons = [*differing_fields(cell, order), *older_versions(result, versions_of(order))]
    if result.status != OK:
        return _Standing(reasons)
    if absent := absent_city(cell, places):
        return _Standing(reasons, unchecked=[absent])
    return _with_data(result, order, bench, reasons)


def _with_data(result: RunResult, order: Order, bench: Workbench, reasons: list[str]) -> _Standing:
    try:
        now, variant = rests_on_today(order, bench)
    except UrbanbenchError as error:
        return _Standing([*reasons, f"today it cannot be run: {error}"])
    others = [] if variant is None else other_encoders(result, variant)
    return _Standing([*reasons, *stale_data(result, now)], others)
