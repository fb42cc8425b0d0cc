"""Checks of tasks and cities by their words, in a process of its own for one from elsewhere; what kind of plugin a file holds is read, not run."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path
from typing import Any

from urbanbench.apart import keeping, state_kept
from urbanbench.errors import CityFaults, Conformance, RunRefused, UrbanbenchError
from urbanbench.reasons import place_in, told
from urbanbench.registry import (
    build_city,
    city_folder,
    city_path,
    face_of,
    file_of,
    is_foreign,
    is_label,
    is_source_file,
    load_task,
    make_source,
    names,
    open_city,
    sound,
    source_path,
)
from urbanbench.registry.kinds import KINDS
from urbanbench.run.checking_apart import Held, checked_apart
from urbanbench.source import CitySource

__all__ = ["check_city_word", "check_task_word", "kind_of"]


def kind_of(word: str) -> str:
    """Tell what a word names: "model", "task" or "city".

    A file is what its classes say that they are; a folder and the name of a city is a city; what nobody knows is taken for a model.
    """
    file = source_path(word)
    if file is not None and file.is_file():
        return _kind_in(file)
    if is_label(word) or (word not in names("model") and word.replace("_", "-") in names("task")):
        return "task"
    plain = word.replace("_", "-")
    if plain not in names("model") and (_is_folder(word) or plain.partition(":")[0] in names("city")):
        return "city"
    return "model"


def _is_folder(word: str) -> bool:
    path = city_path(word)
    return path is not None and path.is_dir()


def _kind_in(file: Path) -> str:
    """Read which contract the classes of a file name as their base."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return "model"
    bases = {
        ast.unparse(base).rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    }
    found = [kind for kind, known in KINDS.items() if known.contract[1] in bases]
    return found[0] if len(found) == 1 else "model"


def check_task_word(word: str, city: str, held: Held) -> str:
    """Check a task on a city and return the rule that it breaks; "" where it keeps them all.

    Raises
    ------
    UnknownName, DataMissing, PluginBroken
        There is no such task or city, or it does not load.
    RunRefused
        The city lacks its label.
    """
    if is_label(word) or not (keeping().foreign and is_foreign("task", word)):
        return _task_here((word, city), held)
    face = sound(face_of("task", word, city))
    return checked_apart(_task_here, (word, city), [file_of(face)], held)


def _task_here(words: tuple[Any, ...], held: Held) -> str:
    from urbanbench.checks import check_task

    word, city = words
    task, opened, rules = load_task(word, city), open_city(city), list[str]()
    try:
        with state_kept():
            check_task(task, opened, held=rules.append)
    except Conformance as broken:
        return str(broken)
    except (KeyboardInterrupt, RunRefused):
        raise
    except Exception as error:  # noqa: BLE001 - the task's own code
        return f"{word} fails: {told(error)}{place_in(error, [file_of(task)])}"
    finally:
        _tell(rules, held)
    return ""


def _tell(rules: list[str], held: Held) -> None:
    """Tell what held after the plugin's code has ended: until then what is printed goes where its own prints go."""
    for rule in rules:
        held("", rule)


def check_city_word(word: str, held: Held) -> str:
    """Check a city and return what is wrong with it; "" for a sound one. What builds a city is asked to build it twice.

    Raises
    ------
    UnknownName, DataMissing
        There is none.
    """
    if city_path(word) is not None or not (
        is_source_file(word) or word.partition(":")[0].replace("_", "-") in names("city")
    ):
        found: list[str] = []
        problem = _faults(city_folder(word), found)
        _tell(found, held)
        return problem
    file = source_path(word)
    if not (keeping().foreign and (file is not None or is_foreign("city", word))):
        return _source_here((word,), held)
    return checked_apart(_source_here, (word,), [file.resolve()] if file is not None else [], held)


def _source_here(words: tuple[Any, ...], held: Held) -> str:
    (word,) = words
    source, rules = make_source(word), list[str]()
    try:
        with state_kept(), tempfile.TemporaryDirectory(prefix="urbanbench-") as scratch:
            return _check_built(source, Path(scratch), rules)
    except (KeyboardInterrupt, UrbanbenchError):
        raise
    except Exception as error:  # noqa: BLE001 - the source's own code
        return f"{word} fails: {told(error)}{place_in(error, [file_of(source)])}"
    finally:
        _tell(rules, held)


def _check_built(source: CitySource, scratch: Path, rules: list[str]) -> str:
    first, second = (build_city(source, scratch / name) for name in ("first", "second"))
    if problem := _faults(first, rules):
        return problem
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    again = {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    other = sorted(
        file for file in files & again if (first / file).read_bytes() != (second / file).read_bytes()
    )
    if files != again or other:
        odd = [*other, *sorted(files ^ again)]
        return f"{type(source).__name__} builds {str(odd[0])!r} otherwise the second time. Expected the same bytes for the same fields. Mend: no randomness but that of a seed, no times."
    rules.append("the same fields build the same bytes")
    return ""


def _faults(folder: Path, rules: list[str]) -> str:
    from urbanbench.checks import check_city
    from urbanbench.city.city import City

    try:
        check_city(City.open(folder))
    except CityFaults as faults:
        return str(faults)
    rules.append("the folder has no faults")
    return ""
