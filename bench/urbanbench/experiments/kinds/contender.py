"""Contenders: the rows of an experiment in the words of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from urbanbench.errors import UrbanbenchError
from urbanbench.experiments.kinds.base import Choice
from urbanbench.inputs import FULL
from urbanbench.parity.contract import DEFAULT
from urbanbench.registry import load_model, plain_name
from urbanbench.result import RunSpec
from urbanbench.run.plan import trainings_of

__all__ = ["Contender", "Place", "cells", "chosen_rows", "places"]

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Place:
    """Where a contender is scored: city, task, split and head, as words of a run, the city it learns in ("" for the same), and the protocol, which has a split and head of its own where it is a paper's."""

    city: str
    task: str
    split: str
    head: str
    train_city: str = ""
    protocol: str = DEFAULT

    @property
    def city_name(self) -> str:
        """The city's name as results keep it."""
        return plain_name("city", self.city)


def places(choice: Choice) -> list[Place]:
    """Return every combination of a settled choice: cities outermost, then tasks, splits and heads."""
    combined = product(choice.cities, choice.tasks, choice.splits, choice.heads)
    return [Place(*words) for words in combined]


@dataclass(frozen=True)
class Contender:
    """One row: a model with what is changed about it.

    Parameters
    ----------
    label
        What the row is called.
    model
        Registered name or path; one this version does not have is shown as such.
    settings
        (name, text) pairs that change single parameters.
    inputs
        "full" or input names joined by commas.
    published
        The row's name in the paper's tables, "" where the paper has no such row.
    group
        Title of the table it stands in.
    needs
        Inputs without which the row does not say what its label says; a run that saw less is not shown.
    without
        Inputs that the row leaves out of the full model; told when the city has none of them anyway.
    """

    label: str
    model: str
    settings: Settings = ()
    inputs: str = FULL
    published: str = ""
    group: str = "Models"
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def spec(self, choice: Choice, place: Place) -> RunSpec:
        """Return the contender's cell at a place."""
        chosen = dict(_known_to(self.model, choice.settings)) | dict(self.settings)
        spec = RunSpec(
            model=self.model,
            task=place.task,
            city=place.city,
            preset=choice.preset,
            settings=tuple(sorted(chosen.items())),
            inputs=self.inputs,
            model_seed=next(iter(choice.model_seeds), 0),
            protocol=place.protocol,
            train_city=place.train_city,
        )
        if place.protocol != DEFAULT:
            return spec
        return replace(spec, split=place.split, head=place.head, seeds=choice.seeds)

    def trainings(self, choice: Choice, place: Place) -> list[RunSpec]:
        """Return a cell for each training that is asked for; the first alone of a model that does not train."""
        first = self.spec(choice, place)
        try:
            seeds = trainings_of(self.model, choice.model_seeds)
        except UrbanbenchError:  # no such model here
            seeds = ()
        return [first, *(replace(first, model_seed=seed) for seed in seeds[1:])]

    def changed(self, label: str, **settings: str) -> Contender:
        """Return the contender under another label with further settings."""
        return replace(self, label=label, settings=tuple((dict(self.settings) | settings).items()))


def chosen_rows(choice: Choice, own: Sequence[Contender], inputs: str = FULL) -> tuple[Contender, ...]:
    """Return a row for each model that is chosen, which is offered `inputs`; an experiment's own rows where none is."""
    chosen = (Contender(plain_name("model", word), word, inputs=inputs) for word in choice.models)
    return tuple(chosen) or tuple(own)


def cells(rows: Iterable[Contender], where: Iterable[Place], choice: Choice) -> list[RunSpec]:
    """Return the cells of rows at places, place by place, every training one."""
    return [spec for place, row in product(where, rows) for spec in row.trainings(choice, place)]


def _known_to(model: str, settings: Settings) -> Iterable[tuple[str, str]]:
    """Return the settings that name parameters of a model; none of a model that is not there."""
    try:
        known = {one.name for one in dataclasses.fields(load_model(model))}
    except (UrbanbenchError, TypeError):  # no such model here, or one without parameters
        return []
    return [(name, text) for name, text in settings if name in known]
