"""urbanbench: compare urban representation models behind one embed interface.

Names are loaded at first use, so that ``import urbanbench`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    "execute": "urbanbench.run",
    "load_model": "urbanbench.registry",
    "load_task": "urbanbench.registry",
    "open_city": "urbanbench.registry",
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
    "execute",
    "load_model",
    "load_task",
    "open_city",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'urbanbench' has no attribute {name!r}. Known: {', '.join(sorted(_HOMES))}."
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
