"""The ladder: every rung that a city and a task allow, and why the others are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, RunRefused
from urbanbench.parity.contract import DEFAULT
from urbanbench.registry import is_foreign, load_task
from urbanbench.run.split_ground import group_columns, targets_for
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import IN_ONE_CITY, LADDER, SPLITS, make_splits
from urbanbench.task import labelled_targets

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.result import RunSpec
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets
    from urbanbench.task import Task

__all__ = ["Rungs", "rungs_of", "splits_of", "with_rungs"]

_GROUPS_OF_A_KIND = 5


@dataclass(frozen=True)
class Rungs:
    """What a ladder has.

    Parameters
    ----------
    words
        Split words, from the lowest rung.
    left_out
        Split words and why this city or task does not allow them.
    """

    words: tuple[str, ...]
    left_out: Mapping[str, str]


def rungs_of(
    targets: Targets,
    city: City,
    label: str,
    seeds: Sequence[int],
    block_size_m: float | None = None,
    fractions: tuple[float, float, float] | None = None,
) -> Rungs:
    """Try every rung on a task's units, with each thing that they can be grouped by.

    Groupings that are the same for all units are tried once. Parcels are no rung of their own: no split ever cuts one.

    Parameters
    ----------
    targets, city, label
        The labelled units, their city and the label's name.
    seeds, block_size_m, fractions
        As in the run's protocol.
    """
    words, left_out = [], {}
    known: list[np.ndarray] = []
    for word in _candidates(city, targets.level, label):
        try:
            fitted = targets_for(word, targets, city, label)
            if word.startswith("group"):
                _check_grouping(fitted, known)
            make_splits(
                fitted, Protocol(word, seeds=tuple(seeds), block_size_m=block_size_m, fractions=fractions)
            )
        except (BadInput, RunRefused) as error:
            left_out[word] = str(error)
        else:
            words.append(word)
    return Rungs(tuple(words), left_out)


def with_rungs(specs: Sequence[RunSpec], cities: Mapping[str, City]) -> tuple[list[RunSpec], list[str]]:
    """Put the rungs of its city and task in place of each spec that asks for the ladder, and say what is left out.

    Parameters
    ----------
    specs
        What was asked for.
    cities
        What `urbanbench.run.plan.open_cities` gave.

    Returns
    -------
    specs
        Without the word "ladder", each once. A task that the city does not have keeps one row, which says so.
    said
        A sentence for each rung that is left out.
    """
    found: dict[tuple[object, ...], Rungs] = {}
    every, said = [], []
    for spec in specs:
        if spec.protocol != DEFAULT or spec.split != LADDER:
            every.append(spec)
            continue
        key = (spec.city, spec.task, tuple(spec.seeds), spec.block_size_m)
        if key not in found:
            found[key] = _rungs(spec, cities)
            said += [
                f"Left out of the ladder of {spec.city} · {spec.task}: {word}. {reason}"
                for word, reason in found[key].left_out.items()
            ]
        every += [replace(spec, split=word) for word in found[key].words]
    return list(dict.fromkeys(every)), said


def splits_of(
    task: Task, city: City, words: Sequence[str], seeds: Sequence[int]
) -> tuple[dict[str, list[Split]], dict[str, str]]:
    """Cut a task's units by several words, the ladder among them.

    Returns
    -------
    splits
        Split word to one split per seed.
    left_out
        Split words and why this city or task does not allow them.

    Raises
    ------
    RunRefused
        The city does not have the task's label.
    """
    label, fractions = task.card.label, task.protocol.fractions
    targets = labelled_targets(task, city)
    made: dict[str, list[Split]] = {}
    left_out: dict[str, str] = {}
    for word in words:
        rungs = [word]
        if word == LADDER:
            climbed = rungs_of(targets, city, label, seeds, fractions=fractions)
            rungs, left_out = list(climbed.words), left_out | dict(climbed.left_out)
        for rung in rungs:
            try:
                fitted = targets_for(rung, targets, city, label)
                made[rung] = make_splits(fitted, Protocol(rung, seeds=tuple(seeds), fractions=fractions))
            except (BadInput, RunRefused) as error:
                left_out[rung] = str(error)
    return made, left_out


def _rungs(spec: RunSpec, cities: Mapping[str, City]) -> Rungs:
    if spec.city not in cities:  # a plugin that does not load: its cells need no city
        return Rungs(("random",), {})
    if is_foreign("task", spec.task):  # its code runs in another process: every rung is tried there
        return Rungs(IN_ONE_CITY, {})
    task, city = load_task(spec.task, spec.city), cities[spec.city]
    try:
        targets = labelled_targets(task, city)
    except RunRefused:
        return Rungs(("random",), {})
    fractions = task.protocol.fractions
    return rungs_of(targets, city, task.card.label, spec.seeds, spec.block_size_m, fractions)


def _candidates(city: City, level: str, label: str) -> list[str]:
    further = [f"group:{column}" for column in group_columns(city, level, label)]
    words = list(SPLITS)
    at = words.index("group") + 1
    return [*words[:at], *further, *words[at:]]


def _check_grouping(targets: Targets, known: list[np.ndarray]) -> None:
    """Refuse a grouping that repeats an earlier one, or that leaves nearly every unit by itself.

    Raises
    ------
    RunRefused
        It is no rung of its own.
    """
    if targets.groups is None:
        return
    numbers = np.unique(targets.groups, return_inverse=True)[1].ravel()
    if any(_alike(numbers, other) for other in known):
        msg = "Its groups are those of an earlier rung."
        raise RunRefused(msg)
    if len(numbers) < 2 * (numbers.max() + 1) and numbers.max() >= _GROUPS_OF_A_KIND:
        msg = f"It has {numbers.max() + 1} groups for {len(numbers)} units, so most units are a group by themselves."
        raise RunRefused(msg)
    known.append(numbers)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two numberings put the same units together."""
    pairs = np.unique(np.column_stack([one, other]), axis=0)
    return bool(len(pairs) == one.max() + 1 == other.max() + 1)
