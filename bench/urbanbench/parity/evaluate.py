"""Score vectors the way a paper does: its splits, its head, one score per repeat from pooled test predictions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.evaluate import Scores
from urbanbench.scoring.features import Features
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.scoring.split import Split
from urbanbench.scoring.splits import split_digest
from urbanbench.toolkit.ground.positions import degrees, encoded

if TYPE_CHECKING:
    from urbanbench.parity.contract import Answer, Question
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["evaluate"]


def evaluate(
    space: EmbeddingSpace, targets: Targets, question: Question, *, name: str, crs: str, device: str = "cpu"
) -> Scores:
    """Score frozen vectors on labelled units.

    Parameters
    ----------
    space
        A row for every labelled unit, in any order.
    targets
        The labelled units; a task gives them in the order of their ids, which contiguous folds follow; whatever a task says of logarithms, the papers model the value itself.
    question
        How the paper scores this kind of task.
    name
        The protocol's, which keeps the randomness of two protocols apart.
    crs
        What the targets' positions are projected with; for heads that are given latitude and longitude.
    device
        "cpu" or "cuda".

    Raises
    ------
    BadInput
        The space is of another level or lacks a unit.
    RunRefused
        Too few units.
    """
    if space.level != targets.level:
        msg = f"The space holds {space.level}s. Expected {targets.level}s, the level of the targets."
        raise BadInput(msg)
    aligned = space.take(targets.ids.tolist())
    if question.covered_only:
        aligned, targets = aligned.take(aligned.ids[aligned.mask].tolist()), targets.rows(aligned.mask)
    features = Features(aligned.vectors, np.asarray(aligned.covered, dtype=bool))
    position = encoded(degrees(targets.xy, crs)) if question.head.needs_position else None
    runs = [question.cut.folds(targets, seed, name) for seed in range(question.repeats)]
    start = time.perf_counter()
    repeats = [
        _Repeat(
            folds,
            [
                _fitted(features, targets, question, fold, position, space.parts, seed, name, device)
                for fold in folds
            ],
        )
        for seed, folds in enumerate(runs)
    ]
    seconds = time.perf_counter() - start
    return _scores(repeats, features, targets, question, seconds)


def _fitted(
    features: Features,
    targets: Targets,
    question: Question,
    fold: Split,
    position: np.ndarray | None,
    parts: Mapping[str, tuple[int, int]],
    seed: int,
    name: str,
    device: str,
) -> Answer:
    rows = features.rows(np.arange(len(features)), features.scaler(fold), standardised=False)
    return question.head.fit_predict(
        rows, targets, fold, position=position, parts=parts, seed=seed, name=name, device=device
    )


@dataclass(frozen=True, eq=False)
class _Repeat:
    """The folds of one repeat and what was predicted for them."""

    folds: Sequence[Split]
    answers: Sequence[Answer]

    def tests(self, question: Question) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (rows, predictions) of each fold's test side."""
        return [
            (fold.test, _clipped(answer.test, question))
            for fold, answer in zip(self.folds, self.answers, strict=True)
        ]

    def vals(self, question: Question) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (rows, predictions) of each fold's validation side; empty where folds have none."""
        return [
            (fold.val, _clipped(answer.val, question))
            for fold, answer in zip(self.folds, self.answers, strict=True)
            if len(fold.val)
        ]


def _clipped(predicted: np.ndarray, question: Question) -> np.ndarray:
    return np.maximum(predicted, 0.0) if question.clip_at_zero else predicted


_Parts = Sequence[tuple[np.ndarray, np.ndarray]]


def _scores(
    repeats: Sequence[_Repeat], features: Features, targets: Targets, question: Question, seconds: float
) -> Scores:
    folds = [fold for repeat in repeats for fold in repeat.folds]
    tests = [_pooled(repeat.tests(question)) for repeat in repeats]
    vals = [_pooled(parts) for repeat in repeats if (parts := repeat.vals(question))]
    covered = [(rows[features.covered[rows]], told[features.covered[rows]]) for rows, told in tests]
    return Scores(
        per_seed=_per_repeat(targets, tests),
        per_seed_val=_per_repeat(targets, vals),
        per_seed_covered=_per_repeat(targets, covered) if features.has_indicator else {},
        n_units=len(targets),
        n_uncovered=int((~features.covered).sum()),
        block_size_m=None,
        sides=tuple(fold.sizes for fold in folds),
        split_digest=split_digest(targets, folds),
        head_details=tuple(_details(repeat, targets, question) for repeat in repeats),
        predictions=_predictions(targets, tests, features.covered),
        seconds=seconds,
    )


def _pooled(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([told for _, told in parts])


def _measured(targets: Targets, rows: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    if not len(rows):
        return {}
    return compute_metrics(
        targets.kind, targets.values[rows], predicted, targets.classes, log_scale=targets.report_log_scale
    )


def _per_repeat(targets: Targets, parts: _Parts) -> dict[str, tuple[float, ...]]:
    found = [_measured(targets, *part) for part in parts]
    names = dict.fromkeys(name for one in found for name in one)
    if targets.kind == "regression" and (targets.values < 0).any():
        names.pop("r2_log", None)  # a label has the metric for all repeats or none
    return {name: tuple(one.get(name, float("nan")) for one in found) for name in names}


def _details(repeat: _Repeat, targets: Targets, question: Question) -> dict[str, Any]:
    """Return what the head chose; where folds are pooled, also each fold's own R², RMSE and MAE."""
    if len(repeat.folds) == 1:
        return repeat.answers[0].details
    found = [_measured(targets, *part) for part in repeat.tests(question)]
    return {f"{name}_by_fold": [one[name] for one in found] for name in ("r2", "rmse", "mae")}


def _predictions(targets: Targets, tests: _Parts, covered: np.ndarray) -> dict[str, np.ndarray]:
    rows, predicted = _pooled(tests)
    true = targets.values[rows]
    columns = {
        "seed": np.repeat(np.arange(len(tests), dtype=np.int64), [len(part) for part, _ in tests]),
        "unit_id": targets.ids[rows],
        "covered": covered[rows],
    }
    if targets.kind != "composition":
        return columns | {"true": true, "predicted": predicted}
    columns |= {f"true[{name}]": true[:, k] for k, name in enumerate(targets.classes)}
    return columns | {f"predicted[{name}]": predicted[:, k] for k, name in enumerate(targets.classes)}
