"""urbanbench: compare urban representation models behind one embed interface.

Names are loaded at first use, so that ``import urbanbench`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.api import compare, embed, evaluate, leaderboard, load_city, load_results, run
    from urbanbench.card import ModelCard, TaskCard
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.errors import UrbanbenchError
    from urbanbench.model import Model
    from urbanbench.registry import load_model, load_task, open_city
    from urbanbench.result import RunResult, RunSpec
    from urbanbench.run import execute
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets
    from urbanbench.source import CitySource
    from urbanbench.space import EmbeddingSpace
    from urbanbench.store import ResultStore
    from urbanbench.task import Task
    from urbanbench.units import Units

__version__ = "0.1.0"

_HOMES = {
    "City": "urbanbench.city.city",
    "CitySource": "urbanbench.source",
    "EmbeddingSpace": "urbanbench.space",
    "Model": "urbanbench.model",
    "ModelCard": "urbanbench.card",
    "Protocol": "urbanbench.scoring.protocol",
    "ResultStore": "urbanbench.store",
    "RunResult": "urbanbench.result",
    "RunSpec": "urbanbench.result",
    "Targets": "urbanbench.scoring.targets",
    "Task": "urbanbench.task",
    "TaskCard": "urbanbench.card",
    "Units": "urbanbench.units",
    "UrbanbenchError": "urbanbench.errors",
    "View": "urbanbench.city.view",
    "compare": "urbanbench.api",
    "embed": "urbanbench.api",
    "evaluate": "urbanbench.api",
    "execute": "urbanbench.run",
    "leaderboard": "urbanbench.api",
    "load_city": "urbanbench.api",
    "load_model": "urbanbench.registry",
    "load_results": "urbanbench.api",
    "load_task": "urbanbench.registry",
    "open_city": "urbanbench.registry",
    "run": "urbanbench.api",
}

__all__ = [
    "City",
    "CitySource",
    "EmbeddingSpace",
    "Model",
    "ModelCard",
    "Protocol",
    "ResultStore",
    "RunResult",
    "RunSpec",
    "Targets",
    "Task",
    "TaskCard",
    "Units",
    "UrbanbenchError",
    "View",
    "__version__",
    "compare",
    "embed",
    "evaluate",
    "execute",
    "leaderboard",
    "load_city",
    "load_model",
    "load_results",
    "load_task",
    "open_city",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'urbanbench' has no attribute {name!r}. Known: {', '.join(sorted(_HOMES))}."
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Room(ModuleType):
    """The room `urbanbench.run`, which stands where the function of that name is looked for, and so can be called like it."""

    def __call__(self, *asked: Any, **more: Any) -> Any:
        return self._function(*asked, **more)

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(self._function)

    @property
    def _function(self) -> Any:
        return import_module("urbanbench.api.running").run


class _Package(ModuleType):
    """The package itself: Python sets a submodule as an attribute when it is imported, over the function that has its name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "run" and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
