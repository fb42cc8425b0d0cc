"""Retrieval is judged by its queries: a small cut of the calibration, and what drawings must not be taken for."""

import numpy as np
import pytest

from urbanbench.judging.basis import Basis
from urbanbench.judging.contest import Contest
from urbanbench.judging.paired import naive_t
from urbanbench.judging.queries import bounded_t, over_queries
from urbanbench.judging.separable import not_separable


def town(draw, gap=0.0, queries=80, seeds=10):
    """Hits (2, seeds, queries) of two models that find a query hard each in its own way; drawings change little about that."""
    own = draw.normal(size=(2, queries)) + draw.normal(size=queries)
    own[0] += gap
    chance = 1 / (1 + np.exp(-2.5 * own[:, None] - 0.4 * draw.normal(size=(2, seeds, queries))))
    return (draw.random((2, seeds, queries)) < chance).astype(float)


def verdicts(gap, repeats=300):
    draw = np.random.default_rng(4)
    found = []
    for _ in range(repeats):
        hits = town(draw, gap)
        per_query = hits.mean(axis=1)
        differences = hits[0].mean(axis=1) - hits[1].mean(axis=1)
        parts = per_query[0] - per_query[1]
        mean = float(parts.mean())
        queries = over_queries(mean, (parts - mean) / len(parts))
        shares = bounded_t(hits[0].mean(), hits[1].mean(), len(parts))
        found.append([float(naive_t(differences).p), float(queries.p), float(shares.p)])
    return (np.array(found) < 0.05).mean(axis=0)


def test_equal_models_are_rarely_told_apart_by_queries_and_often_by_drawings():
    drawings, queries, shares = verdicts(0.0)
    assert drawings > 0.4
    assert 0.02 < queries < 0.085
    assert shares <= queries


def test_unequal_models_are_told_apart():
    _, queries, shares = verdicts(0.9, repeats=100)
    assert queries > 0.8
    assert shares > 0.5


def test_the_standard_error_is_that_of_a_paired_t_test_over_queries():
    from scipy.stats import ttest_rel

    draw = np.random.default_rng(0)
    one, other = draw.random((2, 30))
    parts = one - other
    found = over_queries(float(parts.mean()), (parts - parts.mean()) / 30)
    usual = ttest_rel(one, other)
    assert float(found.p) == pytest.approx(usual.pvalue)
    low, high = found.interval()
    assert (float(low), float(high)) == pytest.approx(tuple(usual.confidence_interval()))


def test_the_best_share_is_kept_with_all_that_as_many_queries_do_not_tell_from_it():
    means = np.array([[0.6], [0.55], [0.2], [0.6]])

    def kept(rows, queries):
        return not_separable(Contest(rows, Basis.QUERIES, None, count=queries)).tolist()

    assert kept(means, 60) == [True, True, False, True]
    assert kept(means, 6000) == [True, False, False, True]
    assert kept(means[:1], 10) == [True]
