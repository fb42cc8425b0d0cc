"""Verdict: what may be said of two rows on one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.judging.answers import Answers
from urbanbench.judging.basis import Basis
from urbanbench.judging.bayes import Odds, odds_of
from urbanbench.judging.estimate import Estimate
from urbanbench.judging.paired import naive_t, resampled_t, with_trainings
from urbanbench.judging.power import Needed, Variance, needed
from urbanbench.judging.queries import bounded_t, over_queries
from urbanbench.judging.sharing import Sharing
from urbanbench.judging.spatial import SpatialJudge, over_places

__all__ = [
    "BOUNDED",
    "LEVEL",
    "QUERIES",
    "RESAMPLED",
    "SPATIAL",
    "Evidence",
    "Verdict",
    "contributions_of",
    "judge",
]

RESAMPLED = "corrected resampled t"
SPATIAL = "spatial t"
QUERIES = "t over queries"
BOUNDED = "t of shares"
"""Names of the procedures; the last two of retrievals whose places, or predictions, are not known."""
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything a verdict rests on.

    Parameters
    ----------
    one, other
        Scores (M, J) of the trainings of each row on the same J splits, higher is better.
    sharing
        What the splits share.
    units
        Units scored.
    basis
        What chance is told by; of queries scores are means over them of numbers between 0 and 1.
    contributions
        What each unit adds to the mean difference, (u,) (`contributions_of`); None without predictions.
    places
        Judge of the units' positions; None where they are not known.
    """

    one: np.ndarray
    other: np.ndarray
    sharing: Sharing
    units: int
    basis: Basis
    contributions: np.ndarray | None = None
    places: SpatialJudge | None = None

    @property
    def differences(self) -> np.ndarray:
        """Mean score of the one minus that of the other on every split, (J,)."""
        return np.asarray(self.one.mean(axis=0) - self.other.mean(axis=0))


@dataclass(frozen=True)
class Verdict:
    """What may be said.

    Parameters
    ----------
    mean, low, high
        Mean difference, positive where the one is better, and its 95 % interval.
    p
        Probability of so large a difference by chance, two-sided.
    naive_p
        What a paired t test says that takes splits for independent.
    method
        `RESAMPLED`, `SPATIAL`, `QUERIES` or `BOUNDED`.
    odds
        Of the one being practically better, the same or worse: of the corrected resampled t that is the Bayesian correlated t test.
    needed
        What would separate the two with a power of 80 %.
    """

    mean: float
    low: float
    high: float
    p: float
    naive_p: float
    method: str
    odds: Odds
    needed: Needed


def judge(evidence: Evidence, rope: float) -> Verdict:
    """Judge two rows.

    The basis says by what. Where splits hold out whole neighbourhoods, the corrected resampled t test: the spread between splits has in it how neighbourhoods
    differ. Where test units lie everywhere or are the same each time, the spatial t test over units, as far as predictions and positions are known. Of a
    retrieval without positions, the t test over queries, and without predictions a bound on it.

    Parameters
    ----------
    evidence
        Of at least two splits.
    rope
        Half width of the region of practical equivalence.
    """
    differences = evidence.differences
    usual, method = _usual(evidence)
    spatial = _spatial(evidence)
    sides = [evidence.one, evidence.other]
    whole = with_trainings(spatial[0] if spatial else usual, sides)
    low, high = whole.interval()
    alone = spatial is not None and whole is spatial[0]
    return Verdict(
        mean=float(whole.mean),
        low=float(low),
        high=float(high),
        p=spatial[1] if spatial and alone else float(whole.p),
        naive_p=float(naive_t(differences).p),
        method=SPATIAL if spatial else method,
        odds=odds_of(whole, rope),
        needed=needed(
            float(whole.mean),
            _variance(evidence, whole, fixed=spatial is not None or evidence.basis is Basis.QUERIES),
        ),
    )


def _usual(evidence: Evidence) -> tuple[Estimate, str]:
    """Return the estimate that knows no places, and its name."""
    if evidence.basis is not Basis.QUERIES:
        return resampled_t(evidence.differences, evidence.sharing), RESAMPLED
    if evidence.contributions is not None:
        return over_queries(float(evidence.differences.mean()), evidence.contributions), QUERIES
    return bounded_t(
        np.asarray(evidence.one.mean()), np.asarray(evidence.other.mean()), evidence.units
    ), BOUNDED


def _spatial(evidence: Evidence) -> tuple[Estimate, float] | None:
    """Return the spatial estimate and its p value; None where units are not what is judged, or are not known."""
    if evidence.basis is Basis.NEIGHBOURHOODS or evidence.places is None or evidence.contributions is None:
        return None
    return over_places(evidence.places, float(evidence.differences.mean()), evidence.contributions)


def _variance(evidence: Evidence, whole: Estimate, *, fixed: bool) -> Variance:
    seeds = len(evidence.differences)
    of_seeds = float(evidence.differences.var(ddof=1))
    shared = max(float(whole.error) ** 2 - of_seeds / seeds, 0.0)
    return Variance(
        of_seeds, shared, seeds, evidence.units, evidence.sharing, float(whole.df) if fixed else None
    )


def contributions_of(one: Sequence[Answers], other: Sequence[Answers], sign: int) -> np.ndarray:
    """Return what each unit adds to the mean difference, (u,), from the answers of both rows' trainings to the same splits.

    Parameters
    ----------
    sign
        1 where higher is better, -1 where lower is.
    """
    ours, theirs = (np.mean([row.contributions for row in side], axis=0) for side in (one, other))
    return np.asarray(sign * (ours - theirs))
