"""What a result says of the floors beside its model: whether it fits its scores, and its numbers by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from urbanbench.result import OK, RunResult
from urbanbench.scoring.metrics import metric_info
from urbanbench.verify.rescored import ROUNDING, largest_gap

__all__ = ["added_numbers", "wrong_gains"]

_PARTS = ("floor_scores", "floor_row_scores", "second_scores", "gain")
Numbers = dict[str, list[float]]


def added_numbers(result: RunResult) -> Numbers:
    """Return all numbers of the section `adds` as part and metric to one per seed, NaN where there is none; {} without the section."""
    return {
        f"{part} {metric}": numbers
        for part in _PARTS
        for metric, numbers in _numbers(result.adds.get(part) or {}).items()
    }


def wrong_gains(result: RunResult) -> Iterator[str]:
    """Say in what the section `adds` of a finished result beside a floor does not fit its scores."""
    if result.status != OK or not result.cell.beside:
        return
    alone, stated = (_numbers(result.adds.get(part) or {}) for part in ("floor_scores", "gain"))
    if not alone:
        yield "it stands beside a floor and says nothing of it"
    elif any(len(numbers) != len(result.cell.seeds) for numbers in (*alone.values(), *stated.values())):
        yield f"what it adds has not one number for each of {len(result.cell.seeds)} seeds"
    elif largest_gap(_gains(result.scores, alone), stated) > ROUNDING:
        yield "what it adds is not the difference of its scores and the floor's"


def _gains(scores: Mapping[str, Sequence[float]], alone: Mapping[str, Sequence[float]]) -> Numbers:
    signs = {
        metric: 1 if metric_info(metric).higher_is_better else -1 for metric in scores if metric in alone
    }
    return {
        metric: [sign * (one - other) for one, other in zip(scores[metric], alone[metric], strict=True)]
        for metric, sign in signs.items()
    }


def _numbers(part: Mapping[str, Sequence[Any]]) -> Numbers:
    return {
        str(metric): [math.nan if one is None else float(one) for one in values]
        for metric, values in part.items()
    }
