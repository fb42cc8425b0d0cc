"""The contract of an experiment, and what a reader may choose about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from urbanbench.errors import BadInput
from urbanbench.experiments.kinds.report import Report
from urbanbench.result import RunResult, RunSpec
from urbanbench.result_folders import RUNS

__all__ = ["NO_ITEM", "Choice", "Experiment"]

NO_ITEM = "none"
"""The item of an experiment that no paper has."""


@dataclass(frozen=True)
class Choice:
    """What the command line chose; empty tuples leave the experiment's own lists.

    Parameters
    ----------
    cities, tasks, splits, heads
        Words as `urbanbench.result.RunSpec` takes them.
    seeds
        Seeds of splits and heads.
    preset
        Preset of the models; "" for each model's default.
    settings
        (name, text) pairs for every model that has a parameter of that name; a row's own settings win.
    models
        Models, as words of a run, for an experiment that is asked of any.
    model_seeds
        Seeds of the models' own training, one training each; empty: seed 0 is run, and all trainings that are there are shown.
    out
        Results folder that is run into; what an experiment computes for itself lies there too.
    device
        "cpu" or "cuda", for an experiment that computes something of its own.
    """

    cities: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    seeds: tuple[int, ...] = tuple(range(10))
    preset: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()
    model_seeds: tuple[int, ...] = ()
    out: Path = RUNS
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Experiment(ABC):
    """A table or figure of the paper, as data: which cells it needs and how they are shown.

    Parameters
    ----------
    name
        Word on the command line.
    title
        Name for people.
    item
        Table or figure of the paper, `NO_ITEM` where it has none.
    question
        What it answers, in one sentence.
    cities, tasks, splits, heads
        What is run when nothing else is chosen. Cities that are not on this machine are then left out.
    floors
        Whether the fitting floors are run beside the cells.
    any_model
        Whether it is asked of the models that are chosen, where some are; else its rows are its own.
    notes
        What a reader must know, one sentence each; printed under every report.
    """

    name: str
    title: str
    item: str
    question: str
    cities: tuple[str, ...] = ("toyville",)
    tasks: tuple[str, ...] = ("popdensity",)
    splits: tuple[str, ...] = ("random", "block")
    heads: tuple[str, ...] = ("mlp",)
    floors: bool = True
    any_model: bool = False
    notes: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The title, with the paper's table or figure behind it where there is one."""
        return self.title if self.item == NO_ITEM else f"{self.title} ({self.item})"

    def settled(self, choice: Choice) -> Choice:
        """Fill the choice's empty lists with this experiment's own.

        Raises
        ------
        BadInput
            Models are chosen for an experiment whose rows are its own.
        """
        if choice.models and not self.any_model:
            msg = f"--model got {', '.join(choice.models)} with experiment {self.name!r}. Expected none: its rows are its own. Mend: leave --model out."
            raise BadInput(msg)
        own = {name: getattr(self, name) for name in ("cities", "tasks", "splits", "heads")}
        return replace(choice, **{name: getattr(choice, name) or words for name, words in own.items()})

    def prepare(self, choice: Choice) -> None:
        """Make what the cells need before they are run, for example a derived city folder; nothing by default."""
        del choice

    @abstractmethod
    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return every cell, without floors, of a settled choice.

        Nothing is opened or computed here. A model or parameter this version does not have may be named: such cells are not
        run, and shown as such.
        """

    def fitting(self, specs: Sequence[RunSpec]) -> list[RunSpec]:
        """Leave out cells that say nothing in their city; none by default. Cities may be opened here."""
        return list(specs)

    @abstractmethod
    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Lay out what is there; must not run anything.

        Parameters
        ----------
        results
            All results of the folder ``choice.out``, also those of other runs and of floors;
            `urbanbench.experiments.kinds.shelf.Shelf` finds cells among them.
        choice
            A settled choice.
        """
