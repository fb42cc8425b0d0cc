"""Rows of cells whose process ended before it could answer."""

from __future__ import annotations

from urbanbench.result import FAILED, RunResult
from urbanbench.run.order import Order
from urbanbench.run.walk import without_scores

__all__ = ["lost_row", "not_tried"]


class WorkerDied(RuntimeError):
    """A worker process ended, or was ended, in the middle of a cell."""


def lost_row(order: Order, reason: str) -> RunResult:
    """Return the failed row of a cell whose process ended, with what ended it."""
    return without_scores(order, FAILED, WorkerDied(reason))


def not_tried(reason: str) -> str:
    """Say why a cell is not tried whose vectors took more than a limit before."""
    return f"not tried, because a cell with the same vectors failed: {reason}"
