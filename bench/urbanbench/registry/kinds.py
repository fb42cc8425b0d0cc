"""The kinds of plugins, and what a listing says of one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

from urbanbench.card import ModelCard, TaskCard

__all__ = ["KINDS", "VECTOR_FILES", "Entry", "Kind", "is_path"]

VECTOR_FILES = (".parquet", ".safetensors", ".csv", ".npz", ".npy")
"""Files of finished vectors; given as a model they are scored as they are."""


@dataclass(frozen=True)
class Kind:
    """A kind of plugin.

    Parameters
    ----------
    word
        What one is called: "model", "task", "city".
    folder
        Name of the plugin folder, of the package `urbanbench.<folder>` and of the entry point group.
    contract
        Module and class that a plugin subclasses.
    card
        Type of its attribute `card`; None for a kind without cards.
    example
        What a card says besides its title, for messages.
    """

    word: str
    folder: str
    contract: tuple[str, str]
    card: type | None = None
    example: str = ""

    @property
    def base(self) -> type:
        """The contract class, imported at first use."""
        module, name = self.contract
        found: type = getattr(importlib.import_module(module), name)
        return found


KINDS: Mapping[str, Kind] = {
    "model": Kind(
        "model",
        "models",
        ("urbanbench.model", "Model"),
        ModelCard,
        "summary=..., needs=('poi',), embeds=('region',)",
    ),
    "task": Kind(
        "task", "tasks", ("urbanbench.task", "Task"), TaskCard, "question=..., label=..., kind='regression'"
    ),
    "city": Kind("city", "datasets", ("urbanbench.source", "CitySource")),
}


@dataclass(frozen=True)
class Entry:
    """One row of a listing.

    Parameters
    ----------
    name
        Name on the command line.
    origin
        Where it comes from: "built in", the installed package, or a path.
    card
        The plugin's card; None for cities and for plugins that do not load.
    title
        Name for people.
    error
        Why it cannot be loaded, or None.
    """

    name: str
    origin: str
    card: ModelCard | TaskCard | None = None
    title: str = ""
    error: str | None = None


def is_path(word: str) -> bool:
    """Tell whether a word means a file or folder rather than a name: it has a slash or a plugin's suffix."""
    return "/" in word or "\\" in word or word in {".", ".."} or word.endswith((".py", *VECTOR_FILES))
