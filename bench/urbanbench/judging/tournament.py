"""Tournament: two or more models on the questions they share, pair by pair and in ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from urbanbench.judging.bayes import Odds, signed_rank
from urbanbench.judging.choosing import Chosen
from urbanbench.judging.comparison import Comparison, compare
from urbanbench.judging.families import holm
from urbanbench.judging.ground import Ground, Places
from urbanbench.judging.question import pair_up
from urbanbench.judging.ranks import Ranking, rank_intervals, ranking
from urbanbench.scoring.metrics import metric_info

__all__ = ["Standings", "Tournament", "tournament"]

_FEWEST_TASKS = 3
"""From which on the Bayesian signed-rank test says something."""


@dataclass(frozen=True, eq=False)
class Standings:
    """Ranks of all models over the tasks that all of them answer.

    Parameters
    ----------
    tasks
        Names of the N tasks: city and task.
    scores
        (N, K), higher is better: means over the splits and heads that all models share.
    average
        (K,) mean rank, 1 the best.
    intervals
        (K, 2): ranks that a model may really have.
    ranking
        Friedman's test and Nemenyi's critical difference; None of one task.
    """

    tasks: tuple[str, ...]
    scores: np.ndarray
    average: np.ndarray
    intervals: np.ndarray
    ranking: Ranking | None


@dataclass(frozen=True, eq=False)
class Tournament:
    """What was found.

    Parameters
    ----------
    names
        Of the K models.
    matches
        For every two models (i, j), i < j, a comparison per question; p values are adjusted over all of them.
    odds
        Of two models over three tasks and more, in metrics without a unit: Bayesian signed-rank test of i against j.
    standings
        Of three models and more; None where no question has them all.
    """

    names: tuple[str, ...]
    matches: dict[tuple[int, int], list[Comparison]]
    odds: dict[tuple[int, int], Odds]
    standings: Standings | None

    @property
    def family(self) -> int:
        """Number of comparisons that p values are adjusted over."""
        return sum(len(found) for found in self.matches.values())


def tournament(
    sides: Sequence[Chosen], places: Places, *, metric: str = "", rope: float | None = None, draws: int = 0
) -> Tournament:
    """Judge every two models on every question that both answer.

    Parameters
    ----------
    sides
        Two models or more, each with its rows.
    places, metric, rope, draws
        As in `urbanbench.judging.comparison.compare`.

    Raises
    ------
    BadInput
        Two models without a question in common, or what `pair_up` and `compare` refuse.
    """
    ground = Ground(places)
    matches = {}
    for i, j in combinations(range(len(sides)), 2):
        one, other = sides[i], sides[j]
        pairs = pair_up((one.name, other.name), one.rows, other.rows)
        matches[i, j] = compare(pairs, ground, metric=metric, rope=rope, draws=draws)
    matches = _adjusted(matches)
    odds = {pair: told for pair, found in matches.items() if (told := _odds(found)) is not None}
    standings = _standings(matches, len(sides)) if len(sides) > 2 else None
    return Tournament(tuple(one.name for one in sides), matches, odds, standings)


def _adjusted(matches: dict[tuple[int, int], list[Comparison]]) -> dict[tuple[int, int], list[Comparison]]:
    """Adjust p over the comparisons of all pairs together."""
    adjusted = iter(holm(np.array([one.verdict.p for found in matches.values() for one in found])).tolist())
    return {
        pair: [replace(one, adjusted_p=next(adjusted)) for one in found] for pair, found in matches.items()
    }


def _task_of(one: Comparison) -> str:
    cell = one.pair.one[0].cell
    return f"{cell.city} · {cell.task}"


def _odds(found: Sequence[Comparison]) -> Odds | None:
    """Judge over tasks, with one difference for each: splits and heads of a task are no independent questions."""
    alike = len({one.rope for one in found}) == 1
    means: dict[str, list[float]] = {}
    for one in found:
        means.setdefault(_task_of(one), []).append(one.verdict.mean)
    if len(means) < _FEWEST_TASKS or not alike or metric_info(found[0].metric).follows_unit:
        return None
    return signed_rank(np.array([np.mean(values) for values in means.values()]), found[0].rope)


def _standings(matches: dict[tuple[int, int], list[Comparison]], count: int) -> Standings | None:
    by_place = {pair: {one.pair.place: one for one in found} for pair, found in matches.items()}
    shared = [place for place in by_place[0, 1] if all(place in found for found in by_place.values())]
    if not shared:
        return None
    found: dict[str, list[list[float]]] = {}
    for place in shared:
        found.setdefault(_task_of(by_place[0, 1][place]), []).append(_scores_at(place, by_place, count))
    scores = np.array([np.mean(rows, axis=0) for rows in found.values()])
    single = {pair: by_place[pair][shared[0]] for pair in by_place} if len(shared) == 1 else None
    p = _of_verdicts(single, count) if single else _of_tasks(scores)
    from scipy.stats import rankdata

    average = rankdata(-scores, axis=1).mean(axis=0)
    made = ranking(scores) if len(scores) > 1 else None
    return Standings(tuple(found), scores, average, rank_intervals(p), made)


def _scores_at(place: str, by_place: dict[tuple[int, int], dict[str, Comparison]], count: int) -> list[float]:
    first = by_place[0, 1][place]
    rest = [by_place[0, k][place].scores[1] for k in range(1, count)]
    return [first.sign * score for score in (first.scores[0], *rest)]


def _of_verdicts(found: dict[tuple[int, int], Comparison], count: int) -> np.ndarray:
    """Return one-sided p values (K, K) of a single question, small where the row's model is better than the column's."""
    p = np.full((count, count), np.nan)
    for (i, j), one in found.items():
        half = one.verdict.p / 2
        p[i, j], p[j, i] = (half, 1 - half) if one.verdict.mean > 0 else (1 - half, half)
    return p


def _of_tasks(scores: np.ndarray) -> np.ndarray:
    """Return the same over tasks, by Wilcoxon's signed ranks (Demšar 2006, section 3.1.3)."""
    from scipy.stats import wilcoxon

    count = scores.shape[1]
    p = np.full((count, count), np.nan)
    for i, j in permutations(range(count), 2):
        gap = scores[:, i] - scores[:, j]
        method = "exact" if np.all(gap) else "asymptotic"
        p[i, j] = wilcoxon(gap, alternative="greater", method=method).pvalue if gap.any() else 1.0
    return p
