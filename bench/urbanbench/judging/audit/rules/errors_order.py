"""Errors of one row against each other: MAE ≤ RMSE ≤ √MSE, and how heavy tails would have to be."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from urbanbench.judging.audit.finding import IMPOSSIBLE, NOTE, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Measure, Table

__all__ = ["RULES"]

GAUSSIAN = math.sqrt(2 / math.pi)
"""MAE / RMSE of errors with a normal distribution, .798."""
_LOWER = 0.85
"""A row whose ratio is below this share of the next is alone with its tails."""
_NEAR = 1.05
_TAILED = 0.95
"""Below this share of a normal error's ratio the rows of a table have tails."""
_ENOUGH_LINES = 4
_SHOWN = 6
_ROUNDING = 1e-9


def _order(table: Table) -> Iterator[Finding]:
    for line in table.lines:
        for small, large, told in (("mae", "rmse", "MAE above RMSE"), ("rmse", "mse", "RMSE² above MSE")):
            both = line.both(small, large)
            if both and _above(*both, squared=large == "mse"):
                yield _impossible(line, (small, large), told)
        both = line.both("mae", "rmse")
        if both and line.units and both[0].mean.high * math.sqrt(line.units) < both[1].mean.low:
            yield _impossible(
                line,
                ("mae", "rmse"),
                f"RMSE above √{line.units} times MAE, though {line.units} units are scored",
            )


def _above(small: Measure, large: Measure, *, squared: bool) -> bool:
    power = 2 if squared else 1
    pairs = zip(small.values, large.values, strict=False)
    printed = max(small.mean.low, 0.0) ** power > large.mean.high * (1 + _ROUNDING)
    return printed or any(one**power > other * (1 + _ROUNDING) for one, other in pairs)


def _impossible(line: Line, names: tuple[str, str], told: str) -> Finding:
    return Finding(
        "errors",
        IMPOSSIBLE,
        place(line.question),
        f"{line.name}: {told} ({line.written(names)})",
        line.rows(names),
    )


def _tails(table: Table) -> Iterator[Finding]:
    for question, lines in table.questions():
        rows = sorted(
            (
                (both[0].mean.value / both[1].mean.value, line)
                for line in lines
                if not line.by_seed and (both := line.both("mae", "rmse")) and both[1].mean.value > 0
            ),
            key=lambda pair: pair[0],
        )
        if len(rows) < _ENOUGH_LINES:
            continue
        ratios = [ratio for ratio, _ in rows]
        flat = [pair for pair in rows if _flat(pair[1])]
        heavy = ratios[0] < _LOWER * ratios[1]
        if heavy or (flat and statistics.median(ratios) < _TAILED * GAUSSIAN):
            lowest = [pair for pair in rows if pair[0] <= ratios[0] * _NEAR]
            told = f"MAE / RMSE runs from {ratios[0]:.2f} to {ratios[-1]:.2f}, median {statistics.median(ratios):.2f}"
            told += f"; flatter than normal errors (.80): {_written(flat[::-1])}" if flat else ""
            told += f"; heaviest tails: {_written(lowest)}"
            numbers = (("lowest", ratios[0]), ("highest", ratios[-1]))
            places = tuple(row for _, line in (*flat, *lowest) for row in line.rows(["mae", "rmse"]))
            yield Finding("tails", NOTE, place(question), told, places, numbers)


def _flat(line: Line) -> bool:
    mae, rmse = line.measures["mae"].mean, line.measures["rmse"].mean
    return mae.low / rmse.high > GAUSSIAN


def _written(rows: Sequence[tuple[float, Line]]) -> str:
    shown = ", ".join(f"{line.name} {ratio:.2f}" for ratio, line in rows[:_SHOWN])
    return shown + (f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")


RULES = (
    Rule(
        "errors",
        "The mean of absolute errors is never above the root of the mean of squared ones, in any repeat, so not in means either.",
        _order,
    ),
    Rule(
        "tails",
        "MAE / RMSE is low where few units have large errors; rows of one label and one head seldom differ much in it.",
        _tails,
    ),
)
