"""Errors of a run: per prediction, per unit, and in groups of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEAST_UNITS",
    "ClassErrors",
    "GroupErrors",
    "by_class",
    "by_group",
    "by_tenth",
    "errors_of",
    "unit_errors",
    "worst_tenth",
]

LEAST_UNITS = 5
"""Groups of fewer units are not ranked: one odd unit would decide them."""


@dataclass(frozen=True)
class GroupErrors:
    """How wrong predictions are in some units.

    Parameters
    ----------
    name
        Of the group.
    units, answers
        Units in it that were tested, and predictions for them over all seeds.
    error
        Of numbers the root of the mean squared error, in their unit; of classes the share of wrong answers; of compositions the mean share
        of a unit that is given to a wrong class.
    bias
        Of numbers the mean of predicted minus true; None for others.
    low, high
        Range of what the groups were cut by; None where they were not.
    """

    name: str
    units: int
    answers: int
    error: float
    bias: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ClassErrors:
    """How well one class is met, over the predictions of all seeds.

    Parameters
    ----------
    name
        Of the class.
    units
        Units that have it.
    recall, precision, f1
        Share of them that are found, share of its answers that are right, and the harmonic mean; None where there is nothing to divide by.
    confused
        The class that its units are most often taken for, "" where none is.
    """

    name: str
    units: int
    recall: float | None
    precision: float | None
    f1: float | None
    confused: str


def errors_of(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return one row per prediction: unit_id, seed, `loss`, and of numbers the signed `error`.

    Parameters
    ----------
    predictions
        What `urbanbench.store.ResultStore.read_predictions` gives.
    kind
        "regression", "classification" or "composition".

    Returns
    -------
    pd.DataFrame
        loss: the squared error; 1 for a wrong class, 0 for a right one; half the sum of absolute differences of shares, the share of the
        unit that is given to a wrong class.
    """
    rows = predictions[["unit_id", "seed"]].copy()
    if kind == "regression":
        rows["error"] = predictions["predicted"] - predictions["true"]
        rows["loss"] = rows["error"] ** 2
    elif kind == "classification":
        rows["loss"] = (predictions["predicted"] != predictions["true"]).astype(float)
    else:
        true, said = (_columns(predictions, side) for side in ("true", "predicted"))
        rows["loss"] = np.abs(true - said).sum(axis=1) / 2
    return rows


def _columns(predictions: pd.DataFrame, side: str) -> np.ndarray:
    names = [name for name in predictions.columns if name.startswith(f"{side}[")]
    return predictions[names].to_numpy(np.float64)


def unit_errors(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return one row per unit that was tested, sorted by unit_id: `tested`, `error` and `loss`, means over the seeds that tested it.

    `error` is the signed one of numbers, and the loss of others.
    """
    grouped = rows.groupby("unit_id")
    found = grouped.agg(tested=("seed", "size"), loss=("loss", "mean"))
    found["error"] = grouped["error"].mean() if kind == "regression" else found["loss"]
    return found[["tested", "error", "loss"]]


def by_group(
    rows: pd.DataFrame, groups: pd.Series[str], kind: str, *, least: int = LEAST_UNITS
) -> list[GroupErrors]:
    """Return the groups of at least so many units, the worst first.

    Parameters
    ----------
    rows
        What `errors_of` gave.
    groups
        Group of each unit by unit_id.
    kind
        Of the task.
    least
        Units of the smallest group that is told.
    """
    names = rows["unit_id"].map(groups)
    found = [_group(str(name), part, kind) for name, part in rows.groupby(names)]
    return sorted((one for one in found if one.units >= least), key=lambda one: (-one.error, one.name))


def by_tenth(rows: pd.DataFrame, amounts: pd.Series[float], kind: str, tenths: int = 10) -> list[GroupErrors]:
    """Return tenths of the units by an amount such as a density, from the lowest; equal amounts stay together, so tenths may be fewer.

    Parameters
    ----------
    amounts
        By unit_id.
    """
    tested = amounts.loc[amounts.index.isin(rows["unit_id"])].sort_index()
    edges = np.quantile(tested.to_numpy(), np.arange(1, tenths) / tenths)
    place = np.searchsorted(edges, tested.to_numpy(), side="right")
    found = []
    for number, one in enumerate(np.unique(place), 1):
        inside = tested[place == one]
        part = rows[rows["unit_id"].isin(inside.index)]
        found.append(_group(str(number), part, kind, float(inside.min()), float(inside.max())))
    return found


def worst_tenth(units: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return the tenth of the units with the largest loss, worst first, and which share of the loss of all units is theirs; at least one unit."""
    ordered = units.sort_values("loss", ascending=False, kind="stable")
    worst = ordered.head(max(1, round(len(units) / 10)))
    total = float(units["loss"].sum())
    return worst, float(worst["loss"].sum()) / total if total > 0 else 0.0


def _group(
    name: str, part: pd.DataFrame, kind: str, low: float | None = None, high: float | None = None
) -> GroupErrors:
    loss = float(part["loss"].mean())
    error = float(np.sqrt(loss)) if kind == "regression" else loss
    bias = float(part["error"].mean()) if kind == "regression" else None
    return GroupErrors(name, part["unit_id"].nunique(), len(part), error, bias, low, high)


def by_class(predictions: pd.DataFrame) -> list[ClassErrors]:
    """Return every class that is true or predicted somewhere, the worst F1 first."""
    names = sorted({*predictions["true"], *predictions["predicted"]})
    found = [_class(name, predictions) for name in names]
    return sorted(found, key=lambda one: (one.f1 if one.f1 is not None else -1.0, one.name))


def _class(name: str, predictions: pd.DataFrame) -> ClassErrors:
    true, said = predictions["true"] == name, predictions["predicted"] == name
    right = int((true & said).sum())
    taken = predictions.loc[true & ~said, "predicted"].value_counts()
    both = int(true.sum()) + int(said.sum())
    return ClassErrors(
        name,
        int(predictions.loc[true, "unit_id"].nunique()),
        _share(right, int(true.sum())),
        _share(right, int(said.sum())),
        _share(2 * right, both),
        str(min(taken[taken == taken.max()].index)) if len(taken) else "",
    )


def _share(some: int, of: int) -> float | None:
    return some / of if of else None
