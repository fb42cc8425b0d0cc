"""Head `lightgbm`: gradient-boosted trees stopped early on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.heads.coding import modelled_values, natural_predictions
from urbanbench.scoring.heads.contract import HeadOutput
from urbanbench.seeds import integer_seed

if TYPE_CHECKING:
    import lightgbm

    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["LightgbmHead"]


@dataclass(frozen=True)
class LightgbmHead:
    """LightGBM (Ke et al. 2017) on the vectors as they are, single-threaded and deterministic.

    Squared error for a regression, multiclass log loss for classes, one regression per column for shares. Boosting stops when
    the validation loss has not fallen for `patience` trees.

    Parameters
    ----------
    trees
        Most boosting rounds.
    learning_rate
        Shrinkage.
    leaves
        Leaves of a tree.
    min_rows
        Fewest training rows in a leaf.
    column_share
        Share of columns drawn for each tree.
    patience
        Rounds without improvement on validation before boosting stops.
    """

    trees: int = 1000
    learning_rate: float = 0.05
    leaves: int = 15
    min_rows: int = 10
    column_share: float = 0.5
    patience: int = 50

    def __post_init__(self) -> None:
        if (
            min(self.trees, self.leaves - 1, self.min_rows, self.patience) < 1
            or not 0 < self.column_share <= 1
        ):
            msg = f"Head 'lightgbm' has parameters {self}. Expected counts >= 1, leaves >= 2 and column_share in (0, 1]."
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
        """Fit boosted trees per split, on the CPU, one after the other: LightGBM sets its number of threads for the whole process, so fits in threads beside one another may crash it."""
        del device
        return [self._one(features, targets, split, seed) for split, seed in zip(splits, seeds, strict=True)]

    def _one(self, features: Features, targets: Targets, split: Split, seed: int) -> HeadOutput:
        scaler = features.scaler(split)
        train, val, test = (
            features.rows(rows, scaler, standardised=False) for rows in (split.train, split.val, split.test)
        )
        parameters = self._parameters(targets, integer_seed(seed, "head", "lightgbm") % 2**31)
        boosters = [
            self._booster(parameters, (train, column[split.train]), (val, column[split.val]))
            for column in _columns(targets)
        ]
        answers = _answers(boosters, val), _answers(boosters, test)
        predicted_val, predicted_test = (natural_predictions(targets, split, side) for side in answers)
        details = {"trees": [booster.best_iteration for booster in boosters]}
        beliefs = answers if targets.kind == "classification" else None
        return HeadOutput(predicted_val, predicted_test, details, beliefs)

    def _parameters(self, targets: Targets, seed: int) -> dict[str, Any]:
        classes = targets.kind == "classification"
        objective = (
            {"objective": "multiclass", "num_class": len(targets.classes)} if classes else {"objective": "l2"}
        )
        return objective | {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_rows,
            "feature_fraction": self.column_share,
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def _booster(
        self,
        parameters: dict[str, Any],
        train: tuple[np.ndarray, np.ndarray],
        val: tuple[np.ndarray, np.ndarray],
    ) -> lightgbm.Booster:
        import lightgbm

        known = lightgbm.Dataset(train[0], train[1], params=parameters)
        judge = lightgbm.Dataset(val[0], val[1], reference=known)
        stop = lightgbm.early_stopping(self.patience, verbose=False)
        return lightgbm.train(parameters, known, self.trees, valid_sets=[judge], callbacks=[stop])


def _columns(targets: Targets) -> list[np.ndarray]:
    """Return what one booster each fits: class numbers, modelled values or the share columns."""
    if targets.kind == "classification":
        return [targets.codes]
    return list(targets.values.T) if targets.kind == "composition" else [modelled_values(targets)]


def _answers(boosters: Sequence[lightgbm.Booster], rows: np.ndarray) -> np.ndarray:
    """Return modelled values (m, 1), class probabilities or raw shares (m, k)."""
    answers = [np.asarray(booster.predict(rows)).reshape(len(rows), -1) for booster in boosters]
    return np.concatenate(answers, axis=1)
