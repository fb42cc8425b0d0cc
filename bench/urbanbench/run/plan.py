"""Planning: the cells of a table, with the floors that belong beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from urbanbench.card import ModelCard
from urbanbench.inputs import FULL, parse_inputs
from urbanbench.parity.contract import DEFAULT
from urbanbench.registry import Face, entries, face_of, open_city
from urbanbench.result import BEST_FLOOR, RunSpec
from urbanbench.run.admission import refusal
from urbanbench.run.rooms import Room, room_of

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["Plan", "open_cities", "plan", "trainings_of", "with_adds", "with_floors", "with_probes"]

ALWAYS_ALLOWED = frozenset({"coordinates"})
"""Inputs floors may use in every run. A floor that the run's inputs do not curtail is run once, with inputs "full", for all."""


@dataclass(frozen=True)
class Plan:
    """What the command line asks for: every combination of these words.

    Parameters
    ----------
    models, tasks, cities, inputs, splits, heads
        Words, already expanded; each input set is one word, "full" or names joined by commas.
    preset, settings, seeds, block_size_m, name, train_city
        As in `RunSpec`, the same for all cells.
    model_seeds
        One training each; of models that do not train the first alone.
    beside
        Whether every model is also scored together with the best floor; under the default protocol.
    probes
        What is asked of every model's vectors beside its plain score; under the default protocol.
    protocols
        Words: "default", which the splits, heads, seeds and block size are for, and names of papers' protocols.
    """

    models: Sequence[str]
    tasks: Sequence[str]
    cities: Sequence[str] = ("toyville",)
    inputs: Sequence[str] = (FULL,)
    splits: Sequence[str] = ("random",)
    heads: Sequence[str] = ("mlp",)
    preset: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    seeds: tuple[int, ...] = tuple(range(10))
    block_size_m: float | None = None
    model_seeds: Sequence[int] = (0,)
    beside: bool = False
    probes: Sequence[str] = ()
    name: str = ""
    protocols: Sequence[str] = (DEFAULT,)
    train_city: str = ""


def plan(asked: Plan) -> list[RunSpec]:
    """Return one spec per combination: cities outermost, then tasks, protocols, splits, inputs, models, trainings and heads."""
    found = [
        RunSpec(
            model=model,
            task=task,
            city=city,
            preset=asked.preset,
            settings=asked.settings,
            inputs=inputs,
            model_seed=model_seed,
            name=asked.name,
            protocol=protocol,
            train_city=asked.train_city,
            **scoring,
        )
        for city, task, protocol in product(asked.cities, asked.tasks, asked.protocols)
        for split, inputs, (model, model_seed), head in _combined(asked, protocol)
        for scoring in [_scoring(asked, protocol, split, head)]
    ]
    found = with_probes(found, asked.probes)
    return with_adds(found) if asked.beside else found


def _combined(asked: Plan, protocol: str) -> Iterable[tuple[str, str, tuple[str, int], str]]:
    """Return split, input set, training and head of every cell; a paper's protocol has one split and head of its own."""
    splits, heads = (asked.splits, asked.heads) if protocol == DEFAULT else ([""], [""])
    trainings = [(model, seed) for model in asked.models for seed in trainings_of(model, asked.model_seeds)]
    return product(splits, asked.inputs, trainings, heads)


def trainings_of(model: str, seeds: Sequence[int]) -> Sequence[int]:
    """Return the seeds a model is trained with, of those asked for: all of them, or the first where another changes nothing."""
    return seeds if face_of("model", model).card.seeded else seeds[:1]


def with_adds(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """Put behind every learned model's cell the one that scores it together with the best floor.

    Cells of floors and of papers' protocols have none.
    """
    found = []
    for spec in specs:
        found.append(spec)
        card = face_of("model", spec.model).card
        if spec.protocol == DEFAULT and not (spec.beside or spec.probe) and not card.floor and not card.head:
            found.append(replace(spec, beside=BEST_FLOOR))
    return found


def with_probes(specs: Sequence[RunSpec], probes: Sequence[str]) -> list[RunSpec]:
    """Put behind every plain cell those that ask its vectors a probe each.

    Cells of papers' protocols have none, and a model that is nothing but its head has no vectors to be asked.
    """
    from urbanbench.scoring.probes.catalogue import probe_info

    found = []
    for spec in specs:
        found.append(spec)
        if spec.protocol == DEFAULT and not spec.beside and not spec.probe:
            own_head = bool(face_of("model", spec.model).card.head)
            found += [
                replace(spec, probe=one) for one in probes if not (own_head and probe_info(one).vectors)
            ]
    return found


def _scoring(asked: Plan, protocol: str, split: str, head: str) -> dict[str, Any]:
    if protocol != DEFAULT:
        return {}
    return {"split": split, "head": head, "seeds": asked.seeds, "block_size_m": asked.block_size_m}


def open_cities(specs: Sequence[RunSpec]) -> dict[str, City]:
    """Open every city the specs name, so that a missing or faulty one is told before anything runs.

    Raises
    ------
    DataMissing, CityFaults
        Of the first city that cannot be opened.
    """
    named = (word for spec in specs if _loads(spec) for word in (spec.city, spec.train_city) if word)
    return {word: open_city(word) for word in dict.fromkeys(named)}


def with_floors(specs: Sequence[RunSpec], cities: Mapping[str, City]) -> list[RunSpec]:
    """Put the fitting floors behind the specs, so that mistakes in a model show early; unless such a floor is among them already.

    Floors of a family (`ModelCard.family`) are not added but to the kind of task it belongs to. A floor fits when it can embed the task's units from inputs that the run allows and the
    city has; where a unit lies is allowed to floors in every run. It is run with each head asked for, and with the head that is chosen by
    validation score, once for all trainings; under a paper's protocol with that paper's head alone, and not at all where a floor is nothing
    but its head.

    Parameters
    ----------
    specs
        What was asked for.
    cities
        What `open_cities` gave.
    """
    if any(_stands_beside(face_of("model", spec.model).card, _room(spec)) for spec in specs):
        return list(specs)
    cards = {entry.name: entry.card for entry in entries("model") if isinstance(entry.card, ModelCard)}
    floors = {name: card for name, card in cards.items() if card.floor}
    sound = [spec for spec in specs if _loads(spec)]
    added = [floor for spec in sound for floor in _floors_of(spec, floors, cities[spec.city])]
    return list(dict.fromkeys([*specs, *added]))


def _stands_beside(card: ModelCard, room: Room) -> bool:
    """Tell whether a model is a floor of every table of a room; those of another family are run only when they are asked for."""
    return card.floor and card.family in {"", room.family}


def _room(spec: RunSpec) -> Room:
    return room_of(face_of("task", spec.task, spec.city).card.kind)


def _loads(spec: RunSpec) -> bool:
    """Tell whether a spec's plugins load; the cell of one that does not needs neither city nor floors."""
    plugins = (face_of("model", spec.model), face_of("task", spec.task, spec.city))
    return not any(isinstance(one, Face) and one.fault for one in plugins)


def _floors_of(spec: RunSpec, floors: Mapping[str, ModelCard], city: City) -> Iterable[RunSpec]:
    task, asked = face_of("task", spec.task, spec.city).card, parse_inputs(spec.inputs)
    room = room_of(task.kind)
    if not room.fits(task, city):
        return
    allowed = None if asked is None else asked | ALWAYS_ALLOWED
    for name, card in floors.items():
        if _stands_beside(card, room) and not refusal(name, card, task, city, allowed):
            inputs = FULL if allowed is None or room.inputs_of(card)[0] <= allowed else spec.inputs
            for head in _heads_of(spec, card, room):
                yield replace(
                    spec,
                    model=name,
                    inputs=inputs,
                    head=head,
                    preset="",
                    settings=(),
                    name="",
                    model_seed=0,
                    beside="",
                    probe="",
                )


def _heads_of(spec: RunSpec, card: ModelCard, room: Room) -> list[str]:
    if spec.protocol != DEFAULT:
        return [] if card.head else [spec.head]
    return room.heads_beside(spec.head, card.head)
