"""What runs predicted for units they did not train on, read from the predictions beside the results."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from urbanbench.errors import DataMissing
from urbanbench.store import ResultStore

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.experiments.kinds.base import Choice
    from urbanbench.result import RunResult

__all__ = ["NO_PREDICTIONS", "HeldOut", "nothing_to_show", "read_held_out", "wilson"]

NO_PREDICTIONS = "no predictions"
"""Word for a result whose predictions are not on this machine."""


def read_held_out(result: RunResult) -> pd.DataFrame | None:
    """Return a run's predictions, one row per seed and test unit; None where there are none beside its file."""
    try:
        return ResultStore.read_predictions(result.file, result.cell) if result.file is not None else None
    except DataMissing:
        return None


def nothing_to_show(what: str, words: Mapping[str, str], experiment: str, choice: Choice, city: str) -> str:
    """Say why a section is empty: what cannot be shown, the word of each row, and the command that makes what is missing."""
    said = ", ".join(f"{label}: {word}" for label, word in words.items()) or "no unit in common"
    always = " --overwrite always" if NO_PREDICTIONS in words.values() else ""
    again = f"urbanbench experiment run {experiment} -c {shlex.quote(city)}{always} --out {shlex.quote(str(choice.out))}"
    lead = "Predictions lie beside results that were run on this machine. " if always else ""
    return f"{what} can be shown ({said}). {lead}Mend: {again}"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Predicted numbers by unit and seed.

    Parameters
    ----------
    true
        By unit_id.
    predicted
        Index unit_id, one column per seed; NaN where the seed did not test the unit.
    """

    true: pd.Series[float]
    predicted: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Arrange what `read_held_out` gave; units that no seed tested are not in it."""
        true = frame.groupby("unit_id")["true"].first()
        return cls(true, frame.pivot_table("predicted", "unit_id", "seed").loc[true.index])

    def mean(self, unit: str) -> float:
        """Return a unit's mean prediction over the seeds that tested it; NaN where none did."""
        if unit not in self.true.index:
            return math.nan
        return float(np.nanmean(self.predicted.loc[[unit]].to_numpy(np.float64)))


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a binomial share, both ends in [0, 1]; NaN without trials.

    Parameters
    ----------
    successes
        May be fractional where ties count as half.
    trials
        Number of trials.

    Examples
    --------
    >>> tuple(round(one, 3) for one in wilson(8, 10))
    (0.49, 0.943)
    """
    if not trials:
        return math.nan, math.nan
    z = 1.959964
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (middle - half) / scale, (middle + half) / scale
