"""Levels that scores of retrieval stand between: what lots would score, and one who knows where everything lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from urbanbench.scoring.retrieval.metrics import by_chance, distance_scores, hit_scores
from urbanbench.scoring.retrieval.ranks import ranked_by_distance
from urbanbench.scoring.retrieval.sets import SIZES, CandidateSets

__all__ = ["chance_of", "oracle_of", "suffix_of"]


def suffix_of(size: int) -> str:
    """Return what stands behind the names of metrics of sets of this size; "" for the first."""
    return "" if size == SIZES[0] else f"/{size}"


def chance_of(
    sets: Sequence[CandidateSets], far: Sequence[np.ndarray | None], placed: np.ndarray
) -> dict[str, float]:
    """Return what lots would score, of every metric.

    Parameters
    ----------
    sets
        Candidate sets by size.
    far
        Distances of their candidates, (seeds, q, size) in metres, infinite where there is none; None for all without places.
    placed
        bool (n,): queries whose candidates are all places.
    """
    found: dict[str, float] = {}
    for one in sets:
        found |= by_chance(one.counts, suffix_of(one.size))
    if sets and far[0] is not None:
        chosen = placed[sets[0].queries]
        metres, counts = far[0][:, chosen], sets[0].counts[chosen]
        weights = np.broadcast_to((1.0 / counts)[None, :, None], metres.shape)
        there = np.isfinite(metres)
        found |= distance_scores(metres[there], weights[there])
    return found


def oracle_of(
    sets: Sequence[CandidateSets], far: Sequence[np.ndarray | None], placed: np.ndarray
) -> dict[str, float]:
    """Return what one scores who ranks candidates by their distance from the right place; {} where no query is about a place. Means over seeds."""
    found: dict[str, float] = {}
    for one, metres in zip(sets, far, strict=True):
        chosen = placed[one.queries]
        if metres is None or not chosen.any():
            continue
        ranks = ranked_by_distance(one, metres)[:, chosen]
        found |= hit_scores(ranks.ravel(), suffix_of(one.size))
        if one.size == SIZES[0]:
            found |= distance_scores(metres[:, chosen].min(axis=2).ravel())
    return found
