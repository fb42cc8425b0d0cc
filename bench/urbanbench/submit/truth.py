"""Whether predictions answer the question that their row names: its test units, and their true values in the city that is at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import UrbanbenchError
from urbanbench.parity.contract import DEFAULT
from urbanbench.predictions import answers_in
from urbanbench.registry import Face
from urbanbench.result import OK, RunResult
from urbanbench.scoring.splits import make_splits
from urbanbench.store import ResultStore
from urbanbench.verify.again import Elsewhere, order_of
from urbanbench.verify.judge import DAMAGED, HOLDS, OTHER, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.run.workbench import Workbench
    from urbanbench.scoring.targets import Targets

__all__ = ["untrue", "with_truth"]

_LABELLED = ("regression", "classification", "composition")
"""Kinds of tasks whose predictions stand beside values of a label."""

_CLOSE = 1e-6
"""True values lie with all their digits beside a row."""


def with_truth(verdict: Verdict, elsewhere: Elsewhere, bench: Workbench) -> Verdict:
    """Return the verdict on a row, damaged where its predictions are not those of its question."""
    if verdict.result is None or verdict.state not in {HOLDS, OTHER}:
        return verdict
    odd = untrue(verdict.result, elsewhere, bench)
    return replace(verdict, state=DAMAGED, reasons=(odd,)) if odd else verdict


def untrue(result: RunResult, elsewhere: Elsewhere, bench: Workbench) -> str:
    """Say in what a row's predictions are not those of its question; "" where they are, and where it cannot be told here.

    It is told of rows under the default protocol that are scored in one city, whose task this process may load.

    Parameters
    ----------
    result
        A row that was judged before, with its file.
    elsewhere, bench
        As in `urbanbench.verify.judge.judge`.
    """
    cell = result.cell
    labelled = result.task.get("kind") in _LABELLED
    plain = labelled and cell.protocol == DEFAULT and not (cell.train_city or cell.probe)
    if result.status != OK or result.file is None or not plain:
        return ""
    try:
        order = order_of(cell, elsewhere.beside(result))
        if isinstance(order.task, Face):
            return ""
        targets = bench.targets(order)
        splits = make_splits(targets, order.protocol)
        found = ResultStore.read_predictions(result.file, cell)
    except UrbanbenchError:
        return ""
    told = {int(str(seed)): set(part["unit_id"]) for seed, part in found.groupby("seed")}
    wanted = {seed: set(targets.ids[split.test]) for seed, split in zip(cell.seeds, splits, strict=True)}
    if told != wanted:
        odd = next(seed for seed in sorted({*told, *wanted}) if told.get(seed) != wanted.get(seed))
        return f"its predictions of seed {odd} are not of the units that its split tests"
    return _other_answers(found, targets)


def _other_answers(found: pd.DataFrame, targets: Targets) -> str:
    """Compare what predictions say is true with the label."""
    row_of = {unit: row for row, unit in enumerate(targets.ids.tolist())}
    known = np.asarray(targets.values)[[row_of[unit] for unit in found["unit_id"]]]
    said = answers_in(found, "true")
    if targets.kind == "classification":
        same = np.asarray(said == known)
    else:
        same = np.isclose(said.astype(np.float64), known.astype(np.float64), rtol=_CLOSE, atol=_CLOSE)
    if same.all():
        return ""
    return f"{int((~same).sum())} of {same.size} values that its predictions are compared with are not those of the label"
