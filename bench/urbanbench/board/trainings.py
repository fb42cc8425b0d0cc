"""Several trainings of one model as one row: rows that differ in nothing but the seed of the model's own training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from urbanbench.board.added import Added
from urbanbench.board.numbers import scores_over
from urbanbench.board.rows import Row

__all__ = ["TRAININGS", "joined", "trainings_told"]

TRAININGS = (
    'Of a row of several trainings ("3 trainings") the number is the mean over them; the first \N{PLUS-MINUS SIGN} is the spread over splits, the mean of '
    "the single trainings' standard deviations, and the second the spread over trainings, the standard deviation of their means."
)
"""How to read a row of several trainings."""
_ORIGIN = ("targets_digest", "split_digest", "view_key", "data_digest")


def joined(rows: Sequence[Row]) -> list[Row]:
    """Put trainings of one model into one row, in the place of the first; floors and rows without scores stay as they are.

    The row's scores are means over trainings, seed by seed, with each training's behind them, and it has the stages of all, so that it has converged
    where each of them had; its other facts are those of the training with the lowest seed.
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_but_training(row) if row.ok and not row.floor else row.run_id, []).append(row)
    return [
        _one(sorted(some, key=lambda row: int(row.spec.get("model_seed") or 0))) for some in found.values()
    ]


def _but_training(row: Row) -> str:
    """Return everything two trainings must share: what was asked, with which stand-ins, by which versions, of which data."""
    spec = {name: value for name, value in row.spec.items() if name != "model_seed"}
    origin = [row.provenance.get(name) for name in _ORIGIN]
    told = [spec, row.own, row.model.get("variant"), dict(row.versions), origin]
    return json.dumps(told, sort_keys=True, default=str)


def _one(trainings: Sequence[Row]) -> Row:
    if len(trainings) == 1:
        return trainings[0]
    first = trainings[0]
    added = [row.added for row in trainings if row.added is not None]
    return replace(
        first,
        run_id=" ".join(row.run_id for row in trainings),
        spec={**first.spec, "model_seed": [row.spec.get("model_seed") for row in trainings]},
        scores=scores_over([row.scores for row in trainings]),
        covered=scores_over([row.covered for row in trainings]),
        head_details=tuple(details for row in trainings for details in row.head_details),
        added=Added.over(added) if added else None,
        trainings=tuple(trainings),
        training=tuple(stage for row in trainings for stage in row.training),
    )


def trainings_told(row: Row, metric: str) -> str:
    """Return the scores of the trainings that a row joins, one by one: "training 0: 0.42 ± 0.06, training 1: 0.45 ± 0.07"."""
    return ", ".join(
        f"training {one.spec.get('model_seed')}: {one.score(metric).text}" for one in row.trainings
    )
