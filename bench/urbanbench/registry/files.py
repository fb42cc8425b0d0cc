"""Plugin files: run one as a module and find the class it defines."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from urbanbench.errors import PluginBroken
from urbanbench.hashing import value_digest
from urbanbench.registry.kinds import Kind

__all__ = ["carded", "import_file", "only_class"]


def import_file(path: Path) -> ModuleType:
    """Run a plugin file as a module of its own."""
    stem = re.sub(r"\W", "_", path.stem)
    name = f"urbanbench_file_{stem}_{value_digest(str(path))[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{str(path)!r} is no Python file. Expected a path that ends in .py."
        raise PluginBroken(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and get_type_hints look the module up while the body runs
    spec.loader.exec_module(module)
    return module


def only_class(module: ModuleType, kind: Kind) -> type:
    """Return the one public subclass of the kind's contract that a module defines.

    Raises
    ------
    PluginBroken
        None or several.
    """
    found = list(_public_subclasses(vars(module).values(), module.__name__, kind.base))
    if len(found) != 1:
        listed = ", ".join(one.__name__ for one in found) or "none"
        msg = (
            f"The {kind.word} plugin {module.__file__!r} defines {len(found)} public {kind.base.__name__} subclasses ({listed}). "
            f"Expected exactly one; start the names of the others with an underscore."
        )
        raise PluginBroken(msg)
    return found[0]


def carded(plugin: type, kind: Kind) -> type:
    """Return the class where it says of itself what its contract asks for.

    Raises
    ------
    PluginBroken
        It is no subclass of the contract, or has no card.
    """
    if not (isinstance(plugin, type) and issubclass(plugin, kind.base)):
        msg = f"The {kind.word} plugin {getattr(plugin, '__name__', plugin)!r} is no {kind.base.__name__}. Expected a subclass of it."
        raise PluginBroken(msg)
    card = getattr(plugin, "card", None)
    if kind.card is not None and not isinstance(card, kind.card):
        wanted = kind.card.__name__
        msg = (
            f"The {kind.word} plugin {plugin.__name__!r} has no card. Expected a class attribute `card` of type {wanted}, "
            f"got {type(card).__name__}. Mend: card = {wanted}(title=..., {kind.example})."
        )
        raise PluginBroken(msg)
    return plugin


def _public_subclasses(values: Iterable[Any], module: str, base: type) -> Iterator[type]:
    for value in values:
        ours = isinstance(value, type) and issubclass(value, base) and value.__module__ == module
        if ours and not value.__name__.startswith("_") and not inspect.isabstract(value):
            yield value
