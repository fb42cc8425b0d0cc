"""Labels as tasks: ``label:executives`` asks for a city's label of that name, without any code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.card import TaskCard
from urbanbench.errors import UnknownName
from urbanbench.registry.cities import MANIFEST, city_folder
from urbanbench.registry.plugins import listing, load_class
from urbanbench.registry.words import is_glob
from urbanbench.task import Task

if TYPE_CHECKING:
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["SCHEME", "LabelTask", "expand_labels", "is_label", "label_tasks", "load_task", "task_of_label"]

SCHEME = "label:"


class LabelTask(Task):
    """The task that a label is by itself: kind, level and note are those of its entry in city.json.

    It withholds what built-in tasks that ask for the same label withhold, and of buildings their own tags, which mostly hold the answer.
    """


def is_label(word: str) -> bool:
    """Tell whether a word names a label as a task."""
    return word.startswith(SCHEME)


def task_of_label(word: str, city: str) -> Task:
    """Return the task of a label.

    Parameters
    ----------
    word
        ``label:`` and the label's name.
    city
        A city word, as `urbanbench.registry.open_city` takes it. Where the city has no such label, or none is named, the task is one that
        it refuses.

    Raises
    ------
    UnknownName, DataMissing
        No such city.
    """
    name = word.removeprefix(SCHEME)
    info = _labels(city).get(name) if city else None
    card = _card(name, info) if info is not None else _unknown(name)
    made: Task = type("LabelTask", (LabelTask,), {"card": card, "__doc__": card.question})()
    return made


def load_task(word: str, city: str = "") -> Task:
    """Return a task by name, by path to its file, or a city's label by ``label:NAME``.

    Raises
    ------
    UnknownName
        No such name.
    PluginBroken
        The plugin does not load; the message holds the reason.
    """
    task: Task = task_of_label(word, city) if is_label(word) else load_class("task", word)()
    return task


def label_tasks(city: str) -> dict[str, TaskCard]:
    """Return a city's labels as tasks: word to card, in the order of city.json."""
    return {f"{SCHEME}{name}": _card(name, info) for name, info in _labels(city).items()}


def expand_labels(tasks: Iterable[str], cities: Sequence[str]) -> list[str]:
    """Turn globs over labels (``label:*``) into words, and check that each label stands in one of the cities at least.

    Parameters
    ----------
    tasks
        Task words; those that name no label are kept as they are.
    cities
        City words.

    Raises
    ------
    UnknownName
        No city has such a label.
    """
    chosen: list[str] = []
    for word in tasks:
        if not is_label(word):
            chosen.append(word)
            continue
        known = list(dict.fromkeys(name for city in cities for name in label_tasks(city)))
        fitting = [name for name in known if fnmatchcase(name, word)] if is_glob(word) else [word]
        if not fitting or not set(fitting) <= set(known):
            kind = "label"
            raise UnknownName(kind, word, known)
        chosen += fitting
    return list(dict.fromkeys(chosen))


def _card(name: str, info: LabelInfo) -> TaskCard:
    return TaskCard(
        title=name.replace("_", " ").capitalize(),
        question=f"Which {name.replace('_', ' ')} does a {info.level.replace('_', ' ')} have?",
        label=name,
        kind=info.kind,
        level=info.level,
        withholds=_withheld(name, info.level),
        note=info.note,
    )


def _unknown(name: str) -> TaskCard:
    return TaskCard(title=name, question="", label=name, kind="regression")


def _withheld(name: str, level: str) -> tuple[str, ...]:
    words = {"target_building"} if level == "building" else set()
    for entry in listing("task"):
        if isinstance(entry.card, TaskCard) and entry.origin == "built in" and entry.card.label == name:
            words |= set(entry.card.withholds)
    return tuple(sorted(words))


def _labels(city: str) -> Mapping[str, LabelInfo]:
    manifest = city_folder(city) / MANIFEST
    return _read_labels(manifest, manifest.stat().st_mtime_ns) if manifest.is_file() else {}


@cache
def _read_labels(manifest: Path, _mtime_ns: int) -> Mapping[str, LabelInfo]:
    """Read the labels' entries; what is wrong with others is told when the city is opened."""
    from urbanbench.city.folder.manifest import read_manifest

    found, _ = read_manifest(manifest.parent)
    return found.labels if found is not None else {}
