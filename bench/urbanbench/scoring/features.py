"""Head inputs: filled and standardised on training rows, row by row on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split

__all__ = ["CLIP_DEVIATIONS", "Features", "RowScaler"]

CLIP_DEVIATIONS = 5.0

_CHUNK_ROWS = 4096
_CONSTANT = 1e-6


@dataclass(frozen=True, eq=False)
class RowScaler:
    """What one split's training rows say about the columns.

    Parameters
    ----------
    fill
        float32 (width,): what stands in a row without data; column means of the covered training rows, and 1 in the
        indicator column.
    mean, inverse
        float32 (width,): standardised = (row - mean) * inverse, clipped to ±`clip`. `inverse` is 0 where a column is constant in training,
        so such a column says nothing.
    clip
        Largest standardised value; infinite for none.
    """

    fill: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray
    clip: float = CLIP_DEVIATIONS


@dataclass(frozen=True, eq=False)
class Features:
    """Vectors of the targets' units, with the fill for units without data.

    If any unit is without data, one column "no data" (0 or 1) is appended, and its other columns get the mean of the
    covered training rows (the habit of scikit-learn's ``SimpleImputer(add_indicator=True)``). The matrix is never copied
    as a whole per seed: heads ask for rows.

    Standardised values are clipped to ±5 training standard deviations. Densities and counts have tails so long that a single
    unit a hundred deviations out otherwise decides a linear model's or perceptron's RMSE alone; vectors without such
    tails do not feel it.

    Parameters
    ----------
    vectors
        float32 (n, dim), finite.
    covered
        bool (n,).
    """

    vectors: np.ndarray
    covered: np.ndarray

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.covered.shape != (len(self.vectors),):
            msg = f"Features have vectors {self.vectors.shape} and covered {self.covered.shape}. Expected (n, dim) and (n,)."
            raise BadInput(msg)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def has_indicator(self) -> bool:
        """Whether the "no data" column is appended."""
        return not bool(self.covered.all())

    @property
    def width(self) -> int:
        """Columns a head sees: dim, and 1 more if any unit is without data."""
        return int(self.vectors.shape[1]) + int(self.has_indicator)

    def matrix(self) -> np.ndarray:
        """Return float32 (n, width), writable, shared by all seeds; rows without data hold 0, and 1 in the indicator column."""
        if not self.has_indicator:
            return np.require(self.vectors, np.float32, ["C", "W"])
        bare = ~self.covered
        wide = np.concatenate([self.vectors, bare[:, None]], axis=1, dtype=np.float32)
        wide[bare, :-1] = 0.0
        return wide

    def scaler(self, split: Split) -> RowScaler:
        """Fit fill, mean and scale on the training rows of a split."""
        known = split.train[self.covered[split.train]]
        fill = self._column_mean(known)
        variance = self._column_variance(known, fill) * (len(known) / len(split.train))
        if self.has_indicator:
            bare = 1.0 - len(known) / len(split.train)
            centre = np.append(fill, bare)
            fill, variance = np.append(fill, 1.0), np.append(variance, bare * (1 - bare))
        else:
            centre = fill
        spread = np.sqrt(variance)
        constant = spread <= _CONSTANT * np.abs(centre)
        inverse = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
        return RowScaler(fill.astype(np.float32), centre.astype(np.float32), inverse.astype(np.float32))

    def rows(self, index: np.ndarray, scaler: RowScaler, *, standardised: bool = True) -> np.ndarray:
        """Return filled rows float32 (m, width), standardised or in their own units."""
        rows: np.ndarray = self.vectors[index].astype(np.float32, copy=False)
        if self.has_indicator:
            rows = np.concatenate([rows, np.zeros((len(rows), 1), dtype=np.float32)], axis=1)
            rows[~self.covered[index]] = scaler.fill
        if not standardised:
            return rows
        rows = (rows - scaler.mean) * scaler.inverse
        return np.asarray(rows.clip(-scaler.clip, scaler.clip))

    def _column_mean(self, rows: np.ndarray) -> np.ndarray:
        total = np.zeros(self.vectors.shape[1])
        for start in range(0, len(rows), _CHUNK_ROWS):
            total += self.vectors[rows[start : start + _CHUNK_ROWS]].sum(axis=0, dtype=np.float64)
        return total / max(len(rows), 1)

    def _column_variance(self, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
        total = np.zeros(self.vectors.shape[1])
        for start in range(0, len(rows), _CHUNK_ROWS):
            total += ((self.vectors[rows[start : start + _CHUNK_ROWS]] - mean) ** 2).sum(axis=0)
        return total / max(len(rows), 1)
