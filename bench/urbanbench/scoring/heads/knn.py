"""Head `knn`: distance-weighted mean of the nearest training units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.heads.choice import validation_score
from urbanbench.scoring.heads.coding import dense_values, natural_predictions
from urbanbench.scoring.heads.contract import HeadOutput

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["KnnHead"]


@dataclass(frozen=True)
class KnnHead:
    """Mean of the k nearest training units' values with weights 1 / distance; classes are voted for.

    Distances are Euclidean between the vectors as they are, not standardised: with coordinates in metres as vectors this
    is inverse distance weighting of the label, the spatial-lag floor. A unit at distance 0 counts alone.

    Parameters
    ----------
    neighbours
        Values of k to choose from on the validation rows.
    """

    neighbours: tuple[int, ...] = (5, 10, 20)

    def __post_init__(self) -> None:
        if not self.neighbours or min(self.neighbours) < 1:
            msg = f"Head 'knn' has neighbours {self.neighbours}. Expected numbers >= 1."
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
        """Look up neighbours per split; nothing is random."""
        del seeds, device
        return [self._one(features, targets, split) for split in splits]

    def _one(self, features: Features, targets: Targets, split: Split) -> HeadOutput:
        from sklearn.neighbors import NearestNeighbors

        scaler = features.scaler(split)
        train, val, test = (
            features.rows(rows, scaler, standardised=False).astype(np.float64)
            for rows in (split.train, split.val, split.test)
        )
        values = dense_values(targets)[split.train]
        search = NearestNeighbors(n_neighbors=min(max(self.neighbours), len(train))).fit(train)
        near_val, near_test = search.kneighbors(val), search.kneighbors(test)
        candidates = [
            (k, natural_predictions(targets, split, _weighted(values, near_val, k))) for k in self.neighbours
        ]
        k, predicted_val = max(candidates, key=lambda one: validation_score(targets, split, one[1]))
        votes = _weighted(values, near_val, k), _weighted(values, near_test, k)
        predicted_test = natural_predictions(targets, split, votes[1])
        beliefs = votes if targets.kind == "classification" else None
        return HeadOutput(predicted_val, predicted_test, {"k": k}, beliefs)


def _weighted(values: np.ndarray, near: tuple[np.ndarray, np.ndarray], k: int) -> np.ndarray:
    """Return the mean (m, columns) of the k nearest rows of values (n, columns), weighted by 1 / distance."""
    distance, rows = near[0][:, :k], near[1][:, :k]
    same = distance == 0
    weight = np.where(same.any(axis=1, keepdims=True), same, 1 / np.where(same, 1.0, distance))
    weight = weight / weight.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mk,mkc->mc", weight, values[rows]))
