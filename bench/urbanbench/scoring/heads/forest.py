"""Head `rf`: a random forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.heads.coding import fitted_values, natural_predictions, whole_belief
from urbanbench.scoring.heads.contract import HeadOutput
from urbanbench.scoring.heads.threads import numeric_threads
from urbanbench.seeds import integer_seed

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["ForestHead"]


@dataclass(frozen=True)
class ForestHead:
    """Random forest (Breiman 2001) on the vectors as they are; shares are fitted together, one tree for all columns.

    Parameters
    ----------
    trees
        Number of trees.
    max_features
        Share of columns looked at per node for regression and composition (a third, as Breiman advises); classes look at
        the square root of their number.
    n_jobs
        Threads that grow trees; None for as many as numeric libraries may use. The result does not depend on it: trees have seeds
        of their own, and one thread adds up what they say, always in the same order.
    """

    trees: int = 100
    max_features: float = 1 / 3
    n_jobs: int | None = None

    def __post_init__(self) -> None:
        if self.trees < 1 or not 0 < self.max_features <= 1:
            msg = f"Head 'rf' has {self.trees} trees and max_features {self.max_features}. Expected trees >= 1 and a share in (0, 1]."
            raise BadInput(msg)

    def fit_predict(
        self,
        features: Features,
        targets: Targets,
        splits: Sequence[Split],
        *,
        seeds: Sequence[int],
        device: str,
    ) -> list[HeadOutput]:
        """Fit one forest per split, on the CPU."""
        del device
        return [self._one(features, targets, split, seed) for split, seed in zip(splits, seeds, strict=True)]

    def _one(self, features: Features, targets: Targets, split: Split, seed: int) -> HeadOutput:
        from urbanbench.scoring.heads._bagged_trees import grow

        scaler = features.scaler(split)
        train, val, test = (
            features.rows(rows, scaler, standardised=False) for rows in (split.train, split.val, split.test)
        )
        named = targets.kind == "classification"
        forest = grow(
            train,
            fitted_values(targets)[split.train],
            trees=self.trees,
            max_features="sqrt" if named else self.max_features,
            random_state=integer_seed(seed, "head", "rf") % 2**32,
            threads=self.n_jobs or numeric_threads(),
        )
        answers = forest.mean(val), forest.mean(test)
        if forest.classes is not None:
            return _voted(targets, *answers, forest.classes)
        predicted_val, predicted_test = (natural_predictions(targets, split, one) for one in answers)
        return HeadOutput(predicted_val, predicted_test)


def _voted(targets: Targets, val: np.ndarray, test: np.ndarray, known: np.ndarray) -> HeadOutput:
    """Return the classes with most votes of validation and test rows; votes are shares (m, k) of the classes known from training."""
    beliefs = whole_belief(targets, val, known), whole_belief(targets, test, known)
    return HeadOutput(known.take(val.argmax(axis=1)), known.take(test.argmax(axis=1)), beliefs=beliefs)
