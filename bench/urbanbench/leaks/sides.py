"""Both sides: test units of which a training unit is the same thing, or stands on the same ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["Distances", "distances_of", "shared_units", "tested_beside"]

Splits = Mapping[str, Sequence["Split"]]
"""Split word to one split per seed."""


def shared_units(names: np.ndarray) -> int:
    """Count units that share their name with another; names are int64 (n,), -1 for none."""
    known = names[names >= 0]
    counts = np.bincount(known) if len(known) else np.zeros(0, dtype=np.int64)
    return int(counts[counts > 1].sum())


def tested_beside(names: np.ndarray, splits: Splits) -> dict[str, float]:
    """Return, for each split, the mean number of test units whose name a training unit has; 0 where none has.

    Parameters
    ----------
    names
        int64 (n,), -1 for none.
    splits
        Splits of the n units.
    """
    return {
        word: float(np.mean([_beside(names, split) for split in seeds])) for word, seeds in splits.items()
    }


def _beside(names: np.ndarray, split: Split) -> int:
    test = names[split.test]
    return int((np.isin(test, names[split.train]) & (test >= 0)).sum())


@dataclass(frozen=True)
class Distances:
    """How far test units lie from training units.

    Parameters
    ----------
    split
        The split word.
    least_m, median_m
        Of the distances from test units to the nearest training unit, over all seeds, in metres.
    within_range
        Share of test units with a training unit within the label's autocorrelation range.
    range_m
        That range in metres.
    """

    split: str
    least_m: float
    median_m: float
    within_range: float
    range_m: float


def distances_of(targets: Targets, splits: Splits) -> list[Distances]:
    """Measure every split."""
    from scipy.spatial import cKDTree

    from urbanbench.scoring.block_size import autocorrelation_range_m

    reach, found = autocorrelation_range_m(targets), []
    for word, seeds in splits.items():
        away = np.concatenate(
            [cKDTree(targets.xy[one.train]).query(targets.xy[one.test])[0] for one in seeds]
        )
        found.append(
            Distances(word, float(away.min()), float(np.median(away)), float((away <= reach).mean()), reach)
        )
    return found
