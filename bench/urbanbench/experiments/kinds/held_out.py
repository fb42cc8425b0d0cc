"""What runs predicted for units they did not train on, read from the predictions beside the results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import DataMissing
from urbanbench.store import ResultStore

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.result import RunResult

__all__ = ["NO_PREDICTIONS", "held_out_means", "read_held_out", "wilson"]

NO_PREDICTIONS = "no predictions"
"""Word for a result whose predictions are not on this machine."""


def read_held_out(folder: Path, result: RunResult) -> pd.DataFrame | None:
    """Return a run's predictions, one row per seed and test unit; None where they are not there.

    Parameters
    ----------
    folder
        The results folder.
    result
        A finished run of it.
    """
    store = ResultStore(folder)
    try:
        return store.read_predictions(store.path_of(result.cell), result.cell)
    except DataMissing:
        return None


def held_out_means(folder: Path, result: RunResult) -> pd.DataFrame | None:
    """Return the mean prediction of each unit over the seeds that tested it.

    Returns
    -------
    DataFrame or None
        Index unit_id; true, predicted (target's unit), seeds (how many tested it); units that no seed tested are left out.
        None where there are no predictions.
    """
    frame = read_held_out(folder, result)
    if frame is None:
        return None
    groups = frame.groupby("unit_id")
    return groups.agg(true=("true", "first"), predicted=("predicted", "mean"), seeds=("seed", "size"))


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
