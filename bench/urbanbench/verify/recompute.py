"""Results computed again in a folder and cache of their own, and held against the kept ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from urbanbench.errors import BadInput, UrbanbenchError
from urbanbench.home import cache_in
from urbanbench.predictions import read_predictions, write_predictions
from urbanbench.result import OK, RunResult
from urbanbench.run.loop import run
from urbanbench.store import ResultStore, predictions_beside
from urbanbench.verify.again import Elsewhere, absent_city, differing_fields, order_of
from urbanbench.verify.beside import added_numbers
from urbanbench.verify.probed import probed_numbers
from urbanbench.verify.rescored import largest_gap

__all__ = ["EQUAL", "Comparison", "compare", "keep_predictions", "recompute", "sample"]

SAME, ROUNDED, DIFFERS, NOT_DONE = "bit for bit", "within rounding", "differs", "not computed"
EQUAL = (SAME, ROUNDED)
CLOSE = 1e-6
"""Sums in another order: largest difference that counts as rounding, as a share of 1 + |score|."""


@dataclass(frozen=True)
class Comparison:
    """A kept result and the same cell computed again.

    Parameters
    ----------
    kept
        The kept result.
    outcome
        "bit for bit", "within rounding", "differs" or "not computed".
    reason
        Why it was not computed.
    gap
        Largest difference of a score, as a share of 1 + |score|.
    again
        The new result, or None.
    """

    kept: RunResult
    outcome: str
    reason: str = ""
    gap: float = 0.0
    again: RunResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison JSON-like, with the main metric's means and the kept one's spread over seeds."""
        cell, metric = self.kept.cell, str(self.kept.evaluation["main_metric"])
        numbers = [one for one in self.kept.scores[metric] if one == one]  # noqa: PLR0124 - NaN
        return {
            "run_id": cell.run_id,
            "cell": str(cell),
            "outcome": self.outcome,
            "reason": self.reason,
            "largest_gap": self.gap,
            "metric": metric,
            "kept_mean": fmean(numbers) if numbers else None,
            "new_mean": self.again.mean(metric) if self.again is not None and self.again.scores else None,
            "kept_std": stdev(numbers) if len(numbers) > 1 else None,
        }


def sample(results: Iterable[RunResult], size: int | None) -> list[RunResult]:
    """Choose finished results: first the cheapest of every model, preset and head, then of every kind and split, then the cheapest.

    Parameters
    ----------
    results
        To choose from.
    size
        How many at most; None for all.
    """
    left = sorted((one for one in results if one.status == OK), key=_cost)
    chosen: list[RunResult] = []
    for key in (_mix, lambda one: (*_mix(one), one.task.get("kind"), one.cell.split), lambda one: one.run_id):
        seen = {key(one) for one in chosen}
        for one in left:
            if key(one) not in seen:
                seen.add(key(one))
                chosen.append(one)
        left = [one for one in left if one not in chosen]
    return chosen[: len(chosen) if size is None else size]


def _mix(one: RunResult) -> tuple[Any, ...]:
    return (one.cell.model, one.cell.preset, one.cell.reader)


def _cost(one: RunResult) -> tuple[float, str]:
    """Return the seconds a result took; vectors that other rows share count in full."""
    return float(one.cost.get("embed_seconds") or 0) + float(one.cost.get("head_seconds") or 0), one.run_id


def recompute(
    chosen: Sequence[RunResult],
    scratch: Path,
    elsewhere: Elsewhere,
    *,
    device: str = "cpu",
    tell: Callable[[Comparison], None] = lambda _: None,
) -> list[Comparison]:
    """Compute results again, those that share vectors one after another, and compare each.

    Parameters
    ----------
    chosen
        What to compute.
    scratch
        Folder for the new results and a cache of its own; what is finished there is not computed twice.
    elsewhere
        Plugins and cities that no registry knows.
    device
        "cpu" or "cuda".
    tell
        Called after each.
    """
    found = {one.run_id: _hindered(one, elsewhere) for one in chosen}
    for early in found.values():
        if early is not None:
            tell(early)
    kept = {one.run_id: one for one in chosen if found[one.run_id] is None}

    def done(again: RunResult, _new: bool) -> None:
        found[again.run_id] = one = compare(kept[again.run_id], again)
        tell(one)

    with cache_in(scratch / "cache"):
        specs = [
            order_of(one.cell, elsewhere.beside(one)).spec for one in sorted(kept.values(), key=_sharing)
        ]
        run(specs, ResultStore(scratch / "results"), device=device, progress=done)
    return [one for one in found.values() if one is not None]


def _sharing(one: RunResult) -> tuple[str, ...]:
    """Put rows together that share vectors."""
    cell = one.cell
    return (cell.city, cell.model, cell.preset, str(sorted(cell.parameters.items())), cell.inputs, cell.task)


def _hindered(kept: RunResult, elsewhere: Elsewhere) -> Comparison | None:
    """Return why a result cannot be computed again; None where it can."""
    places = elsewhere.beside(kept)
    if absent := absent_city(kept.cell, places):
        return Comparison(kept, NOT_DONE, absent)
    try:
        order = order_of(kept.cell, places)
    except UrbanbenchError as error:
        return Comparison(kept, NOT_DONE, str(error))
    others = "; ".join(differing_fields(kept.cell, order))
    return Comparison(kept, NOT_DONE, others) if others else None


def compare(kept: RunResult, again: RunResult) -> Comparison:
    """Hold a new result of the same cell against the kept one."""
    if again.status != OK:
        return Comparison(kept, NOT_DONE, again.reason, again=again)
    parts = (
        (kept.scores, again.scores),
        (kept.scores_covered, again.scores_covered),
        (added_numbers(kept), added_numbers(again)),
        (probed_numbers(kept), probed_numbers(again)),
    )
    gap = max(largest_gap(*pair) for pair in parts)
    outcome = SAME if gap == 0 else ROUNDED if gap <= CLOSE else DIFFERS
    return Comparison(kept, outcome, gap=gap, again=again)


def keep_predictions(one: Comparison, scratch: Path) -> bool:
    """Put the predictions of an equal new result beside the kept one; tell whether that was done."""
    if one.outcome not in EQUAL or one.kept.file is None or one.again is None:
        return False
    made = ResultStore(scratch / "results").predictions_of(one.again.cell)
    try:
        frame = read_predictions(made, one.kept.run_id)
    except (BadInput, OSError):
        return False
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    write_predictions(columns, predictions_beside(one.kept.file), one.kept.run_id)
    return True
