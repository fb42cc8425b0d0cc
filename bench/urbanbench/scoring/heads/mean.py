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
            train = targets.values[split.train]
            constant, belief = _constant(targets, train), _belief(targets, train)
            val, test = (np.stack([constant] * len(side)) for side in (split.val, split.test))
            beliefs = None
            if belief is not None:
                beliefs = np.tile(belief, (len(val), 1)), np.tile(belief, (len(test), 1))
            found.append(HeadOutput(val, test, beliefs=beliefs))
        return found


def _constant(targets: Targets, train: np.ndarray) -> np.ndarray:
    if targets.kind != "classification":
        return np.asarray(train.mean(axis=0))
    return np.array(targets.classes[int(np.argmax(_counts(targets, train)))], dtype=object)


def _belief(targets: Targets, train: np.ndarray) -> np.ndarray | None:
    """Return the shares of the classes in training; None for no classes."""
    return _counts(targets, train) / len(train) if targets.kind == "classification" else None


def _counts(targets: Targets, train: np.ndarray) -> np.ndarray:
    return np.array([(train == name).sum() for name in targets.classes])
