"""Head `ridge`: linear models with the penalty chosen inside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.heads.coding import fitted_values, natural_predictions
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
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
            only = np.repeat(wanted[:1], max(len(val), len(test)))
            return HeadOutput(only[: len(val)], only[: len(test)], {"alpha": None})
        model = self._model(targets).fit(train, wanted)
        predicted_val, predicted_test = (
            natural_predictions(targets, split, model.predict(side)) for side in (val, test)
        )
        return HeadOutput(predicted_val, predicted_test, {"alpha": float(model.alpha_)})

    def _model(self, targets: Targets) -> Any:
        from sklearn.linear_model import RidgeClassifierCV, RidgeCV

        return (RidgeClassifierCV if targets.kind == "classification" else RidgeCV)(alphas=self.alphas)
