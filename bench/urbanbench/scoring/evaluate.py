"""Evaluate vectors on a task's targets: splits, head, metrics; one score per seed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.scoring.split import Split
from urbanbench.scoring.splits import has_blocks, make_splits, split_digest

if TYPE_CHECKING:
    from urbanbench.scoring.heads.contract import HeadOutput
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["Scores", "align", "evaluate", "score_outputs"]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one space on one task.

    Parameters
    ----------
    per_seed
        Metric name to one test score per protocol seed, in their order. NaN where a metric is undefined for a seed.
    per_seed_val
        The same on validation rows; what a head may be chosen by.
    per_seed_covered
        The same as `per_seed` on test units with data only; empty if all units have data.
    n_units, n_uncovered
        Labelled units, and those of them without data.
    block_size_m
        Side of the blocks in metres; None for other splits.
    sides
        Units for training, validation and test, per split.
    split_digest
        Hash of the sides of all splits; equal digests mean the same test units.
    head_details
        What the head chose, per seed.
    predictions
        Columns of equal length, one row per seed and test unit: seed, unit_id, covered, true, predicted; for a composition
        one column true[<class>] and one predicted[<class>] per class.
    seconds
        Time of all fits and predictions.
    split_facts
        What the splits say of themselves, per seed; () where they say nothing.
    section
        What a result's section `evaluation` says besides: of a retrieval the main metric, chance, oracle and candidate sets.
    """

    per_seed: dict[str, tuple[float, ...]]
    per_seed_val: dict[str, tuple[float, ...]]
    per_seed_covered: dict[str, tuple[float, ...]]
    n_units: int
    n_uncovered: int
    block_size_m: float | None
    sides: tuple[tuple[int, int, int], ...]
    split_digest: str
    head_details: tuple[dict[str, Any], ...]
    predictions: dict[str, np.ndarray]
    seconds: float
    split_facts: tuple[dict[str, Any], ...] = ()
    section: Mapping[str, Any] = field(default_factory=dict)


def evaluate(
    space: EmbeddingSpace,
    targets: Targets,
    protocol: Protocol,
    *,
    device: str = "cpu",
    head_params: Mapping[str, Any] | None = None,
) -> Scores:
    """Score frozen vectors on labelled units, taken in the order of their ids.

    Parameters
    ----------
    space
        A row for every labelled unit, in any order; more rows do no harm.
    targets
        The labelled units.
    protocol
        Split, head and seeds.
    device
        Where a head that can use an accelerator runs: "cpu" or "cuda".
    head_params
        Parameters of the head that differ from its defaults.

    Raises
    ------
    BadInput
        The space is of another level or lacks a unit, the head has no such parameter, or the split is impossible.
    """
    targets = targets.in_order()
    features = align(space, targets)
    head, splits = get_head(protocol.head, **(head_params or {})), make_splits(targets, protocol)
    start = time.perf_counter()
    outputs = head.fit_predict(features, targets, splits, seeds=protocol.seeds, device=device)
    return score_outputs(
        outputs, splits, targets, protocol, features.covered, seconds=time.perf_counter() - start
    )


def align(space: EmbeddingSpace, targets: Targets) -> Features:
    """Return the vectors of the targets' units, in their order.

    Raises
    ------
    BadInput
        The space is of another level or lacks a unit.
    """
    if space.level != targets.level:
        msg = f"The space holds {space.level}s. Expected {targets.level}s, the level of the targets."
        raise BadInput(msg)
    aligned = space.take(targets.ids.tolist())
    return Features(aligned.vectors, np.asarray(aligned.covered, dtype=bool))


def score_outputs(
    outputs: Sequence[HeadOutput],
    splits: Sequence[Split],
    targets: Targets,
    protocol: Protocol,
    covered: np.ndarray,
    *,
    seconds: float,
) -> Scores:
    """Score what heads predicted.

    Parameters
    ----------
    outputs, splits
        One per seed of the protocol.
    targets
        The units in the order of their ids.
    protocol
        What the splits were made by.
    covered
        bool (n,): units with data.
    seconds
        What fitting and predicting took.
    """
    tests = [(split.test, output.predicted_test) for split, output in zip(splits, outputs, strict=True)]
    vals = [(split.val, output.predicted_val) for split, output in zip(splits, outputs, strict=True)]
    return Scores(
        per_seed=_per_seed(targets, tests),
        per_seed_val=_per_seed(targets, vals),
        per_seed_covered={} if covered.all() else _per_seed(targets, _only(tests, covered)),
        n_units=len(targets),
        n_uncovered=int((~covered).sum()),
        block_size_m=resolve_block_size(targets, protocol) if has_blocks(protocol.split) else None,
        sides=tuple(split.sizes for split in splits),
        split_digest=split_digest(targets, splits),
        head_details=tuple(output.details for output in outputs),
        predictions=_predictions(targets, protocol.seeds, splits, outputs, covered),
        seconds=seconds,
        split_facts=tuple(dict(split.facts) for split in splits if split.facts),
    )


_Answers = list[tuple[np.ndarray, np.ndarray]]


def _only(answers: _Answers, covered: np.ndarray) -> _Answers:
    return [(rows[covered[rows]], predicted[covered[rows]]) for rows, predicted in answers]


def _per_seed(targets: Targets, answers: _Answers) -> dict[str, tuple[float, ...]]:
    """Return metric name to one score per seed; NaN where a seed lacks the metric (a class it does not see) or any row."""
    scores = [
        compute_metrics(
            targets.kind, targets.values[rows], predicted, targets.classes, log_scale=targets.report_log_scale
        )
        if len(rows)
        else {}
        for rows, predicted in answers
    ]
    names = dict.fromkeys(name for one in scores for name in one)
    if targets.kind == "regression" and (targets.values < 0).any():
        # Test rows of some seeds may happen to be free of negative values; a label has the metric for all seeds or none.
        names.pop("r2_log", None)
    return {name: tuple(one.get(name, float("nan")) for one in scores) for name in names}


def _predictions(
    targets: Targets,
    seeds: Sequence[int],
    splits: Sequence[Split],
    outputs: Sequence[HeadOutput],
    covered: np.ndarray,
) -> dict[str, np.ndarray]:
    rows = np.concatenate([split.test for split in splits])
    true, predicted = targets.values[rows], np.concatenate([output.predicted_test for output in outputs])
    columns = {
        "seed": np.repeat(np.array(seeds, dtype=np.int64), [len(split.test) for split in splits]),
        "unit_id": targets.ids[rows],
        "covered": covered[rows],
    }
    if targets.kind != "composition":
        return columns | {"true": true, "predicted": predicted}
    columns |= {f"true[{name}]": true[:, k] for k, name in enumerate(targets.classes)}
    return columns | {f"predicted[{name}]": predicted[:, k] for k, name in enumerate(targets.classes)}
