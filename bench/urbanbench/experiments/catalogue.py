"""The experiments there are, by name."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from urbanbench.errors import UnknownName
from urbanbench.experiments.kinds.base import Experiment

__all__ = ["experiment_names", "listed_experiments", "load_experiment"]

_OWN = frozenset({"__init__", "catalogue"})


def experiment_names() -> list[str]:
    """Return the names of all experiments, sorted."""
    return sorted(_loaded())


def listed_experiments() -> list[Experiment]:
    """Return all experiments, sorted by name."""
    return [_loaded()[name] for name in experiment_names()]


def load_experiment(name: str) -> Experiment:
    """Return an experiment by name.

    Raises
    ------
    UnknownName
        No such experiment.
    """
    if name not in _loaded():
        raise UnknownName("experiment", name, _loaded())
    return _loaded()[name]


@cache
def _loaded() -> dict[str, Experiment]:
    stems = [path.stem for path in sorted(Path(__file__).parent.glob("*.py"))]
    modules = [
        importlib.import_module(f"urbanbench.experiments.{stem}")
        for stem in stems
        if stem not in _OWN and not stem.startswith("_")
    ]
    return {module.EXPERIMENT.name: module.EXPERIMENT for module in modules}
