"""What a model adds to a floor, and how its trainings differ, in the words of ``urbanbench describe``."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.board.added import Added
    from urbanbench.board.numbers import Score
    from urbanbench.board.rows import Row
    from urbanbench.cli.kin import Kin
    from urbanbench.result import RunResult

__all__ = ["added_facts", "trainings_facts"]


def added_facts(kin: Kin, metric: str) -> dict[str, Any] | str:
    """Return the gain, what to hold it against, and the scores behind it seed by seed.

    A word says why there are no numbers; {} where the model was not run beside a floor.
    """
    from urbanbench.board.columns import metric_title

    added, both = kin.added, kin.beside
    if added is None or both is None:
        return {}
    if added.word:
        return added.word
    every = _over_all(kin, metric)
    return {
        metric_title(metric): _gain_told(added, metric),
        **(_all_told(*every, metric) if every else {}),
        "reads as": _reading(every[0] if every else added, metric),
        "together": _score(added.together, metric).text,
        "floor alone": _score(added.alone, metric).text,
        "floors": added.floors,
        "a second floor adds": added.second_text(metric),
        "weight of the model": _weights(both),
        "per seed": _per_seed(added, both, metric),
        "file": both.file.name if both.file is not None else "",
    }


def _score(scores: Mapping[str, Score], metric: str) -> Score:
    from urbanbench.board.numbers import Score

    return scores.get(metric, Score(()))


def _gain_told(added: Added, metric: str) -> str:
    gained, of = added.gained(metric)
    told = added.gain_text(metric)
    return (
        f"{told}, better than the floor alone on {gained} of {of} seeds" if told else "no score on any seed"
    )


def _over_all(kin: Kin, metric: str) -> tuple[Added, int] | None:
    """Return what all trainings add that were run beside a floor, and how many they are; None of fewer than two."""
    added = None if kin.joined is None else kin.joined.added
    count = 0 if added is None else len(_score(added.gain, metric).trainings)
    return (added, count) if added is not None and count else None


def _all_told(added: Added, count: int, metric: str) -> dict[str, str]:
    gained, of = added.gained(metric)
    return {f"of {count} trainings": f"{added.gain_text(metric)}, better on {gained} of {of}"}


def _reading(added: Added, metric: str) -> str:
    """Hold a gain against its own spread and against what a second floor adds."""
    gain, second = _score(added.gain, metric), _score(added.second, metric)
    if not gain.finite:
        return ""
    if gain.mean <= 0:
        return "nothing beyond what the floor says"
    parts = [f"{_held(gain.mean, gain.std)} its spread over splits"] if len(gain.finite) > 1 else []
    if second.finite:
        parts.append(f"{_held(gain.mean, second.mean)} what a second floor adds in its place")
    return " and ".join(parts)


def _held(value: float, other: float) -> str:
    return "more than" if value > other else "no more than"


def _weights(both: RunResult) -> str:
    """Return how much of the model's say went into the stacks; values are on the scale of the label, classes on that of log beliefs."""
    told = [float(one["model"]) for one in both.adds.get("stacks") or ()]
    return f"{fmean(told):.2f} on average, {min(told):.2f} to {max(told):.2f}" if told else ""


def _per_seed(added: Added, both: RunResult, metric: str) -> dict[str, str]:
    scores = [_score(part, metric).values for part in (added.gain, added.alone, added.together)]
    rows = zip(both.cell.seeds, added.chosen, *scores, strict=False)
    return {
        f"seed {seed}": "no score"
        if gain is None
        else f"{gain:+.3f}, {floor} alone {alone:.3f}, together {together:.3f}"
        for seed, floor, gain, alone, together in rows
    }


def trainings_facts(kin: Kin, row: Row) -> dict[str, Any]:
    """Return the score over all trainings with the spread over splits and over trainings, and each training's; {} of one training."""
    from urbanbench.board.columns import metric_title
    from urbanbench.board.numbers import PLUS_MINUS

    joined, metric = kin.joined, row.main_metric
    if joined is None:
        return {}
    score = joined.score(metric)
    spreads = {"over splits": score.std, "over trainings": score.between}
    each = {
        f"training {one.spec.get('model_seed')}": one.score(metric).text
        + (", this one" if one.spec.get("model_seed") == row.spec.get("model_seed") else "")
        for one in joined.trainings
    }
    return {
        "how many": len(joined.trainings),
        metric_title(metric): score.text,
        "spread": ", ".join(f"{PLUS_MINUS} {value:.3f} {name}" for name, value in spreads.items()),
        **each,
    }
