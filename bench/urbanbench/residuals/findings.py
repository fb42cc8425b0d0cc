"""What a run's predictions say of where it fails, with the city beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.judging.failing.errors import (
    ClassErrors,
    GroupErrors,
    by_class,
    by_group,
    by_tenth,
    errors_of,
    unit_errors,
    worst_tenth,
)
from urbanbench.judging.failing.moran import Moran, moran, nearest_neighbours, touching_neighbours
from urbanbench.residuals.surroundings import Surroundings, districts

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City
    from urbanbench.result import RunResult

__all__ = ["Findings", "find"]


@dataclass(frozen=True, eq=False)
class Findings:
    """Where a run fails.

    Parameters
    ----------
    result
        The run.
    around
        The units that were tested, with their shapes, names and density, in the order of their ids.
    units
        By unit_id: tested, error and loss (`urbanbench.judging.failing.errors.unit_errors`).
    whole
        The error over all predictions.
    clustered
        Moran's I of the units' errors; None where it is not defined.
    district_of, district_word
        District of each unit, and what districts are.
    groups
        Districts, the worst first.
    tenths
        Tenths of the units by density, the lowest first.
    worst, worst_share
        The tenth of the units with the largest losses, and their share of all losses.
    classes
        Of a classification, the worst first.
    """

    result: RunResult
    around: Surroundings
    units: pd.DataFrame
    whole: GroupErrors
    clustered: Moran | None
    district_of: pd.Series[str]
    district_word: str
    groups: list[GroupErrors]
    tenths: list[GroupErrors]
    worst: pd.DataFrame
    worst_share: float
    classes: list[ClassErrors]

    @property
    def kind(self) -> str:
        """Kind of the task: "regression", "classification" or "composition"."""
        return str(self.result.task["kind"])

    @property
    def unit(self) -> str:
        """Unit of errors of numbers; "" of others."""
        return str(self.result.task.get("unit") or "") if self.kind == "regression" else ""

    @property
    def error_word(self) -> str:
        """What an error is called."""
        return ERROR_WORDS[self.kind]


ERROR_WORDS = {
    "regression": "RMSE",
    "classification": "share of wrong answers",
    "composition": "share given to a wrong class",
}


def find(result: RunResult, predictions: pd.DataFrame, city: City) -> Findings:
    """Say where a run fails.

    Parameters
    ----------
    result
        A finished run.
    predictions
        What `urbanbench.store.ResultStore.read_predictions` gave for it.
    city
        The city it was run in, opened.

    Raises
    ------
    DataMissing
        The city lacks units that were tested.
    """
    kind = str(result.task["kind"])
    rows = errors_of(predictions, kind)
    units = unit_errors(rows, kind)
    around = Surroundings.of(city, str(result.task["level"]), units.index)
    weights = touching_neighbours(around.shapes) if around.areas else nearest_neighbours(around.xy)
    district_of, word = districts(result, predictions, city, around)
    worst, share = worst_tenth(units)
    every = district_of.map(lambda _: "all units")
    return Findings(
        result,
        around,
        units,
        by_group(rows, every, kind, least=1)[0],
        moran(units["error"].to_numpy(np.float64), weights),
        district_of,
        word,
        by_group(rows, district_of, kind),
        by_tenth(rows, around.density, kind),
        worst,
        share,
        by_class(predictions) if kind == "classification" else [],
    )
