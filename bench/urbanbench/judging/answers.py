"""Answers: one row's stored predictions, split by split, as a metric's sums over test units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.card import RETRIEVAL
from urbanbench.judging.sums import Sums, mean_of, metric_sums
from urbanbench.predictions import answers_in

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answers", "answers_of"]


@dataclass(frozen=True, eq=False)
class Answers:
    """What one row answered.

    Parameters
    ----------
    units
        Ids (u,) of all units that any split tests, sorted.
    rows
        For every split the places int64 (m,) in `units` of its test units.
    sums
        The metric of every split, its rows in the order of `rows`.
    """

    units: np.ndarray
    rows: Sequence[np.ndarray]
    sums: Sequence[Sums]

    @cached_property
    def scores(self) -> np.ndarray:
        """The metric (J,) on every split."""
        return np.array([one.score for one in self.sums])

    @cached_property
    def contributions(self) -> np.ndarray:
        """What each unit adds to the mean score over splits, (u,), summing to 0."""
        found = np.zeros(len(self.units))
        for rows, one in zip(self.rows, self.sums, strict=True):
            np.add.at(found, rows, one.contributions() / len(self.sums))
        return found


def answers_of(predictions: pd.DataFrame, kind: str, metric: str, *, log_scale: float = 1.0) -> Answers:
    """Arrange what `urbanbench.store.ResultStore.read_predictions` gave.

    Parameters
    ----------
    predictions
        Columns seed, unit_id, true and predicted, or one of each for every class of a composition.
    kind
        Of the task; of a retrieval the units are queries.
    metric
        The score of interest.
    log_scale
        As in `urbanbench.scoring.metrics.compute_metrics`.
    """
    if kind == RETRIEVAL:
        return _of_queries(predictions, metric)
    units, place = np.unique(predictions["unit_id"].to_numpy(dtype=np.str_), return_inverse=True)
    seeds = predictions["seed"].to_numpy()
    true, predicted = (answers_in(predictions, side) for side in ("true", "predicted"))
    classes = sorted({*true, *predicted}) if kind == "classification" else ()
    rows, sums = [], []
    for seed in dict.fromkeys(seeds.tolist()):
        mine = np.flatnonzero(seeds == seed)
        mine = mine[np.argsort(place[mine], kind="stable")]
        rows.append(place[mine])
        sums.append(metric_sums(kind, metric, true[mine], predicted[mine], classes, log_scale=log_scale))
    return Answers(units, rows, sums)


def _of_queries(predictions: pd.DataFrame, metric: str) -> Answers:
    """Arrange the ranks of a retrieval: every seed has a value for each query that the metric is about."""
    from urbanbench.scoring.retrieval.evaluate import values_of_rows

    values = values_of_rows({name: predictions[name].to_numpy() for name in predictions.columns}, metric)
    about = np.isfinite(values)
    seeds = predictions["seed"].to_numpy()[about]
    units, place = np.unique(predictions["unit_id"].to_numpy(dtype=np.str_)[about], return_inverse=True)
    rows = [np.flatnonzero(seeds == seed) for seed in dict.fromkeys(seeds.tolist())]
    sums = [mean_of(values[about][mine]) for mine in rows]
    return Answers(units, [place[mine] for mine in rows], sums)
