"""From objects to words: models, tasks and cities that somebody holds in hand, as the command line would name them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from urbanbench.city.city import City
from urbanbench.errors import BadInput
from urbanbench.model import Model, settings_between
from urbanbench.registry.cities import city_word_of
from urbanbench.registry.given import GivenVectors
from urbanbench.registry.label_tasks import SCHEME as LABEL
from urbanbench.registry.label_tasks import LabelTask
from urbanbench.registry.live import live_word
from urbanbench.registry.plugins import BUILT_IN, load_class, names, origin_of
from urbanbench.task import Task

__all__ = ["city_word_for", "model_words", "task_word"]

_FILE_MODULE = "urbanbench_file_"
Settings = tuple[tuple[str, str], ...]


def model_words(model: Any) -> tuple[str, str, Settings]:
    """Name a model.

    Parameters
    ----------
    model
        A word, a path, a model, or a class of models.

    Returns
    -------
    tuple[str, str, tuple[tuple[str, str], ...]]
        The word, the preset ("" for the usual one) and the parameters that differ from it, as `urbanbench.result.RunSpec` has them.

    Raises
    ------
    BadInput
        Something else, or a model whose parameters cannot be written as words.
    """
    if isinstance(model, str | Path):
        return _path_word(model), "", ()
    if isinstance(model, type) and issubclass(model, Model):
        return _plugin_word("model", model), "", ()
    if isinstance(model, Model):
        word = _plugin_word("model", type(model))
        return word, *_parameters(model)
    raise _no_such("model", model, "a name, a path, a model or its class")


def task_word(task: Any) -> str:
    """Name a task: a word, a path, a task, or its class.

    Raises
    ------
    BadInput
        Something else.
    """
    if isinstance(task, str | Path):
        return _path_word(task)
    kind = task if isinstance(task, type) else type(task)
    if issubclass(kind, LabelTask):
        return f"{LABEL}{kind.card.label}"
    if issubclass(kind, Task):
        return _plugin_word("task", kind)
    raise _no_such("task", task, "a name, a path, a task or its class")


def city_word_for(city: Any) -> str:
    """Name a city: a word, a path, or an opened city.

    Raises
    ------
    BadInput
        Something else.
    """
    if isinstance(city, City):
        return city_word_of(city.path)
    if isinstance(city, str | Path):
        return _path_word(city)
    raise _no_such("city", city, "a name, a path or an opened city")


def _path_word(word: str | Path) -> str:
    return str(word.expanduser().absolute()) if isinstance(word, Path) else word


def _plugin_word(kind: str, plugin: type) -> str:
    """Return a registered class's name, the path of one that was read from a file, or a word of this session."""
    if issubclass(plugin, GivenVectors):
        return str(plugin.vectors_file)
    package, _, stem = plugin.__module__.rpartition(".")
    if package == f"urbanbench.{kind}s":
        return stem.replace("_", "-")
    if plugin.__module__.startswith(_FILE_MODULE):
        return str(sys.modules[plugin.__module__].__file__)
    offered = (name for name in names(kind) if origin_of(kind, name) != BUILT_IN and "@" not in name)
    return next((name for name in offered if load_class(kind, name) is plugin), "") or live_word(kind, plugin)


def _parameters(model: Model) -> tuple[str, Settings]:
    """Return the preset that a model is nearest to, and what differs from it."""
    kind, wanted = type(model), model.parameters()
    found = [(preset, _differing(kind, preset, wanted)) for preset in kind.presets or ("",)]
    preset, settings = min(found, key=lambda one: len(one[1]))
    if kind.from_settings(preset, dict(settings)).parameters() != wanted:
        msg = (
            f"The model {model!r} has parameters that no --set can write. Expected numbers, texts, true, false, None and flat lists of them. "
            "Mend: give its name or its class, and `settings`."
        )
        raise BadInput(msg)
    return preset, settings


def _differing(kind: type[Model], preset: str, wanted: Mapping[str, Any]) -> Settings:
    try:
        usual = kind.from_settings(preset).parameters()
    except TypeError:  # a model that cannot be built without parameters
        usual = {}
    return settings_between(usual, wanted)


def _no_such(kind: str, found: object, expected: str) -> BadInput:
    return BadInput(f"The {kind} is {found!r}, of type {type(found).__name__}. Expected {expected}.")
