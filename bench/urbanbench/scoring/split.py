"""Split: the three sides of one seed, the contract between those who cut and those who fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Split"]


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three sides, each sorted, disjoint and together complete.

    Parameters
    ----------
    train, val, test
        int64 arrays of rows of the targets.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
