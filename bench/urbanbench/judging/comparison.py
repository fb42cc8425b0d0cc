"""Comparison: two models on every question they share, judged from their results and predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.judging.basis import Basis
from urbanbench.judging.bootstrap import Resampled
from urbanbench.judging.evidence import evidence_of, resampled_units
from urbanbench.judging.families import holm
from urbanbench.judging.ground import Ground
from urbanbench.judging.question import Pair
from urbanbench.judging.verdict import LEVEL, Verdict, judge
from urbanbench.result import RunResult
from urbanbench.scoring.metrics import metric_info

__all__ = ["Comparison", "compare"]

ROPE = 0.01
"""Half width of the region of practical equivalence: a hundredth of R² or F1, as Benavoli et al. (2017) take for accuracy; of metrics with a unit a
hundredth of the score."""


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
    basis
        What chance is told by.
    adjusted_p
        p after Holm over all questions of the comparison.
    lacking
        `urbanbench.judging.evidence.NO_PLACES` or `NO_PREDICTIONS` where that kept the spatial test away; else "".
    resampled
        Scores of both on resampled blocks of test units, where that was asked for and can be had.
    """

    pair: Pair
    metric: str
    sign: int
    scores: tuple[float, float]
    differences: np.ndarray
    rope: float
    verdict: Verdict
    basis: Basis
    adjusted_p: float = math.nan
    lacking: str = ""
    resampled: Resampled | None = None

    @property
    def separable(self) -> bool:
        """Whether such a difference is unlikely by chance, over all questions at 5 %."""
        return self.adjusted_p < LEVEL and not self.blind

    @property
    def blind(self) -> bool:
        """Whether nothing but seeds that test the same units could be judged, so that the verdict says nothing of chance over units."""
        return bool(self.lacking) and self.basis is Basis.SAME_UNITS


def compare(
    pairs: Sequence[Pair], ground: Ground, *, metric: str = "", rope: float | None = None, draws: int = 0
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
    draws
        Of a spatial block bootstrap beside the verdict; 0 for none.

    Raises
    ------
    BadInput
        A row has no such metric, no finite score on some split, or one split only.
    """
    judged = [_one(pair, metric, rope, ground, draws) for pair in pairs]
    adjusted = holm(np.array([one.verdict.p for one in judged]))
    return [replace(one, adjusted_p=float(p)) for one, p in zip(judged, adjusted, strict=True)]


def _one(pair: Pair, asked: str, rope: float | None, ground: Ground, draws: int) -> Comparison:
    first = pair.one[0]
    metric = asked or str(first.evaluation["main_metric"])
    ours, theirs = (_scores(side, metric) for side in (pair.one, pair.other))
    info = metric_info(metric)
    sign = 1 if info.higher_is_better else -1
    means = (float(ours.mean()), float(theirs.mean()))
    width = rope if rope is not None else ROPE * (abs(np.mean(means)) if info.follows_unit else 1.0)
    evidence, lacking = evidence_of(pair, metric, sign, (sign * ours, sign * theirs), ground)
    verdict = judge(evidence, float(width))
    drawn = resampled_units(pair, metric, ground, draws) if draws else None
    return Comparison(
        pair,
        metric,
        sign,
        means,
        evidence.differences,
        float(width),
        verdict,
        evidence.basis,
        lacking=lacking,
        resampled=drawn,
    )


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
