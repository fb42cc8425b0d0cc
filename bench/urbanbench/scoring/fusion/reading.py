"""What a head reads out of vectors: fitted on the whole training part, and fold by fold for rows it has not been fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.evaluate import align
from urbanbench.scoring.fusion.folds import folds_within
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.split import Split
from urbanbench.scoring.splits import atoms_of, make_splits
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.heads.contract import HeadOutput
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["Exam", "Reading", "numbers_of", "read"]

_LEAST_BELIEF = 1e-3


@dataclass(frozen=True, eq=False)
class Exam:
    """What vectors are asked: units, splits, folds of their training rows, and the head.

    Parameters
    ----------
    targets
        The units in the order of their ids.
    protocol
        Split, head and seeds.
    splits, folds
        One per seed; folds are int64 (training rows,), all 0 where the training part cannot be cut.
    device
        "cpu" or "cuda".
    """

    targets: Targets
    protocol: Protocol
    splits: Sequence[Split]
    folds: Sequence[np.ndarray]
    device: str = "cpu"

    @classmethod
    def of(cls, targets: Targets, protocol: Protocol, device: str = "cpu") -> Exam:
        """Cut the units as a protocol does, and every training part into folds along the same lines."""
        targets = targets.in_order()
        splits = make_splits(targets, protocol)
        if protocol.split == "block":
            protocol = replace(protocol, block_size_m=resolve_block_size(targets, protocol))
        folds = [
            folds_within(
                targets, atoms_of(targets, protocol, seed), split.train, generator(seed, "fusion", "folds")
            )
            for seed, split in zip(protocol.seeds, splits, strict=True)
        ]
        return cls(targets, protocol, splits, folds, device)

    def fit(self, features: Features, splits: Sequence[Split], seeds: Sequence[int]) -> list[HeadOutput]:
        """Fit the head once per split."""
        head = get_head(self.protocol.head)
        return head.fit_predict(features, self.targets, splits, seeds=seeds, device=self.device)


@dataclass(frozen=True, eq=False)
class Reading:
    """What a head makes of vectors.

    Parameters
    ----------
    outputs
        Of heads fitted on the whole training part, one per seed: those behind the row that these vectors have in a table.
    held_out
        Per seed float64 (training rows, k): what is said of each row by a head that was not fitted on the row's fold. A head stops and
        chooses on the split's validation rows, as it does when fitted on the whole training part.
    covered
        bool (n,): units with data.
    """

    outputs: Sequence[HeadOutput]
    held_out: Sequence[np.ndarray]
    covered: np.ndarray


def read(space: EmbeddingSpace, exam: Exam) -> Reading:
    """Fit heads to vectors; all seeds and folds in one call, so that nothing depends on which of them are used.

    Raises
    ------
    BadInput
        The space is of another level or lacks a unit.
    """
    features, seeds = align(space, exam.targets), exam.protocol.seeds
    parts = [
        (place, np.flatnonzero(fold == one))
        for place, fold in enumerate(exam.folds)
        for one in range(fold.max() + 1 if fold.max() else 0)
    ]
    splits = [_without(exam.splits[place], rows) for place, rows in parts]
    held_out = [np.zeros((len(split.train), _columns(exam.targets))) for split in exam.splits]
    said = exam.fit(features, splits, [seeds[place] for place, _ in parts]) if parts else []
    for (place, rows), output in zip(parts, said, strict=True):
        held_out[place][rows] = numbers_of(exam.targets, output, test=True)
    return Reading(exam.fit(features, exam.splits, seeds), held_out, features.covered)


def _without(split: Split, rows: np.ndarray) -> Split:
    """Return a split whose test rows are the training rows at some places, taken out of training."""
    return Split(np.delete(split.train, rows), split.val, split.train[rows])


def _columns(targets: Targets) -> int:
    return 1 if targets.kind == "regression" else len(targets.classes)


def numbers_of(targets: Targets, output: HeadOutput, *, test: bool) -> np.ndarray:
    """Return what a head says of its test or validation rows as float64 (m, k) numbers that can be added.

    Modelled values (k = 1), shares, or logarithms of the belief in each class, less their mean over classes.
    """
    if output.beliefs is not None:
        logs = np.log(output.beliefs[int(test)] + _LEAST_BELIEF)
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))
    predicted = np.asarray(output.predicted_test if test else output.predicted_val, dtype=np.float64)
    if targets.kind == "composition":
        return predicted
    if targets.log1p_scale is not None:
        predicted = np.log1p(np.maximum(predicted, 0.0) * targets.log1p_scale)
    return predicted[:, None]
