"""Rows: what a board needs of a result, read from its JSON with every field checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from urbanbench.board.added import Added, added_to, apart_from_beside, question_of
from urbanbench.board.numbers import Score
from urbanbench.convergence import NOT_TRAINED, converged
from urbanbench.errors import BadInput
from urbanbench.inputs import FULL, INPUTS
from urbanbench.registry.given import GIVEN_INPUTS
from urbanbench.seen import KINDS

if TYPE_CHECKING:
    from urbanbench.judging.witness import Witness

__all__ = ["FLOOR", "FROZEN", "LEARNED", "SCHEMA", "Row", "ordered", "read_row", "read_rows"]

SCHEMA = 1
FLOOR, FROZEN, LEARNED = "floor", "frozen", "learned"
"""Kinds of rows: a floor; features, or a model, of which nothing was trained; a trained model."""
NOT_STATED = "not stated"
"""What is written for the inputs of finished vectors of which nobody says what they were made of."""


@dataclass(frozen=True, eq=False)
class Row:
    """One run.

    Parameters
    ----------
    run_id, status, reason
        Identity, with "-own" behind it for an own run of a cell that is there as a reference row too; "ok", "refused" or "failed"; why it
        is not ok.
    spec, model, task, cost, provenance
        Sections of the result, as they stand in the JSON.
    scores, covered
        Metric name to its score on all units, and on the units the model has data for.
    main_metric
        Metric that ranks.
    n_units, n_uncovered
        Units scored, and how many of them the model has no data for.
    sizes
        Units in (train, validation, test), a range where seeds differ.
    block_size_m
        Side of the blocks really used, in metres.
    head_details
        What the head chose, one mapping per seed.
    ceiling
        Best reachable scores, or None where they are not known.
    protocol
        What a parity row says of the paper's protocol it follows; empty for default rows.
    own
        Whether it is an own run beside reference rows.
    training
        What every stage of the model's training left behind.
    versions
        Versions of what made it.
    added
        What the model adds to a floor; None where it was not run beside one.
    trainings
        The rows of single trainings that it joins (`urbanbench.board.trainings.joined`); empty for one training.
    chance, oracle, candidates
        Of a retrieval: what lots and one who knows all places score, metric to number, and what the candidate sets are; else empty.
    split_facts
        What the splits say of themselves, per seed; empty where they say nothing.
    witness
        Its predictions, unit by unit, where the board is to be judged by units; None where it is judged by scores.
    """

    run_id: str
    status: str
    reason: str
    spec: Mapping[str, Any]
    model: Mapping[str, Any]
    task: Mapping[str, Any]
    cost: Mapping[str, Any]
    provenance: Mapping[str, Any]
    scores: Mapping[str, Score]
    covered: Mapping[str, Score]
    main_metric: str
    n_units: int | None
    n_uncovered: int
    sizes: tuple[tuple[int, ...], ...]
    block_size_m: float | None
    head_details: tuple[Mapping[str, Any], ...]
    ceiling: Mapping[str, Any] | None
    protocol: Mapping[str, Any]
    own: bool = False
    training: tuple[Mapping[str, Any], ...] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)
    added: Added | None = None
    trainings: tuple[Row, ...] = ()
    chance: Mapping[str, float] = field(default_factory=dict)
    oracle: Mapping[str, float] = field(default_factory=dict)
    candidates: Mapping[str, Any] = field(default_factory=dict)
    split_facts: tuple[Mapping[str, Any], ...] = ()
    witness: Witness | None = None

    @property
    def ok(self) -> bool:
        """Whether the run has scores."""
        return self.status == "ok" and bool(self.scores)

    @property
    def name(self) -> str:
        """The model's name on the command line."""
        return str(self.spec["model"])

    @property
    def floor(self) -> bool:
        """Whether the model is a floor."""
        return bool(self.model.get("floor", False))

    @property
    def converged(self) -> str:
        """Whether its training had converged: "yes", "no", "not known" or "not trained"."""
        stated = GIVEN_INPUTS in {self.spec.get("inputs"), *self.offered}
        foreign = bool(self.provenance.get("model_file_digest"))
        still = self.floor or self.model.get("trained") is False
        return converged(
            self.training, self.spec.get("parameters") or {}, records=still or not (stated or foreign)
        )

    @property
    def kind(self) -> str:
        """Return "floor"; "frozen" of frozen features and of a model before its first step; else "learned", as far as its row tells."""
        if self.floor:
            return FLOOR
        return FROZEN if self.ok and self.converged == NOT_TRAINED else LEARNED

    @property
    def head(self) -> str:
        """The head's name."""
        return str(self.spec["head"])

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of splits and heads."""
        return tuple(self.spec["seeds"])

    @cached_property
    def offered(self) -> frozenset[str]:
        """Inputs the run's setting offers: the list asked for, or with "full" all the model may use.

        Of finished vectors those their maker states; `GIVEN_INPUTS` stands for what nobody states.
        """
        asked = str(self.spec.get("inputs", FULL))
        if asked not in {FULL, GIVEN_INPUTS}:
            return frozenset(part.strip() for part in asked.split(",") if part.strip())
        stated = frozenset(self.model.get("inputs_allowed") or self.model.get("inputs_declared") or ())
        return stated or (frozenset({GIVEN_INPUTS}) if asked == GIVEN_INPUTS else stated)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Inputs the model really touched. Finished vectors touch nothing: theirs are what was stated of them."""
        touched = frozenset(self.model.get("inputs_touched") or ())
        given = not touched and GIVEN_INPUTS in {self.spec.get("inputs"), *self.offered}
        return self.offered if given else touched

    @cached_property
    def used(self) -> frozenset[str]:
        """Inputs the model touched; for a run that touched none those it declares within the offer, but of a retrieval none, whose texts are no input."""
        if self.candidates:
            return self.touched
        return self.touched or frozenset(self.model.get("inputs_declared") or ()) & self.offered

    @cached_property
    def saw(self) -> Mapping[str, Mapping[str, int]]:
        """Kind of objects to {"used": …, "of": …}, of the kinds the row says (`urbanbench.seen.KINDS`)."""
        told = self.model.get("saw")
        return (
            {kind: told[kind] for kind in KINDS if _is_count(told.get(kind))}
            if isinstance(told, Mapping)
            else {}
        )

    @property
    def train_city(self) -> str:
        """The city the model learned in, "" where it is the one that is scored."""
        return str(self.spec.get("train_city") or "")

    @cached_property
    def lacks(self) -> tuple[str, ...]:
        """What the paper's model has and this row's data did not give, in phrases for its name; () for a whole model.

        Rows of earlier versions say it among their stand-ins only.
        """
        told = self.model.get("lacks")
        if isinstance(told, list | tuple):
            return tuple(map(str, told))
        variant = self.model.get("variant")
        left_out = variant.get("left out") if isinstance(variant, Mapping) else None
        return (f"left out: {left_out}",) if left_out else ()

    @cached_property
    def knows_place(self) -> str | None:
        """How the vectors tell where a unit lies, "" where they do not; None where a row of an earlier version does not say."""
        told = self.model.get("knows_place")
        if isinstance(told, str):
            return told
        if "coordinates" in self.used:
            return "coordinates"
        return "" if self.floor else None

    @property
    def settings(self) -> Mapping[str, Any] | None:
        """Parameters that differ from the preset's, with their values; None where the result does not say."""
        told = self.model.get("settings")
        return told if isinstance(told, Mapping) else None

    @property
    def main(self) -> float:
        """Mean of the main metric over seeds; NaN when there is none."""
        return self.scores.get(self.main_metric, Score(())).mean

    def score(self, metric: str) -> Score:
        """Return a metric's score, empty where the run has none."""
        return self.scores.get(metric, Score(()))


def ordered(inputs: Iterable[str]) -> str:
    """Write inputs in the fixed order of `urbanbench.inputs.INPUTS`; names that are not known come last.

    Examples
    --------
    >>> ordered({"road", "poi"}), ordered(()), ordered({"given"})
    ('poi,road', 'none', 'not stated')
    """
    names = {NOT_STATED if name == GIVEN_INPUTS else name for name in inputs}
    return ",".join([*(name for name in INPUTS if name in names), *sorted(names - set(INPUTS))]) or "none"


def read_rows(results: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Read results in a fixed order: by city, task, split, model, head, inputs and run id.

    An own run that only repeats a reference row is left out. Results of models beside a floor make no rows: what they say stands with the
    row of the model alone.

    Raises
    ------
    BadInput
        A result that `read_row` refuses, or two of one folder that answer the same run differently.
    """
    found: dict[str, Row] = {}
    sides: dict[str, list[bool]] = {}
    alone, beside = apart_from_beside(results)
    for row in map(read_row, alone):
        first = found.setdefault(row.run_id, row)
        same = (first.status, first.scores) == (row.status, row.scores)
        if same:
            sides.setdefault(row.run_id, []).append(row.own)
        elif row.own and not first.own:
            found[f"{row.run_id}-own"] = replace(row, run_id=f"{row.run_id}-own")
        else:
            msg = f"Result {row.run_id!r} ({row.name} on {row.spec['city']}) is given twice with different scores. Expected each run once."
            raise BadInput(msg)
    rows = [
        replace(row, added=added_to(row.versions, row.provenance, sides.get(row.run_id, [row.own]), said))
        if (said := beside.get(question_of(row.spec)))
        else row
        for row in found.values()
    ]
    return sorted(
        rows, key=lambda row: (*(str(row.spec[part]) for part in _NAMES), ordered(row.offered), row.run_id)
    )


def read_row(result: Mapping[str, Any]) -> Row:
    """Read one result.

    Raises
    ------
    BadInput
        A schema of another number, or a section or name that is absent or of the wrong type.
    """
    run_id = str(result.get("run_id", ""))
    if result.get("schema") != SCHEMA:
        msg = f"Result {run_id!r} has schema {result.get('schema')!r}. Expected {SCHEMA}. Run it again with this version of urbanbench."
        raise BadInput(msg)
    spec = _section(result, "spec", run_id)
    _check_spec(spec, run_id)
    names = ("model", "task", "protocol", "cost", "provenance", "versions")
    sections: dict[str, Any] = {name: _section(result, name, run_id) for name in names}
    return Row(
        run_id=run_id,
        status=str(result.get("status", "failed")),
        reason=str(result.get("reason") or ""),
        spec=spec,
        **sections,
        scores=_scores(result, "scores", run_id),
        covered=_scores(result, "scores_covered", run_id),
        main_metric=str(result.get("main_metric") or ""),
        n_units=result.get("n_units"),
        n_uncovered=int(result.get("n_uncovered") or 0),
        sizes=tuple(_counts(result.get(name)) for name in ("n_train", "n_val", "n_test")),
        block_size_m=result.get("block_size_m"),
        head_details=tuple(one for one in result.get("head_details") or () if isinstance(one, Mapping)),
        ceiling=result.get("ceiling") or None,
        own=result.get("own") is True,
        training=tuple(one for one in result.get("training") or () if isinstance(one, Mapping)),
        chance=_levels(result, "chance", run_id),
        oracle=_levels(result, "oracle", run_id),
        candidates=_section(result, "candidates", run_id),
        split_facts=tuple(one for one in result.get("split_facts") or () if isinstance(one, Mapping)),
        witness=result.get("witness"),
    )


_NAMES = ("city", "task", "split", "model", "head")


def _is_count(told: Any) -> bool:
    """Tell whether something is {"used": …, "of": …} with numbers that can be."""
    if not isinstance(told, Mapping):
        return False
    used, of = told.get("used"), told.get("of")
    return isinstance(used, int) and isinstance(of, int) and 0 <= used <= of


def _section(result: Mapping[str, Any], name: str, run_id: str) -> Mapping[str, Any]:
    part = result.get(name) or {}
    if not isinstance(part, Mapping):
        msg = f"Result {run_id!r} has {name!r} of type {type(part).__name__}. Expected an object."
        raise BadInput(msg)
    return part


def _levels(result: Mapping[str, Any], name: str, run_id: str) -> dict[str, float]:
    """Read metric to number; what is no number is left out."""
    told = _section(result, name, run_id)
    return {str(metric): float(one) for metric, one in told.items() if isinstance(one, int | float)}


def _check_spec(spec: Mapping[str, Any], run_id: str) -> None:
    absent = [name for name in _NAMES if not isinstance(spec.get(name), str)]
    if absent:
        msg = f"Result {run_id!r} names no {' and no '.join(absent)} in its spec. Expected text for each of: {', '.join(_NAMES)}."
        raise BadInput(msg)
    if not isinstance(spec.get("seeds"), Sequence) or not all(
        isinstance(seed, int) for seed in spec["seeds"]
    ):
        msg = f"Result {run_id!r} has seeds {spec.get('seeds')!r}. Expected a list of integers."
        raise BadInput(msg)


def _scores(result: Mapping[str, Any], name: str, run_id: str) -> dict[str, Score]:
    table = _section(result, name, run_id)
    return {
        str(metric): Score(_numbers(values, f"{name}.{metric}", run_id)) for metric, values in table.items()
    }


def _numbers(values: Any, where: str, run_id: str) -> tuple[float | None, ...]:
    if not isinstance(values, Sequence) or not all(
        value is None or isinstance(value, int | float) for value in values
    ):
        msg = f"Result {run_id!r} has {where} = {values!r}. Expected a list with one number or null per seed."
        raise BadInput(msg)
    return tuple(None if value is None else float(value) for value in values)


def _counts(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(int(one) for one in value) if isinstance(value, Sequence) else (int(value),)
