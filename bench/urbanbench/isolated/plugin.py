"""Loading a plugin in its own environment."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urbanbench.model import Model

__all__ = ["ASKED", "load"]

ASKED = ("variant", "lacks", "knows_place")
"""What a model says of itself, beside its card."""


def load(file: Path, module: str) -> type[Model]:
    """Return the model of a file, or of a module of the project that the file lies in.

    Raises
    ------
    PluginBroken
        It has none, or several.
    """
    from urbanbench.registry.files import carded, import_file, only_class
    from urbanbench.registry.kinds import KINDS

    kind = KINDS["model"]
    found: type[Model] = carded(
        only_class(importlib.import_module(module) if module else import_file(file), kind), kind
    )
    return found
