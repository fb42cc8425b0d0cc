"""The metrics a board shows for each kind of task, and how their columns are headed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from urbanbench.scoring.metrics import METRICS, metric_info

__all__ = ["SHOWN", "choose_metrics", "direction", "heading", "metric_title", "unit_of"]

SHOWN = {
    "regression": ("r2", "rmse", "mae", "r2_log"),
    "classification": ("f1_macro", "f1_weighted", "accuracy"),
    "composition": ("r2", "rmse", "l1", "kl"),
    "retrieval": ("hit@5", "hit@1", "hit@10", "mrr", "hit@5/100", "mrr/100", "median_error_m", "within_500m"),
}
_ARROWS = {1: "\N{UPWARDS ARROW}", -1: "\N{DOWNWARDS ARROW}", 0: ""}


def direction(metric: str) -> int:
    """Return 1 where higher is better, -1 where lower is, 0 for a metric that is not known and never ranks."""
    try:
        return 1 if metric_info(metric).higher_is_better else -1
    except KeyError:
        return 0


def metric_title(metric: str) -> str:
    """Return the name of a metric for people, or the key of one that is not known."""
    try:
        return metric_info(metric).title
    except KeyError:
        return metric


def heading(metric: str) -> str:
    """Write a column's title with its arrow.

    Examples
    --------
    >>> heading("rmse"), heading("r2")
    ('RMSE ↓', 'R² ↑')
    """
    return f"{metric_title(metric)} {_ARROWS[direction(metric)]}".rstrip()


def unit_of(metric: str, unit: str) -> str:
    """Return the target's unit for a metric that carries it, "" for others."""
    return unit if direction(metric) and metric_info(metric).follows_unit else ""


def choose_metrics(kind: str, main: str, present: Collection[str], asked: Sequence[str] | None) -> list[str]:
    """Return the metrics of a table, main metric first.

    Those asked for, in their order, as far as the results have them; the main metric alone where they have none of them;
    without a wish those of `SHOWN`.
    """
    if asked is not None:
        return [name for name in asked if name in present] or [main]
    usual = [name for name in SHOWN.get(kind, tuple(METRICS)) if name in present]
    return [main, *(name for name in usual if name != main)] if main else usual
