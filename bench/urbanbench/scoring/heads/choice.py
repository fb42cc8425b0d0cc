"""Choosing among candidates by their validation rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.metrics import compute_metrics

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["validation_score"]


def validation_score(targets: Targets, split: Split, predicted: np.ndarray) -> float:
    """Return how good predictions of the validation rows are, higher is better.

    Minus the RMSE in the natural unit for regression and composition (mean over columns), macro-F1 for classes.
    """
    scores = compute_metrics(targets.kind, targets.values[split.val], predicted, targets.classes)
    return scores["f1_macro"] if targets.kind == "classification" else -scores["rmse"]
