"""Head `mean`: what is known without any vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["MeanHead"]


@dataclass(frozen=True)
class MeanHead:
    """Predicts the training mean (in the natural unit), the most frequent training class or the mean shares."""

    def fit_predict(
        self,
        features: Features,
        targets: Targets,
        splits: Sequence[Split],
        *,
        seeds: Sequence[int],
        device: str,
    ) -> list[HeadOutput]:
        """Predict one constant per split."""
        del features, seeds, device
        found = []
        for split in splits:
            constant = _constant(targets, targets.values[split.train])
            found.append(
                HeadOutput(np.stack([constant] * len(split.val)), np.stack([constant] * len(split.test)))
            )
        return found


def _constant(targets: Targets, train: np.ndarray) -> np.ndarray:
    if targets.kind != "classification":
        return np.asarray(train.mean(axis=0))
    counts = [int((train == name).sum()) for name in targets.classes]
    return np.array(targets.classes[int(np.argmax(counts))], dtype=object)
