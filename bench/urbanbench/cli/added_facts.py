"""What a model adds to a floor, as one result's file or the one beside it says."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.result import RunResult

__all__ = ["added_facts"]


def added_facts(result: RunResult) -> dict[str, Any] | str:
    """Return gain, scores behind it and floors, from a result beside a floor or from the one that belongs to a result read from a file.

    A word says why there are no numbers; {} where the model was not run beside a floor.
    """
    from urbanbench.board.added import read_added
    from urbanbench.board.columns import metric_title
    from urbanbench.board.numbers import Score

    both = _beside(result)
    if both is None:
        return {}
    added, metric = read_added(both.to_dict()), str(result.evaluation["main_metric"])
    if added.word:
        return added.word
    weights = [float(one["model"]) for one in both.adds["stacks"]]
    none = Score(())
    return {
        metric_title(metric): added.text(metric),
        "together": added.together.get(metric, none).text,
        "floor alone": added.alone.get(metric, none).text,
        "floors": added.floors,
        "a second floor adds": added.second_text(metric),
        "weight of the model": f"{fmean(weights):.2f} on average, {min(weights):.2f} to {max(weights):.2f}",
        "file": both.file.name if both.file is not None else "",
    }


def _beside(result: RunResult) -> RunResult | None:
    """Return a result beside a floor: this one, or the one of the same cell that lies beside its file."""
    from urbanbench.errors import DataMissing
    from urbanbench.result import BEST_FLOOR
    from urbanbench.store import ResultStore

    if result.cell.beside or result.file is None:
        return result if result.cell.beside else None
    name = replace(result.cell, beside=BEST_FLOOR).file_name.rpartition("/")[2]
    try:
        return ResultStore.read(result.file.with_name(name))
    except DataMissing:
        return None
