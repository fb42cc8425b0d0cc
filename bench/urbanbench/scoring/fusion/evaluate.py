"""Evaluate a model beside a floor: what both predict together, seed by seed, and what the floor predicts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanbench.scoring.evaluate import Scores, score_outputs
from urbanbench.scoring.fusion.reading import Exam, Reading, numbers_of
from urbanbench.scoring.fusion.stacking import AS_IT_IS, Stack, fit_classes, fit_numbers
from urbanbench.scoring.heads.choice import validation_score
from urbanbench.scoring.heads.coding import dense_values, natural_predictions
from urbanbench.scoring.heads.contract import HeadOutput

__all__ = ["FUSION_VERSION", "Fused", "fuse"]

FUSION_VERSION = 1
"""Raised whenever the same readings give other numbers; results of an earlier version are computed again."""

PerSeed = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, eq=False)
class Fused:
    """A model beside the best floor of each seed.

    Parameters
    ----------
    scores
        Of what both predict together.
    chosen
        Each seed's floor, the best by validation score.
    floor_alone
        Metric name to one test score per seed: the floor put through the same stack without the model. Gains are taken over it.
    floor_row
        The same of the floor as it stands in its own rows.
    second, with_second
        Each seed's best second floor, by validation score of the two together, and the test scores of these two; empty without a second.
    stacks
        JSON-like, per seed: folds, weights of floor and model together, and of the floor alone.
    """

    scores: Scores
    chosen: tuple[str, ...]
    floor_alone: PerSeed
    floor_row: PerSeed
    second: tuple[str, ...]
    with_second: PerSeed
    stacks: tuple[dict[str, Any], ...]


def fuse(model: Reading, floors: Mapping[str, Reading], exam: Exam, *, seconds: float = 0.0) -> Fused:
    """Score a model together with a floor, and the floor alone.

    For each seed the floor with the best validation score is taken. What heads say of training rows whose fold they were not fitted on
    teaches a stack of two weights how much of either to believe; the stack is applied to what the heads of the whole training part say of
    validation and test rows. No weight is learned from a row that a head had seen, and no test label has a part in it.

    Parameters
    ----------
    model
        What the head reads out of the model's vectors.
    floors
        Name to what it reads out of a floor's, at least one; of equally good ones the first is taken.
    exam
        What all of them were asked.
    seconds
        What reading took; told in the scores.
    """
    places = range(len(exam.splits))
    chosen = [_best_floor(floors, exam, place) for place in places]
    pairs = [_pair(floors[name], model, exam, place) for place, name in enumerate(chosen)]
    seconds_ = [_best_second(floors, name, exam, place) for place, name in enumerate(chosen)]
    beside = [one for one in seconds_ if one is not None]

    def scored(outputs: Sequence[HeadOutput]) -> Scores:
        return score_outputs(
            outputs, exam.splits, exam.targets, exam.protocol, model.covered, seconds=seconds
        )

    rows = [floors[name].outputs[place] for place, name in enumerate(chosen)]
    return Fused(
        scores=scored([pair.both for pair in pairs]),
        chosen=tuple(chosen),
        floor_alone=scored([pair.floor for pair in pairs]).per_seed,
        floor_row=scored(rows).per_seed,
        second=tuple(name for name, _ in beside),
        with_second=scored([pair.both for _, pair in beside]).per_seed if beside else {},
        stacks=tuple(pair.told for pair in pairs),
    )


def _best_floor(floors: Mapping[str, Reading], exam: Exam, place: int) -> str:
    scores = {name: _judged(exam, place, reading.outputs[place]) for name, reading in floors.items()}
    return max(scores, key=lambda name: scores[name])


def _judged(exam: Exam, place: int, output: HeadOutput) -> float:
    return validation_score(exam.targets, exam.splits[place], output.predicted_val)


@dataclass(frozen=True, eq=False)
class _Pair:
    """What a floor predicts alone, and with something else, on one seed."""

    floor: HeadOutput
    both: HeadOutput
    told: dict[str, Any]


def _best_second(
    floors: Mapping[str, Reading], first: str, exam: Exam, place: int
) -> tuple[str, _Pair] | None:
    """Return the floor that goes best with the first one, and what the two predict; None without another."""
    pairs = [
        (name, _pair(floors[first], reading, exam, place))
        for name, reading in floors.items()
        if name != first
    ]
    return max(pairs, key=lambda one: _judged(exam, place, one[1].both), default=None)


def _pair(floor: Reading, other: Reading, exam: Exam, place: int) -> _Pair:
    stack, folds = _stack(exam, place, floor, other), int(exam.folds[place].max()) + 1
    alone, both = _alone(exam, place, floor, stack), other.outputs[place]
    said = [
        [numbers_of(exam.targets, one.outputs[place], test=test) for one in (floor, other)]
        for test in (False, True)
    ]
    if stack.model:
        both = _natural(exam, place, [stack.of_both(*numbers) for numbers in said], both.details)
    else:
        both = HeadOutput(alone.predicted_val, alone.predicted_test, both.details)
    told = {"folds": folds if folds > 1 else 0, "floor": stack.floor, "model": stack.model}
    return _Pair(alone, both, told | {"floor_alone": stack.alone})


def _stack(exam: Exam, place: int, floor: Reading, other: Reading) -> Stack:
    if not exam.folds[place].max():
        return AS_IT_IS
    wanted = dense_values(exam.targets)[exam.splits[place].train]
    fit = fit_classes if exam.targets.kind == "classification" else fit_numbers
    return fit(wanted, floor.held_out[place], other.held_out[place])


def _alone(exam: Exam, place: int, floor: Reading, stack: Stack) -> HeadOutput:
    """Return what the stack makes of the floor; of classes that is what the floor predicts."""
    output = floor.outputs[place]
    if exam.targets.kind == "classification":
        return output
    numbers = [stack.of_floor(numbers_of(exam.targets, output, test=test)) for test in (False, True)]
    return _natural(exam, place, numbers, output.details)


def _natural(exam: Exam, place: int, numbers: Sequence[np.ndarray], details: dict[str, Any]) -> HeadOutput:
    """Turn numbers of validation and test rows into predictions."""
    val, test = (natural_predictions(exam.targets, exam.splits[place], side) for side in numbers)
    return HeadOutput(val, test, details)
