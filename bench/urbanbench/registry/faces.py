"""Faces: what is known of a foreign plugin without running any of its code in this process.

Inside `plugins_apart` the harness reads cards, presets and parameters of foreign plugins through faces. A face asks a process of
its own, once per content; a file that leaves, crashes or never ends while it loads is then a broken plugin like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import Apart, Ended, keeping
from urbanbench.card import ModelCard, TaskCard
from urbanbench.errors import DataMissing, EnvironmentFaulty, PluginBroken
from urbanbench.hashing import file_digest
from urbanbench.reasons import error_of
from urbanbench.registry.kinds import KINDS, Entry, is_path
from urbanbench.registry.label_tasks import is_label, task_of_label
from urbanbench.registry.naming import plain_name
from urbanbench.registry.plugins import (
    entry_of,
    is_foreign,
    load_class,
    load_model,
    names,
    needs_apart,
    no_environment,
    origin_of,
    source_file,
)
from urbanbench.registry.probing import answer_probes

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol

__all__ = ["Face", "entries", "environment_facts", "environment_of", "face_of", "file_of", "sound"]

LOADING_LIMIT_S = 60.0
"""Most seconds in which a foreign plugin has to load; less where the limit for a cell is less."""


@dataclass(frozen=True)
class Face:
    """A foreign plugin as seen from outside; it has what a model class, a model and a task are asked before a run.

    Parameters
    ----------
    kind, word
        "model" or "task", and how it was named.
    file
        Its file; the one named where it does not load.
    card
        Its card; an empty one where it does not load.
    presets
        Names of presets to parameters.
    protocol
        Of a task: how it wants to be scored.
    fault
        Why it does not load, or cannot be built; "" where it does.
    trace
        The traceback of the fault.
    ready
        Parameters of the presets, "" where it has none.
    built
        The parameters chosen.
    refused
        Whether the fault is that of the environment that it asks for, and none of its own.
    environment
        Digest of the environment of its own that it runs in; "" where it runs in this one.
    """

    kind: str
    word: str
    file: Path
    card: Any
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    protocol: Protocol | None = None
    fault: str = ""
    trace: str = ""
    ready: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    built: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False
    environment: str = ""

    def parameters(self) -> dict[str, Any]:
        """Return the hyper-parameters, as `urbanbench.model.Model.parameters` does."""
        return dict(self.built)

    def from_settings(self, preset: str = "", settings: Mapping[str, str] | None = None) -> Face:
        """Return the face with the parameters of a preset and settings; raises as `urbanbench.model.Model.from_settings` does."""
        if self.fault:
            return self
        if not settings and preset in self.ready:
            return replace(self, built=self.ready[preset])
        answer = _asked(self.kind, self.word, (preset, tuple(sorted((settings or {}).items()))))
        if "fault" in answer:
            return replace(self, fault=answer["fault"], trace=answer.get("trace", ""))
        return replace(self, built=answer["parameters"])


def face_of(kind: str, word: str, city: str = "") -> Any:
    """Return what a model class or a task is asked before a run: the plugin itself, or its face where it is kept apart.

    Parameters
    ----------
    kind, word
        "model" or "task", and how it is named.
    city
        The city of a task that is a label: its kind and level are told there.

    Raises
    ------
    UnknownName, DataMissing
        No such plugin.
    PluginBroken
        It does not load. A foreign one that is kept apart is returned, and its face holds the fault.
    """
    if kind == "task" and is_label(word):
        return task_of_label(word, city)
    if not (keeping().foreign and is_foreign(kind, word)):
        return load_model(word) if kind == "model" else load_class(kind, word)()
    if is_path(word) and not Path(word).is_file():
        msg = (
            f"No plugin file {word!r}. Expected a Python file with one {KINDS[kind].base.__name__} subclass."
        )
        raise DataMissing(msg)
    try:
        environment = _environment(kind, word)
    except EnvironmentFaulty as fault:
        return _faulty(kind, word, {"fault": str(fault)}, refused=True)
    answer = _asked(kind, word, None)
    if "fault" in answer:
        return _faulty(kind, word, answer, environment=environment)
    card = KINDS[kind].card
    return Face(
        kind,
        word,
        Path(answer["file"]),
        card(**_tuples(answer["card"])) if card is not None else None,
        presets=answer["presets"],
        protocol=_protocol(answer["protocol"]),
        ready=answer["built"],
        environment=environment,
    )


def _faulty(kind: str, word: str, answer: Mapping[str, str], **more: Any) -> Face:
    nothing, trace = _no_card(kind, word), answer.get("trace", "")
    asked = _protocol({}) if kind == "task" else None
    return Face(
        kind, word, Path(word).resolve(), nothing, protocol=asked, fault=answer["fault"], trace=trace, **more
    )


def _environment(kind: str, word: str) -> str:
    """Build the environment that a plugin asks for, before its time to load begins, and return its digest; "" for none.

    Raises
    ------
    EnvironmentFaulty
        It cannot be built, or the plugin is none that may have one.
    """
    needs = needs_apart(kind, word)
    if needs is None:
        return ""
    if kind != "model":
        raise EnvironmentFaulty(no_environment(kind, needs))
    from urbanbench.isolated.environment import prepared

    return prepared(needs).digest


def sound(plugin: Any) -> Any:
    """Return a plugin or a face that loads.

    Raises
    ------
    PluginBroken
        It does not; the traceback is a note on the error.
    EnvironmentFaulty
        The environment of its own that it asks for cannot be had.
    """
    if isinstance(plugin, Face) and plugin.refused:
        raise EnvironmentFaulty(plugin.fault)
    if isinstance(plugin, Face) and plugin.fault:
        broken = PluginBroken(plugin.fault)
        if plugin.trace:
            broken.add_note(plugin.trace)
        raise broken
    return plugin


def file_of(plugin: Any) -> Path:
    """Return the Python file of a plugin, its class or its face, or the file of given vectors."""
    if isinstance(plugin, Face):
        return plugin.file
    return source_file(plugin if isinstance(plugin, type) else type(plugin))


def environment_of(plugin: Any) -> str:
    """Return the digest of the environment of its own that a model, or its face, runs in; "" for one that runs in this one."""
    from urbanbench.isolated.remote import Elsewhere

    if isinstance(plugin, Face):
        return plugin.environment
    kind = plugin if isinstance(plugin, type) else type(plugin)
    return kind.environment.digest if issubclass(kind, Elsewhere) else ""


def environment_facts(plugin: Any) -> dict[str, Any]:
    """Return what a result keeps of the environment of its own that a model runs in; {} for one that runs in this one."""
    from urbanbench.isolated.remote import Elsewhere

    return {"environment": plugin.environment.told()} if isinstance(plugin, Elsewhere) else {}


def entries(kind: str) -> list[Entry]:
    """Return a row for every registered plugin of a kind, foreign ones by their face; those that do not load say why."""
    return [_entry(kind, name) for name in names(kind)]


def _entry(kind: str, name: str) -> Entry:
    if kind == "city" or not (keeping().foreign and is_foreign(kind, name)):
        return entry_of(kind, name)
    face = face_of(kind, name)
    if face.fault:
        return Entry(name, origin_of(kind, name), error=face.fault)
    return Entry(name, origin_of(kind, name), card=face.card, title=face.card.title)


_answers: dict[tuple[Any, ...], dict[str, Any]] = {}


def _asked(kind: str, word: str, build: tuple[str, tuple[tuple[str, str], ...]] | None) -> dict[str, Any]:
    """Ask a process of its own about a plugin, once per content.

    Raises
    ------
    UrbanbenchError
        What is asked for does not exist: a preset or a parameter.
    """
    content = f"{file_digest(Path(word))} {_environment(kind, word)}" if is_path(word) else ""
    key = (kind, word, content, build)
    if key not in _answers:
        limit = min(LOADING_LIMIT_S, keeping().limits.seconds or LOADING_LIMIT_S)
        helper = Apart(answer_probes, limits=replace(keeping().limits, seconds=limit))
        try:
            helper.send((kind, word, build))
            _answers[key] = helper.answer([Path(word).resolve()])
        except Ended as ended:
            _answers[key] = {"fault": f"The {kind} plugin {word!r} does not load: {ended}"}
        finally:
            helper.close(wait_s=0)
    answer = _answers[key]
    if "error" in answer:
        raise error_of(answer["error"])
    return answer


def _tuples(card: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in card.items()}


def _protocol(told: Mapping[str, Any] | None) -> Protocol | None:
    if told is None:
        return None
    from urbanbench.scoring.protocol import Protocol

    return Protocol(**_tuples(told))


def _no_card(kind: str, word: str) -> ModelCard | TaskCard:
    """Return the card of a plugin that says nothing of itself."""
    name = plain_name(kind, word)
    if kind == "model":
        return ModelCard(title=name, summary="", needs=(), embeds=())
    return TaskCard(title=name, question="", label="", kind="regression")
