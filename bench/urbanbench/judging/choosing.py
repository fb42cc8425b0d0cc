"""From a word to rows: a model's name with parameters, a run id, or a result file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import setting_text
from urbanbench.result import OK, RunResult
from urbanbench.result_folders import latest
from urbanbench.store import ResultStore

__all__ = ["Chosen", "choose"]

_RUN = re.compile("[0-9a-f]{6,32}")
_ASKED = ("beside", "probe", "train_city")
"""What makes a row another question than a plain score."""
_CELL = {"preset", "inputs", "head", "split", "city", "task", "model_seed", *_ASKED}
"""What a word may fix beside the model's own parameters."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The finished rows that a word names, and what they are called in sentences."""

    name: str
    rows: tuple[RunResult, ...]


def choose(word: str, results: Sequence[RunResult]) -> Chosen:
    """Return the rows that a word names.

    Parameters
    ----------
    word
        A result file; a run id, or six of its first signs at least; or a model's name, with ``,name=value`` for each parameter, preset, inputs,
        head or model_seed that the rows must have, written as ``--set`` takes it but lists with ``+`` (``inputs=poi+polygon``). A parameter that is not named is that of the preset. Plain rows alone are
        taken unless beside, probe or train_city is named, and of several versions of a model the newest that a question has.
    results
        Where names and run ids are looked up.

    Raises
    ------
    UnknownName
        No result of such a model, or no such parameter.
    BadInput
        A run without scores; several runs whose ids begin so; no rows with these parameters.
    DataMissing
        A file that is not there or cannot be read.
    """
    if word.endswith(".json"):
        return _single(ResultStore.read(Path(word)))
    models = {one.cell.model for one in results}
    name, *fixed = word.split(",")
    if name not in models and not fixed and _RUN.fullmatch(word):
        return _by_run(word, results)
    if name not in models:
        raise UnknownName(
            "model", name, models, "Names are those of results; a run id or a result file will do as well."
        )
    rows = [one for one in latest(results) if one.cell.model == name and one.status == OK]
    named = {part.partition("=")[0] for part in fixed}
    rows = [one for one in rows if not any(getattr(one.cell, key) for key in _ASKED if key not in named)]
    for part in fixed:
        rows = _with(part, name, rows)
    rows = _newest(_as_the_preset_says(rows, named))
    if not rows:
        msg = f"Model {name!r} has no finished row. Expected one with scores. Mend: urbanbench run -m {name} -t TASK -c CITY"
        raise BadInput(msg)
    return Chosen(word, tuple(rows))


def _as_the_preset_says(rows: Sequence[RunResult], fixed: AbstractSet[str]) -> list[RunResult]:
    """Of rows of several settings keep those that change no parameter but the fixed ones, where there are any."""
    usual = [one for one in rows if set(one.model.get("settings") or ()) <= fixed]
    return usual or list(rows)


def _newest(rows: Sequence[RunResult]) -> list[RunResult]:
    """Keep of the rows of each question those of the model's newest version; rows that tell none are the oldest."""

    def place(row: RunResult) -> tuple[str, ...]:
        cell = row.cell
        return cell.city, cell.task, cell.split, cell.head, cell.protocol

    def version(row: RunResult) -> int:
        return int(row.versions.get("model") or 0)

    newest: dict[tuple[str, ...], int] = {}
    for one in rows:
        newest[place(one)] = max(version(one), newest.get(place(one), 0))
    return [one for one in rows if version(one) == newest[place(one)]]


def _single(row: RunResult) -> Chosen:
    if row.status != OK:
        msg = f"Run {row.run_id[:10]} ({row.cell}) is {row.status}: {row.reason} Expected a finished run."
        raise BadInput(msg)
    preset = f" ({row.cell.preset})" if row.cell.preset else ""
    return Chosen(f"{row.cell.model}{preset}", (row,))


def _by_run(word: str, results: Sequence[RunResult]) -> Chosen:
    found = [one for one in latest(results) if one.run_id.startswith(word)]
    if len(found) == 1:
        return _single(found[0])
    if not found:
        raise UnknownName("run or model", word, {one.cell.model for one in results})
    msg = f"{len(found)} run ids begin with {word!r}: {', '.join(one.run_id[:12] for one in found)}. Expected one. Mend: give more signs."
    raise BadInput(msg)


def _with(part: str, name: str, rows: Sequence[RunResult]) -> list[RunResult]:
    """Keep the rows that have a parameter's value."""
    key, equals, value = part.partition("=")
    if not equals:
        msg = f"{part!r} in {name!r} is no parameter. Expected name=value. Mend: {name},preset=small"
        raise BadInput(msg)
    known = _CELL.union(*(one.cell.parameters for one in rows))
    if key not in known:
        raise UnknownName("parameter", key, known)
    values = {_value(one, key) for one in rows}
    kept = [one for one in rows if _value(one, key) == value]
    if not kept:
        msg = f"No row of {name!r} has {key}={value}. Expected {_choices(key, values)}."
        raise BadInput(msg)
    return kept


def _choices(key: str, values: AbstractSet[str]) -> str:
    """Write the values that rows have of a parameter, as a word takes them."""
    named, ways = sorted(values - {""}), []
    if named:
        ways.append(f"one of: {', '.join(named)}")
    if "" in values:
        ways.append(f"{key}= without a value")
    return " or ".join(ways)


def _value(row: RunResult, key: str) -> str:
    cell = row.cell
    found = getattr(cell, key) if key in _CELL else cell.parameters.get(key)
    return setting_text(found).replace(",", "+")
