"""RunSpec and RunResult: what a run asks and what it answers, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from urbanbench.errors import BadInput, NoScores, UnknownName
from urbanbench.hashing import short, value_digest
from urbanbench.inputs import FULL
from urbanbench.parity.contract import DEFAULT, is_paper

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

__all__ = ["BEST_FLOOR", "FAILED", "OK", "REFUSED", "SCHEMA", "Cell", "RunResult", "RunSpec", "safe_name"]

SCHEMA = 1
BEST_FLOOR = "best-floor"
"""What may stand beside a model: the best floor of the inputs that it sees."""
_LONGEST_NAME = 200
"""Bytes of a file's or folder's name without its ending; file systems end at 255, and some at fewer letters."""
_SELDOM = frozenset({"beside", "probe", "train_city"})
"""Fields of a cell that are written only where they say something."""
OK, REFUSED, FAILED = "ok", "refused", "failed"


@dataclass(frozen=True)
class RunSpec:
    """One cell of a table, in the words of the command line.

    A model, its class, a task or an opened city may stand in the place of its word, which it is turned into.

    Parameters
    ----------
    model
        Registered name, path to a plugin file, or a file of finished vectors.
    task
        Registered name or path.
    city
        Registered name, ``name:size``, or path to a city folder.
    preset
        Preset of the model; "" for the fields' defaults.
    settings
        (name, text) pairs that change single parameters.
    inputs
        "full" or input names joined by commas, in the order of `urbanbench.inputs.INPUTS`.
    split, head, seeds, block_size_m
        Of the default protocol, the split a word of `urbanbench.scoring.splits` or ``file:PATH``; see
        `urbanbench.scoring.protocol.Protocol`. A paper's protocol has its own.
    model_seed
        Seed of the model's own training.
    name
        Name under which results are kept; "" for the model's name or the file's stem.
    protocol
        "default", or the name of a paper's protocol in `urbanbench.parity.papers.PAPERS`.
    beside
        "", or `BEST_FLOOR`: the model is scored together with a floor, and the result says what it adds to it.
    train_city
        The city in which the model learns, in the words of `city`; "" for the one that is scored.
    probe
        "", or a name in `urbanbench.scoring.probes.catalogue.PROBES`: what is asked of the vectors in place of a plain score.
    """

    model: str
    task: str
    city: str = "toyville"
    preset: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    inputs: str = FULL
    split: str = "random"
    head: str = "mlp"
    seeds: tuple[int, ...] = tuple(range(10))
    block_size_m: float | None = None
    model_seed: int = 0
    name: str = ""
    protocol: str = DEFAULT
    beside: str = ""
    train_city: str = ""
    probe: str = ""

    def __post_init__(self) -> None:
        if not all(isinstance(word, str) for word in (self.model, self.task, self.city, self.train_city)):
            self._name_objects()

    def _name_objects(self) -> None:
        """Put words in the place of objects; parameters given beside a model come after its own."""
        from urbanbench.registry.objects import city_word_for, model_words, task_word

        model, preset, settings = model_words(self.model)
        chosen = dict(settings) | dict(self.settings)
        words = {
            "model": model,
            "preset": self.preset or preset,
            "settings": tuple(sorted(chosen.items())),
            "task": task_word(self.task),
            "city": city_word_for(self.city),
            "train_city": city_word_for(self.train_city) if self.train_city else "",
        }
        for name, word in words.items():
            object.__setattr__(self, name, word)


@dataclass(frozen=True)
class Cell:
    """What identifies a result: equal cells answer the same question, whatever machine and code answered.

    The fields are the ``spec`` section of a result file. A parity cell has the name of its paper's protocol for a split, the paper's
    head, and its repeats for seeds, so that nothing which keeps splits apart can mix it with default rows. `beside`, `probe` and `train_city`
    are written only where something stands beside the model, is asked of its vectors in place of a plain score, or the model learned in
    another city than the one that is scored.
    """

    city: str
    model: str
    preset: str
    parameters: Mapping[str, Any]
    inputs: str
    task: str
    task_version: int
    split: str
    block_size_m: float | None
    head: str
    seeds: tuple[int, ...]
    model_seed: int
    beside: str = ""
    train_city: str = ""
    probe: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as a JSON-like dict."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {name: value for name, value in plain.items() if value or name not in _SELDOM}
        return plain | {"parameters": dict(self.parameters), "seeds": list(self.seeds)}

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Self:
        """Read the ``spec`` section of a result."""
        known = {f.name for f in fields(cls)}
        return cls(
            **{name: value for name, value in spec.items() if name in known} | {"seeds": tuple(spec["seeds"])}
        )

    @property
    def protocol(self) -> str:
        """The protocol's name: "default", or "paper:" and a word."""
        return self.split if is_paper(self.split) else DEFAULT

    @property
    def reader(self) -> str:
        """What predicts: the head, and what stands beside the model or is asked of its vectors."""
        return "+".join(word for word in (self.head, self.beside, self.probe) if word)

    @cached_property
    def run_id(self) -> str:
        """Digest of every field."""
        return value_digest(self.to_dict())

    @property
    def file_name(self) -> str:
        """Return the readable path of the result below the results folder."""
        model = f"{self.model}-{self.preset}" if self.preset else self.model
        model += f"-from-{self.train_city}" if self.train_city else ""
        parts = [model, self.inputs.replace(",", "+"), self.split, self.reader, short(self.run_id)]
        name = _fitting("__".join(map(safe_name, parts)), _LONGEST_NAME, short(self.run_id))
        return f"{_folder_name(self.city)}/{_folder_name(self.task)}/{name}.json"

    def __str__(self) -> str:
        preset = f" ({self.preset})" if self.preset else ""
        seed = f" · model seed {self.model_seed}" if self.model_seed else ""
        where = f", trained in {self.train_city}" if self.train_city else ""
        words = (self.city, self.task, f"{self.model}{preset}{where}", self.inputs, self.split, self.reader)
        return f"{' · '.join(words)}{seed}"


def _folder_name(word: str) -> str:
    return _fitting(safe_name(word), _LONGEST_NAME, short(value_digest(word)))


def _fitting(name: str, most: int, ending: str) -> str:
    """Return a name that file systems can hold: one that is too long is cut, and ends in what tells it from others."""
    encoded = name.encode()
    if len(encoded) <= most:
        return name
    return f"{encoded[: most - len(ending) - 2].decode(errors='ignore')}__{ending}"


def safe_name(part: str) -> str:
    """Return a part of a file name made of a word: letters, digits and some marks."""
    return "".join(sign if sign.isalnum() or sign in "-_.+" else "-" for sign in part).lstrip(".") or "-"


@dataclass(frozen=True, eq=False)
class RunResult:
    """The answer to one cell: scores, or the reason why there are none.

    Parameters
    ----------
    status
        "ok", "refused" (cannot be done as asked: input, layer or label missing) or "failed" (an error).
    reason
        Empty, or one or two sentences.
    cell
        What was asked.
    model, task
        What the cards say (``trained`` of a model alone that does not), and what the model really saw. Of a finished run `model` has, beside what its card and the run say:
        ``inputs_touched``; ``saw``, how much of it was used, kind to ``{"used": …, "of": …}`` for the kinds of `urbanbench.seen.KINDS`
        that the model told; ``lacks``, phrases for what the paper's model has and this run had no data for; ``knows_place``, how the
        vectors tell where a unit lies, or "". Results of earlier versions have none of the last three. ``learned``, of a model that learned in
        another city: what that took, touched and used there.
    scores, scores_covered
        Metric name to one number per seed; on all units, and on units with data only.
    evaluation
        Counts, block size and what the heads chose; ``split_facts`` of a split that says something of itself for each seed; of a retrieval
        ``chance`` and ``oracle``, metric to number, and what the ``candidates`` were.
    ceiling
        The city's statement of the best reachable score, or None.
    versions
        Versions of what made the number (`urbanbench.run.standing.versions_of`): model, task, split, head, metrics, view; a parity row has
        `protocol` for split and head. Empty in results of before there were any.
    protocol
        What a parity row says of the paper's protocol it follows (`urbanbench.parity.contract.Paper.label`); written only where there is one.
    cost, provenance
        Seconds and memory; versions, hardware and hashes.
    training
        What every stage of the model's training left behind (`urbanbench.toolkit.training.stage_log.StageLog.to_record`); written only where
        there is something.
    adds
        Of a model beside a floor, whose `scores` are those of both together: what the floor scores alone and what the model adds
        (`urbanbench.run.beside.adds_section`); written only there.
    probe
        What a probe tells beside its scores (`urbanbench.scoring.probes`): the steps of a curve, what was projected out; written only there.
    error_type, traceback
        Of a failed run.
    predictions
        Columns of equal length, written beside the result; not part of the JSON.
    unsaved
        Why the result could not be written; "" where it could. Not part of the JSON.
    file
        What it was read from, or None; not part of the JSON.
    own
        Whether it is a run of one's own that stands beside reference rows; not part of the JSON.
    """

    status: str
    cell: Cell
    reason: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, list[float]] = field(default_factory=dict)
    scores_covered: Mapping[str, list[float]] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    ceiling: Mapping[str, Any] | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    training: Sequence[Mapping[str, Any]] = ()
    adds: Mapping[str, Any] = field(default_factory=dict)
    probe: Mapping[str, Any] = field(default_factory=dict)
    error_type: str = ""
    traceback: str = ""
    predictions: Mapping[str, np.ndarray] | None = None
    unsaved: str = ""
    file: Path | None = None
    own: bool = False

    def __post_init__(self) -> None:
        for name in ("scores", "scores_covered"):
            object.__setattr__(self, name, _Scores(getattr(self, name)).told(self))

    @property
    def run_id(self) -> str:
        """Digest of the cell."""
        return self.cell.run_id

    def mean(self, metric: str) -> float:
        """Return a metric's mean over seeds; NaN where there is none."""
        numbers = self.scores.get(metric, [])
        return sum(numbers) / len(numbers) if numbers else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return the result as schema 1 lays it out, undefined scores as NaN."""
        training = {"training": [dict(stage) for stage in self.training]} if self.training else {}
        versions = {"versions": dict(self.versions)} if self.versions else {}
        protocol = {"protocol": dict(self.protocol)} if self.protocol else {}
        return {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "status": self.status,
            "reason": self.reason,
            "spec": self.cell.to_dict(),
            **versions,
            **protocol,
            "model": dict(self.model),
            "task": dict(self.task),
            "scores": {name: list(numbers) for name, numbers in self.scores.items()},
            "scores_covered": {name: list(numbers) for name, numbers in self.scores_covered.items()},
            **{name: self.evaluation.get(name) for name in EVALUATION},
            **{name: self.evaluation[name] for name in _SOMETIMES if name in self.evaluation},
            "ceiling": dict(self.ceiling) if self.ceiling is not None else None,
            "cost": dict(self.cost),
            "provenance": dict(self.provenance),
            **training,
            **({"adds": dict(self.adds)} if self.adds else {}),
            **({"probe": dict(self.probe)} if self.probe else {}),
            "error_type": self.error_type,
            "traceback": self.traceback,
        }

    @classmethod
    def from_dict(cls, whole: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave; null scores become NaN.

        Raises
        ------
        BadInput
            Not a result of schema 1.
        """
        if not isinstance(whole, Mapping) or whole.get("schema") != SCHEMA:
            found = whole.get("schema") if isinstance(whole, Mapping) else type(whole).__name__
            msg = f"A result has schema {found!r}. Expected {SCHEMA}."
            raise BadInput(msg)
        try:
            return cls(
                cell=Cell.from_dict(whole["spec"]),
                scores=_numbers(whole["scores"]),
                scores_covered=_numbers(whole["scores_covered"]),
                evaluation={name: whole.get(name) for name in EVALUATION}
                | {name: whole[name] for name in _SOMETIMES if name in whole},
                versions={str(name): int(number) for name, number in whole.get("versions", {}).items()},
                **{name: whole[name] for name in _PLAIN if name in whole},
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            msg = f"A result of schema {SCHEMA} lacks a section or has a wrong one ({error})."
            raise BadInput(msg) from error


class _Scores(dict[str, list[float]]):
    """Scores by metric, which say why one is not there: the run's reason, or the metrics that it has."""

    _of: RunResult | None = None

    def told(self, result: RunResult) -> Self:
        if result.status != OK:
            self._of = result
        return self

    def __missing__(self, name: str) -> list[float]:
        if self._of is not None:
            raise NoScores(self._of.cell, self._of.status, self._of.reason)
        kind = "metric"
        raise UnknownName(kind, name, self)


EVALUATION = (
    "main_metric",
    "n_units",
    "n_uncovered",
    "n_train",
    "n_val",
    "n_test",
    "block_size_m",
    "head_details",
)
_SOMETIMES = ("split_facts", "chance", "oracle", "candidates")
"""Parts of the evaluation that most results do not have."""
_PLAIN = (
    "status",
    "reason",
    "model",
    "task",
    "ceiling",
    "protocol",
    "cost",
    "provenance",
    "training",
    "adds",
    "probe",
    "error_type",
    "traceback",
)


def _numbers(scores: Mapping[str, list[float | None]]) -> dict[str, list[float]]:
    return {name: [math.nan if one is None else one for one in numbers] for name, numbers in scores.items()}
