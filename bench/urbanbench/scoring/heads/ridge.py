"""Head `ridge`: linear models with the penalty chosen inside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.heads.coding import fitted_values, natural_predictions, whole_belief
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["RidgeHead"]

_LEAST = 1e-6
"""Belief in a class that an answer below -1 speaks against."""


@dataclass(frozen=True)
class RidgeHead:
    """Ridge regression on standardised vectors.

    The penalty is the one with the smallest leave-one-out squared error on the training rows, in closed form
    (scikit-learn's ``RidgeCV``). Classes are fitted as -1 / 1 per class and the largest answer wins
    (``RidgeClassifierCV``): as quick as the regression, with the same way to choose the penalty. Shares are fitted
    together, clipped at 0 and scaled to 1.

    Parameters
    ----------
    alphas
        Penalties to choose from; the penalty multiplies the squared weights, the loss is summed over training rows.
    """

    alphas: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)

    def fit_predict(
        self,
        features: Features,
        targets: Targets,
        splits: Sequence[Split],
        *,
        seeds: Sequence[int],
        device: str,
    ) -> list[HeadOutput]:
        """Fit one linear model per split; `seeds` and `device` are not needed."""
        del seeds, device
        return [self._one(features, targets, split) for split in splits]

    def _one(self, features: Features, targets: Targets, split: Split) -> HeadOutput:
        scaler = features.scaler(split)
        train, val, test = (
            features.rows(rows, scaler).astype(np.float64) for rows in (split.train, split.val, split.test)
        )
        wanted = fitted_values(targets)[split.train]
        if targets.kind == "classification" and len(set(wanted)) == 1:
            return _only(targets, wanted[:1], len(val), len(test))
        model = self._model(targets).fit(train, wanted)
        predicted_val, predicted_test = (
            natural_predictions(targets, split, model.predict(side)) for side in (val, test)
        )
        beliefs = None
        if targets.kind == "classification":
            beliefs = _belief(targets, model, val), _belief(targets, model, test)
        return HeadOutput(predicted_val, predicted_test, {"alpha": float(model.alpha_)}, beliefs)

    def _model(self, targets: Targets) -> Any:
        from sklearn.linear_model import RidgeClassifierCV, RidgeCV

        return (RidgeClassifierCV if targets.kind == "classification" else RidgeCV)(alphas=self.alphas)


def _only(targets: Targets, name: np.ndarray, n_val: int, n_test: int) -> HeadOutput:
    """Return the only class (1,) that training rows have, for every row."""
    beliefs = (
        whole_belief(targets, np.ones((n_val, 1)), name),
        whole_belief(targets, np.ones((n_test, 1)), name),
    )
    return HeadOutput(np.repeat(name, n_val), np.repeat(name, n_test), {"alpha": None}, beliefs)


def _belief(targets: Targets, model: Any, side: np.ndarray) -> np.ndarray:
    """Return how much speaks for each class: an answer of -1 is nothing and of 1 everything, which are what least squares fit."""
    answers = model.decision_function(side)
    answers = np.column_stack([-answers, answers]) if answers.ndim == 1 else answers
    return whole_belief(targets, np.maximum((1 + answers) / 2, _LEAST), model.classes_)
