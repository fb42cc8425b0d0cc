"""Vectors changed on the scale that heads see: standardised as the head would, and not scaled again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.features import CLIP_DEVIATIONS, Features, RowScaler

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split

__all__ = ["ScaledFeatures", "standardised"]


@dataclass(frozen=True, eq=False)
class ScaledFeatures(Features):
    """Vectors whose columns are on the scale a head should see.

    A column that lost most of its variance stays as small as it has become, and principal components keep their sizes; scaled to one
    again, what is left of them would be noise made large.

    Parameters
    ----------
    clip
        Largest distance from the training mean that a head sees.
    """

    clip: float = CLIP_DEVIATIONS

    def scaler(self, split: Split) -> RowScaler:
        """Fit fill and mean on the training rows of a split; only the indicator column is scaled."""
        own = super().scaler(split)
        inverse = own.inverse.copy()
        inverse[: self.vectors.shape[1]] = 1.0
        return RowScaler(own.fill, own.mean, inverse, self.clip)


def standardised(features: Features, split: Split) -> np.ndarray:
    """Return vectors float64 (n, dim) as a head sees them: standardised with the training rows and clipped, 0 in rows without data."""
    every = np.arange(len(features))
    rows = features.rows(every, features.scaler(split))
    return np.asarray(rows[:, : features.vectors.shape[1]], dtype=np.float64)
