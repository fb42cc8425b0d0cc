"""What ``urbanbench compare --json`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.judging.comparison import Comparison
    from urbanbench.judging.tournament import Tournament

__all__ = ["to_json"]


def to_json(made: Tournament) -> dict[str, Any]:
    """Return everything as plain data, NaN and infinity as null."""
    from urbanbench.store import without_nan

    standings = made.standings
    ranks = None
    if standings is not None:
        ranked = standings.ranking
        ranks = {
            "tasks": standings.tasks,
            "average": dict(zip(made.names, standings.average.tolist(), strict=True)),
            "possible": dict(zip(made.names, standings.intervals.tolist(), strict=True)),
            "friedman_p": ranked.p if ranked else None,
            "critical_difference": ranked.critical_difference if ranked else None,
        }
    told = {
        "models": made.names,
        "family": made.family,
        "comparisons": [
            _plain(one, made.names[i], made.names[j], made.family)
            for (i, j), found in made.matches.items()
            for one in found
        ],
        "signed_rank": [
            {"models": [made.names[i], made.names[j]], **vars(odds)} for (i, j), odds in made.odds.items()
        ],
        "ranks": ranks,
    }
    return dict(without_nan(told))


def _plain(one: Comparison, name: str, other: str, family: int) -> dict[str, Any]:
    from urbanbench.judging.words import notes, statement

    cell, verdict = one.pair.one[0].cell, one.verdict
    return {
        "models": [name, other],
        "runs": [[row.run_id for row in side] for side in (one.pair.one, one.pair.other)],
        "city": cell.city,
        "task": cell.task,
        "split": cell.split,
        "place": one.pair.place,
        "metric": one.metric,
        "scores": one.scores,
        "differences": one.differences.tolist(),
        "difference": verdict.mean,
        "interval": [verdict.low, verdict.high],
        "p": verdict.p,
        "p_holm": one.adjusted_p,
        "p_naive": verdict.naive_p,
        "separable": one.separable,
        "test": verdict.method,
        "rope": one.rope,
        "odds": vars(verdict.odds),
        "needed": vars(verdict.needed),
        "lacking": one.lacking,
        "notes": notes(one, name, other),
        "block_bootstrap": _drawn(one),
        "words": statement(one, name, other, family),
    }


def _drawn(one: Comparison) -> dict[str, Any] | None:
    """Return the intervals of the block bootstrap, where there was one with blocks enough, in the metric's own direction."""
    if one.resampled is None or not one.resampled.enough:
        return None
    first, second = one.resampled.interval(0), one.resampled.interval(1)
    return {
        "scores": [first, second],
        "first_minus_second": one.resampled.gap_interval(0, 1),
        "blocks": one.resampled.blocks,
    }
