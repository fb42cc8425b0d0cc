"""Scores computed again from stored predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from urbanbench.card import RETRIEVAL
from urbanbench.predictions import answers_in
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.scoring.probes.catalogue import POSITION
from urbanbench.scoring.probes.position import position_scores
from urbanbench.scoring.retrieval.evaluate import scores_of_rows
from urbanbench.task import base_unit_factor

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.result import RunResult

__all__ = ["ROUNDING", "largest_gap", "rescored"]

ROUNDING = 1e-5
"""How far scores of float32 predictions may lie from those of the predictions as computed, as a share of 1 + |score|."""


def rescored(result: RunResult, predictions: pd.DataFrame) -> dict[str, list[float]]:
    """Return the metrics of a result, one number per seed, from its predictions; NaN where a seed lacks one.

    Parameters
    ----------
    result
        A finished result.
    predictions
        What `urbanbench.store.ResultStore.read_predictions` gave.
    """
    if result.task["kind"] == RETRIEVAL:
        rows = {name: predictions[name].to_numpy() for name in predictions.columns}
        found = scores_of_rows(rows, result.cell.seeds)
        return {name: list(numbers) for name, numbers in found.items()}
    told = [_scores_of(result, part) for _, part in predictions.groupby("seed", sort=False)]
    return {name: [one.get(name, math.nan) for one in told] for name in result.scores}


def _scores_of(result: RunResult, part: pd.DataFrame) -> dict[str, float]:
    """Return the metrics of one seed's predictions."""
    true, predicted = answers_in(part, "true"), answers_in(part, "predicted")
    if result.cell.probe == POSITION:
        return position_scores(true, predicted)
    kind, scale = str(result.task["kind"]), base_unit_factor(str(result.task.get("unit") or ""))
    return compute_metrics(kind, true, predicted, _classes(part), log_scale=scale)


def largest_gap(one: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]]) -> float:
    """Return the largest difference of equal metrics and seeds as a share of 1 + |score|; infinite where one has what the other lacks."""
    if set(one) != set(other):
        return math.inf
    return max((_gap(one[name], other[name]) for name in one), default=0.0)


def _gap(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        return math.inf
    return max((_apart(a, b) for a, b in zip(one, other, strict=True)), default=0.0)


def _apart(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
    return 0.0 if a == b else abs(a - b) / (1.0 + abs(a))


def _classes(part: pd.DataFrame) -> Sequence[str]:
    if "predicted" not in part or part["predicted"].dtype.kind == "f":
        return ()
    return sorted({*part["true"], *part["predicted"]})
