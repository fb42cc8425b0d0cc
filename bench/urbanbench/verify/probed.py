"""What a result says of a probe beside its scores: whether it fits them, and its numbers by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from urbanbench.result import OK, RunResult
from urbanbench.verify.rescored import ROUNDING, largest_gap

__all__ = ["probed_numbers", "wrong_probe"]

Numbers = dict[str, list[float]]


def probed_numbers(result: RunResult) -> Numbers:
    """Return all scores of the section `probe` as place and metric to one per seed, NaN where there is none; {} without the section."""
    found: Numbers = {}
    for place, scores in _parts(result.probe):
        found |= {f"{place} {metric}": _numbers(values) for metric, values in scores.items()}
    return found


def wrong_probe(result: RunResult) -> Iterator[str]:
    """Say in what the section `probe` of a finished probe does not fit its scores."""
    if result.status != OK or not result.cell.probe:
        return
    if not result.probe:
        yield "it is a probe and says nothing of it"
        return
    if any(len(numbers) != len(result.cell.seeds) for numbers in probed_numbers(result).values()):
        yield f"its probe has not one number for each of {len(result.cell.seeds)} seeds"
        return
    steps = result.probe.get("steps") or ()
    last = {metric: _numbers(values) for metric, values in steps[-1]["scores"].items()} if steps else None
    if last is not None and largest_gap(result.scores, last) > ROUNDING:
        yield "the last step of its curve does not have its scores"


def _parts(probe: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Sequence[Any]]]]:
    """Yield the scores of every step of a curve, and those of a control."""
    for step in probe.get("steps") or ():
        yield str(step.get("share", step.get("dims"))), step["scores"]
    yield "control", probe.get("control") or {}


def _numbers(values: Sequence[Any]) -> list[float]:
    return [math.nan if one is None else float(one) for one in values]
