"""Comparison: two models on every question they share, judged from their results and predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from urbanbench.errors import BadInput, DataMissing
from urbanbench.judging.answers import Answers, answers_of
from urbanbench.judging.families import holm
from urbanbench.judging.ground import Ground
from urbanbench.judging.paired import test_ratio
from urbanbench.judging.question import Pair
from urbanbench.judging.verdict import LEVEL, Evidence, Verdict, contributions_of, judge
from urbanbench.result import RunResult
from urbanbench.scoring.metrics import metric_info
from urbanbench.store import ResultStore
from urbanbench.task import base_unit_factor

__all__ = ["NO_PLACES", "NO_PREDICTIONS", "Comparison", "compare"]

ROPE = 0.01
"""Half width of the region of practical equivalence: a hundredth of R² or F1, as Benavoli et al. (2017) take for accuracy; of metrics with a unit a
hundredth of the score."""
NO_PLACES, NO_PREDICTIONS = "no places", "no predictions"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models on one question.

    Parameters
    ----------
    pair
        Their rows.
    metric, sign
        What is compared; 1 where higher is better, -1 where lower is.
    scores
        Mean score of the one and of the other, in the metric's own direction.
    differences
        (J,): the one minus the other on every split, positive where the one is better.
    rope
        Half width of the region of practical equivalence.
    verdict
        What may be said.
    adjusted_p
        p after Holm over all questions of the comparison.
    lacking
        `NO_PLACES` or `NO_PREDICTIONS` where that kept the spatial test away; else "".
    """

    pair: Pair
    metric: str
    sign: int
    scores: tuple[float, float]
    differences: np.ndarray
    rope: float
    verdict: Verdict
    adjusted_p: float = math.nan
    lacking: str = ""

    @property
    def separable(self) -> bool:
        """Whether such a difference is unlikely by chance, over all questions at 5 %."""
        return self.adjusted_p < LEVEL


def compare(
    pairs: Sequence[Pair], ground: Ground, *, metric: str = "", rope: float | None = None
) -> list[Comparison]:
    """Judge pairs of rows, one question each, and adjust their p values by Holm over all of them.

    Parameters
    ----------
    pairs
        What `urbanbench.judging.question.pair_up` gave.
    ground
        Where units lie.
    metric
        "" for the main one of each task.
    rope
        Half width of the region of practical equivalence in the metric's unit; None for a hundredth (of the score, where the metric has a unit).

    Raises
    ------
    BadInput
        A row has no such metric, no finite score on some split, or one split only.
    """
    judged = [_one(pair, metric, rope, ground) for pair in pairs]
    adjusted = holm(np.array([one.verdict.p for one in judged]))
    return [replace(one, adjusted_p=float(p)) for one, p in zip(judged, adjusted, strict=True)]


def _one(pair: Pair, asked: str, rope: float | None, ground: Ground) -> Comparison:
    first = pair.one[0]
    metric = asked or str(first.evaluation["main_metric"])
    ours, theirs = (_scores(side, metric) for side in (pair.one, pair.other))
    info = metric_info(metric)
    sign = 1 if info.higher_is_better else -1
    means = (float(ours.mean()), float(theirs.mean()))
    width = rope if rope is not None else ROPE * (abs(np.mean(means)) if info.follows_unit else 1.0)
    evidence, lacking = _evidence(pair, metric, sign, (sign * ours, sign * theirs), ground)
    verdict = judge(evidence, float(width))
    return Comparison(pair, metric, sign, means, evidence.differences, float(width), verdict, lacking=lacking)


def _scores(side: Sequence[RunResult], metric: str) -> np.ndarray:
    """Return the scores (M, J) of a model's trainings."""
    for row in side:
        if metric not in row.scores:
            msg = f"Run {row.run_id[:10]} ({row.cell}) has no metric {metric!r}. Expected one of: {', '.join(row.scores)}."
            raise BadInput(msg)
    found = np.array([row.scores[metric] for row in side], dtype=np.float64)
    if found.shape[1] < 2:
        msg = f"Run {side[0].run_id[:10]} ({side[0].cell}) has scores on one split. Expected at least two, for chance is judged by how splits differ. Mend: compare rows of --protocol default, or run with more --seeds."
        raise BadInput(msg)
    if not np.isfinite(found).all():
        msg = f"Run {side[0].run_id[:10]} ({side[0].cell}) has no finite {metric} on {int((~np.isfinite(found)).any(axis=0).sum())} of {found.shape[1]} seeds. Expected one on every seed. Mend: choose another --metric."
        raise BadInput(msg)
    return found


def _evidence(
    pair: Pair, metric: str, sign: int, scores: tuple[np.ndarray, np.ndarray], ground: Ground
) -> tuple[Evidence, str]:
    first = pair.one[0]
    sizes = [float(np.mean(first.evaluation[name])) for name in ("n_train", "n_test")]
    base = Evidence(*scores, test_ratio(*sizes), int(first.evaluation["n_units"]), _whole_blocks(first))
    if base.whole_blocks:
        return base, ""
    answers = _answers(pair, metric)
    if answers is None:
        return base, NO_PREDICTIONS
    judged = ground.judge(first, answers[0][0].units)
    if judged is None:
        return base, NO_PLACES
    return replace(base, contributions=contributions_of(*answers, sign), places=judged), ""


def _whole_blocks(row: RunResult) -> bool:
    """Tell whether a row's splits hold out whole neighbourhoods, and not single units drawn from everywhere."""
    return row.cell.split != "random" and ":" not in row.cell.split


def _answers(pair: Pair, metric: str) -> tuple[list[Answers], list[Answers]] | None:
    """Read what both models answered; None where predictions of a row are not there."""
    try:
        ours, theirs = ([_read(row, metric) for row in side] for side in (pair.one, pair.other))
    except DataMissing:
        return None
    return ours, theirs


def _read(row: RunResult, metric: str) -> Answers:
    if row.file is None:
        msg = f"Run {row.run_id} is no file."
        raise DataMissing(msg)
    scale = base_unit_factor(str(row.task.get("unit") or ""))
    told = ResultStore.read_predictions(row.file.absolute(), row.cell)
    return answers_of(told, str(row.task["kind"]), metric, log_scale=scale)
