"""Head `ridge`: linear models with the penalty chosen inside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.heads.coding import modelled_values, natural_shares, natural_values
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.splits import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["RidgeHead"]


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
        self, features: Features, targets: Targets, splits: Sequence[Split], *, seeds: Sequence[int], device: str
    ) -> list[HeadOutput]:
        """Fit one linear model per split; `seeds` and `device` are not needed."""
        del seeds, device
        return [self._one(features, targets, split) for split in splits]

    def _one(self, features: Features, targets: Targets, split: Split) -> HeadOutput:
        scaler = features.scaler(split)
        train, val, test = (features.rows(rows, scaler) for rows in (split.train, split.val, split.test))
        wanted = _wanted(targets)[split.train]
        if targets.kind == "classification" and len(set(wanted)) == 1:
            constant = [np.full(len(side), wanted[0], dtype=object) for side in (val, test)]
            return HeadOutput(*constant, {"alpha": None})
        model = self._model(targets).fit(train.astype(np.float64), wanted)
        answers = [_natural(targets, split, model.predict(side.astype(np.float64))) for side in (val, test)]
        return HeadOutput(*answers, {"alpha": float(model.alpha_)})

    def _model(self, targets: Targets) -> Any:
        from sklearn.linear_model import RidgeClassifierCV, RidgeCV

        return (RidgeClassifierCV if targets.kind == "classification" else RidgeCV)(alphas=self.alphas)


def _wanted(targets: Targets) -> np.ndarray:
    return modelled_values(targets) if targets.kind == "regression" else targets.values


def _natural(targets: Targets, split: Split, answer: np.ndarray) -> np.ndarray:
    if targets.kind == "classification":
        return answer
    if targets.kind == "composition":
        return natural_shares(targets, split, answer)
    return natural_values(targets, split, answer)
