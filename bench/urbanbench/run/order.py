"""Order: a RunSpec whose names are resolved to plugins; nothing is opened or computed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput, UnknownName
from urbanbench.inputs import FULL, format_inputs, parse_inputs
from urbanbench.model import identifying_parameters
from urbanbench.parity.contract import DEFAULT, Paper, Question
from urbanbench.parity.papers import get_paper
from urbanbench.registry import GROUPS, Face, face_of, file_of, names, plain_name, sound
from urbanbench.registry.given import GIVEN_INPUTS, GivenVectors
from urbanbench.registry.live import is_live
from urbanbench.registry.own_code import plugin_digest
from urbanbench.result import BEST_FLOOR, Cell, RunSpec
from urbanbench.run.rooms import Room, room_of
from urbanbench.run.sharing import hidden_from
from urbanbench.vectors.files import vectors_digest

if TYPE_CHECKING:
    from urbanbench.card import TaskCard
    from urbanbench.model import Model
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.task import Task

__all__ = ["Order", "resolve"]

DEFAULT_PRESET = "small"


@dataclass(frozen=True, eq=False)
class Order:
    """A run about to happen.

    Parameters
    ----------
    spec
        The words it came from.
    cell
        What identifies its result.
    model, task
        The plugins.
    """

    spec: RunSpec
    cell: Cell
    model: Model
    task: Task

    @property
    def vectors(self) -> GivenVectors | None:
        """The model, where its vectors come from a file."""
        return self.model if isinstance(self.model, GivenVectors) else None

    @property
    def given(self) -> bool:
        """Whether the vectors come from a file."""
        return self.vectors is not None

    @property
    def passing(self) -> bool:
        """Whether neither vectors nor results of the model are gone on with: given ones, and those of a class of this session."""
        return self.given or is_live(self.spec.model)

    @property
    def changed(self) -> dict[str, Any]:
        """Parameters that were set to other values than the preset's, with these values."""
        if not self.spec.settings:
            return {}
        try:
            usual = self.model.from_settings(self.cell.preset).parameters()
        except (TypeError, ValueError):  # a model that cannot be built without them
            usual = {}
        now = self.cell.parameters
        set_here = [name for name, _ in self.spec.settings if name in now]
        return {name: now[name] for name in set_here if now[name] != usual.get(name)}

    @property
    def room(self) -> Room:
        """What is particular to tasks of this kind."""
        return room_of(self.task.card.kind)

    @property
    def source(self) -> Path:
        """The model's file."""
        return file_of(self.model)

    @property
    def foreign(self) -> bool:
        """Whether the model or the task is kept apart: a process of its own runs the cell."""
        return isinstance(self.model, Face) or isinstance(self.task, Face)

    @property
    def lives_here(self) -> bool:
        """Whether the model or the task is a class of this session, which no other process knows."""
        return is_live(self.spec.model) or is_live(self.spec.task)

    @property
    def guests(self) -> str:
        """The foreign plugins it runs, as words; a process that has met some meets no others."""
        return " ".join(one.word for one in (self.model, self.task) if isinstance(one, Face))

    def check_loaded(self) -> None:
        """Refuse to run what does not load.

        Raises
        ------
        PluginBroken
            The model or the task does not load.
        """
        for plugin in (self.model, self.task):
            sound(plugin)

    @property
    def files(self) -> list[Path]:
        """The files of the model and the task."""
        return [file_of(self.model), file_of(self.task)]

    @property
    def code(self) -> str:
        """Hash of the code the model runs, or of the file of given vectors."""
        return vectors_digest(self.source) if self.given else plugin_digest(self.source)

    @property
    def asked_inputs(self) -> frozenset[str] | None:
        """Inputs this run allows; None for all."""
        return None if self.given else parse_inputs(self.cell.inputs)

    @property
    def protocol(self) -> Protocol:
        """How the run is scored under the default protocol."""
        from urbanbench.scoring.protocol import Protocol
        from urbanbench.scoring.split import is_split_file

        cell = self.cell
        fractions = self.task.protocol.fractions
        return Protocol(
            self.spec.split if is_split_file(self.spec.split) else cell.split,
            cell.head,
            cell.seeds,
            block_size_m=cell.block_size_m,
            fractions=fractions,
        )

    @property
    def across(self) -> bool:
        """Whether the head is fitted in the train city."""
        from urbanbench.scoring.splits.city_out import is_city_out

        return self.room.fits_heads and bool(self.cell.train_city) and is_city_out(self.cell.split)

    @property
    def paper(self) -> Paper | None:
        """The paper whose protocol scores the run; None for the default protocol."""
        name = self.cell.protocol
        return None if name == DEFAULT else get_paper(name)

    @property
    def question(self) -> Question | None:
        """How the paper scores this kind of task; None where it does not, or for the default protocol."""
        card = self.task.card
        return None if self.paper is None else self.paper.question(card.kind, card.level)

    @property
    def _offered(self) -> frozenset[str]:
        """Inputs that the model's card names and the run allows."""
        named, asked = self.room.inputs_of(self.model.card)[0], self.asked_inputs
        return named if asked is None else named & asked

    @cached_property
    def embedding_group(self) -> tuple[object, ...]:
        """Orders with equal groups can share vectors; running them one after another computes these once.

        Of a city that is not built when this is first asked, tasks that withhold something and tasks that do not are groups of their own.
        """
        spec, card = self.spec, self.task.card
        labelled = self.room.shared_by(card, spec.task)
        return (
            spec.city,
            spec.train_city,
            spec.model,
            spec.preset,
            spec.settings,
            spec.inputs,
            spec.model_seed,
            card.level,
            hidden_from(self._offered, card.withholds, filter(None, (spec.city, spec.train_city))),
            labelled,
        )


def resolve(spec: RunSpec, task: Task | None = None) -> Order:
    """Look up a spec's names and settle what is left open: preset, inputs, and the head a model insists on.

    Parameters
    ----------
    spec
        What is asked.
    task
        The task, where it is not a registered one; ``spec.task`` is then only its name.

    Raises
    ------
    UnknownName, BadInput, DataMissing, PluginBroken
        A name, parameter or protocol that does not exist, or a plugin that does not load.
    """
    model_class, task = face_of("model", spec.model), task or face_of("task", spec.task, spec.city)
    asked, inputs = parse_inputs(spec.inputs), FULL
    if isinstance(model_class, type) and issubclass(model_class, GivenVectors):
        model_class, inputs = model_class.made_of(asked), GIVEN_INPUTS
    preset = _preset(spec.preset, model_class.presets)
    model = model_class.from_settings(preset, dict(spec.settings))
    cell = Cell(
        city=plain_name("city", spec.city),
        model=_free_name(spec.name) or plain_name("model", spec.model),
        preset=preset,
        parameters=identifying_parameters(model),
        inputs=inputs if asked is None else format_inputs(asked),
        task=plain_name("task", spec.task),
        task_version=task.card.version,
        model_seed=spec.model_seed,
        beside=_beside(spec),
        train_city=_train_city(spec),
        probe=_probe(spec),
        **_scoring(spec, model, task.card),
    )
    order = Order(spec, cell, model, task)
    if order.paper is None:
        order.room.check_names(order.protocol)
    return order


def _free_name(name: str) -> str:
    """Return a name chosen for vectors; a registered model's would pass them off as its own."""
    plain = name.strip()
    if plain.replace("_", "-") in {*names("model"), *GROUPS, "all"} or not (
        plain.isprintable() and plain == name
    ):
        msg = f"--name got {name!r}, which is a registered model, a word for several, or no plain text. Expected a name of your own, for example --name my-{plain or 'vectors'}."
        raise BadInput(msg)
    return plain


def _beside(spec: RunSpec) -> str:
    """Return what stands beside the model; only the default protocol has something there."""
    if spec.beside not in {"", BEST_FLOOR}:
        raise UnknownName("word for what stands beside a model", spec.beside, [BEST_FLOOR])
    if spec.beside and spec.protocol != DEFAULT:
        msg = f"Protocol {spec.protocol!r} is asked to score a model beside a floor. Expected protocol {DEFAULT!r}, which alone has that."
        raise BadInput(msg)
    return spec.beside


def _train_city(spec: RunSpec) -> str:
    """Return the name of the city the model learns in, "" for the one that is scored; shots of another city need one."""
    from urbanbench.scoring.splits.city_out import shots_of

    if not spec.train_city:
        if shots_of(spec.split):
            msg = f"Split {spec.split!r} fits the head in another city, and none is named. Mend: --train-city CITY"
            raise BadInput(msg)
        return ""
    name, scored = plain_name("city", spec.train_city), plain_name("city", spec.city)
    if name == scored:
        msg = f"--train-city {spec.train_city} is the city that is scored ({scored!r}). Expected another one; leave it out to train where the score is taken."
        raise BadInput(msg)
    if spec.protocol != DEFAULT or spec.beside or spec.probe:
        word = (
            "--adds"
            if spec.beside
            else f"--probe {spec.probe}"
            if spec.probe
            else f"--protocol {spec.protocol}"
        )
        msg = f"--train-city {spec.train_city} is given with {word}. Expected the default protocol and the model alone, which are what is scored across cities."
        raise BadInput(msg)
    return name


def _probe(spec: RunSpec) -> str:
    """Return what is asked of the vectors; only the default protocol has probes, of a model alone."""
    from urbanbench.scoring.probes.catalogue import probe_info

    if spec.probe and (spec.protocol != DEFAULT or spec.beside):
        other = spec.beside or spec.protocol
        msg = f"Probe {spec.probe!r} is asked for with {other!r}. Expected protocol {DEFAULT!r} and the model alone."
        raise BadInput(msg)
    return probe_info(spec.probe).name if spec.probe else ""


def _scoring(spec: RunSpec, model: Model, card: TaskCard) -> dict[str, Any]:
    """Return the cell's split, block size, head and seeds; a paper's protocol settles them all."""
    if spec.protocol == DEFAULT:
        return room_of(card.kind).scoring(spec, model.card.head)
    paper = get_paper(spec.protocol)
    question = paper.question(card.kind, card.level)
    head, repeats = (question.head.name, question.repeats) if question else ("none", 1)
    return {"split": paper.name, "block_size_m": None, "head": head, "seeds": tuple(range(repeats))}


def _preset(asked: str, presets: Mapping[str, object]) -> str:
    if not presets:
        return ""
    return asked or (DEFAULT_PRESET if DEFAULT_PRESET in presets else "")
