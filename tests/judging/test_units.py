"""What single units contribute to a score, and means over units that resemble their neighbours."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from urbanbench.judging.answers import answers_of
from urbanbench.judging.bootstrap import block_bootstrap
from urbanbench.judging.spatial import SpatialJudge
from urbanbench.judging.sums import metric_sums
from urbanbench.scoring.metrics import compute_metrics

NAMES = ("home", "shop", "work")


def problem(kind, count=60, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "regression":
        true = rng.gamma(2.0, 2.0, count)
        return true, true + rng.standard_normal(count), ()
    if kind == "classification":
        true = rng.choice(NAMES, count).astype(object)
        return true, np.where(rng.random(count) < 0.6, true, rng.choice(NAMES, count)), NAMES
    return rng.dirichlet(np.ones(3), count), rng.dirichlet(np.ones(3), count), NAMES


EVERY = [
    (kind, metric)
    for kind in ("regression", "classification", "composition")
    for metric in compute_metrics(kind, *problem(kind), log_scale=3.0)
]


@pytest.mark.parametrize(("kind", "metric"), EVERY)
def test_sums_give_every_metric_of_the_suite(kind, metric):
    true, predicted, classes = problem(kind)
    known = compute_metrics(kind, true, predicted, classes, log_scale=3.0)[metric]
    assert metric_sums(kind, metric, true, predicted, classes, log_scale=3.0).score == pytest.approx(known)


@pytest.mark.parametrize(("kind", "metric"), EVERY)
def test_a_units_contribution_is_what_the_score_loses_without_it(kind, metric):
    """The infinitesimal jackknife against the jackknife: equal up to 1 / n."""
    true, predicted, classes = problem(kind, 2000)
    found = metric_sums(kind, metric, true, predicted, classes, log_scale=3.0).contributions()
    whole = compute_metrics(kind, true, predicted, classes, log_scale=3.0)[metric]
    rows = np.arange(0, 2000, 100)
    without = [
        compute_metrics(kind, np.delete(true, row, 0), np.delete(predicted, row, 0), classes, log_scale=3.0)[
            metric
        ]
        for row in rows
    ]
    lost = (whole - np.array(without)) * 1999 / 2000
    assert found.sum() == pytest.approx(0.0, abs=1e-12)
    assert np.allclose(found[rows], lost, atol=0.01 * np.abs(lost).max())


@pytest.mark.parametrize("kind", ["regression", "classification", "composition"])
def test_metrics_of_another_kind_are_refused(kind):
    with pytest.raises(KeyError, match="mystery"):
        metric_sums(kind, "mystery", *problem(kind))


def test_answers_arrange_predictions_by_split_whatever_their_order():
    frame = pd.DataFrame(
        {
            "seed": [0, 0, 0, 1, 1, 1],
            "unit_id": ["b", "a", "c", "c", "b", "d"],
            "true": [1.0, 2.0, 4.0, 4.0, 1.0, 0.0],
            "predicted": [1.5, 2.0, 3.0, 4.0, 2.0, 0.5],
        }
    )
    found, turned = (answers_of(one, "regression", "mae") for one in (frame, frame.iloc[[2, 0, 1, 5, 4, 3]]))
    assert found.units.tolist() == ["a", "b", "c", "d"]
    assert found.scores == pytest.approx([0.5, 0.5])
    # split by split (error - mean error) / 3, over two splits
    assert found.contributions == pytest.approx([-0.5 / 6, 0.5 / 6, 0.0, 0.0])
    assert np.allclose(found.contributions, turned.contributions)


def _fields(places, reach, draws, rng):
    shape = np.exp(-cdist(places, places) / reach) if reach else np.eye(len(places))
    return (
        rng.standard_normal((draws, len(places))) @ np.linalg.cholesky(shape + 1e-9 * np.eye(len(places))).T
    )


@pytest.mark.parametrize(
    ("reach", "low", "high"), [(0.0, 0.025, 0.055), (800.0, 0.02, 0.055), (1500.0, 0.04, 0.06)]
)
def test_means_of_correlated_fields_are_judged_at_the_nominal_rate_or_below(reach, low, high):
    """Up to a mean correlation of 0.03, here a range of about 1,500 m; the plain t test is wrong by far."""
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 20_000, (150, 2))
    judge = SpatialJudge(places)
    values = _fields(places, reach, 2500, rng)
    found = [judge.judge(one.mean(), (one - one.mean()) / 150) for one in values]
    assert low <= np.mean([one.p < 0.05 for one in found]) <= high
    held = np.mean([abs(one.mean) <= one.reach for one in found])
    assert 1 - high <= held <= 1 - low
    plain = np.abs(values.mean(axis=1)) / (values.std(axis=1, ddof=1) / np.sqrt(150))
    assert (np.mean(plain > 1.98) > 0.12) == (reach > 0)


def test_the_worst_correlation_is_the_one_that_was_asked_for():
    places = np.random.default_rng(2).uniform(0, 5000, (80, 2))
    judge = SpatialJudge(places, correlation=0.1)
    pairs = cdist(places, places)[np.triu_indices(80, 1)]
    assert np.exp(-pairs / judge.range_m).mean() == pytest.approx(0.1, abs=1e-6)
    assert judge.chance(judge.critical) == pytest.approx(0.05, abs=1e-6)
    assert judge.critical > SpatialJudge(places, correlation=0.02).critical
    assert judge.chance(0.0) == pytest.approx(1.0)


def test_a_verdict_does_not_depend_on_the_order_or_unit_of_places():
    rng = np.random.default_rng(3)
    places, values = rng.uniform(0, 5000, (60, 2)), rng.standard_normal(60)
    parts, order = (values - values.mean()) / 60, rng.permutation(60)
    one = SpatialJudge(places).judge(0.3, parts)
    other = SpatialJudge(places[order] * 1000 + 7).judge(0.3, parts[order])
    assert (one.error, one.p) == pytest.approx((other.error, other.p))


def test_units_at_one_place_count_as_one_and_many_are_put_into_cells():
    rng = np.random.default_rng(4)
    places = rng.uniform(0, 5000, (50, 2))
    parts = rng.standard_normal(50)
    parts -= parts.mean()
    twice = SpatialJudge(np.repeat(places, 2, axis=0)).judge(1.0, np.repeat(parts / 2, 2))
    assert twice.error == pytest.approx(SpatialJudge(places).judge(1.0, parts).error)
    many = SpatialJudge(rng.uniform(0, 5000, (3000, 2)))
    values = rng.standard_normal((200, 3000))
    errors = [many.judge(0.0, (one - one.mean()) / 3000).error for one in values]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(1 / np.sqrt(3000), rel=0.1)
    with pytest.raises(ValueError, match="3 places"):
        SpatialJudge(np.repeat(rng.uniform(0, 1, (3, 2)), 4, axis=0))


def test_the_block_bootstrap_widens_where_neighbours_are_alike():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 10_000, (400, 2))
    alike = np.floor(places / 2000).sum(axis=1) % 2 - 0.5
    mixed = rng.permutation(alike)
    parts = np.stack([alike - alike.mean(), mixed - mixed.mean()]) / 400
    found = block_bootstrap(np.array([0.6, 0.5]), parts, places, 2000.0)
    again = block_bootstrap(np.array([0.6, 0.5]), parts, places, 2000.0)
    assert found.interval(0) == again.interval(0)
    wide, narrow = (np.diff(found.interval(row))[0] for row in (0, 1))
    assert wide > 1.5 * narrow
    assert narrow == pytest.approx(2 * 2.0 * mixed.std() / 20, rel=0.25)
    assert np.mean(found.interval(0)) == pytest.approx(0.6)
    low, high = found.gap_interval(0, 1)
    assert (low + high) / 2 == pytest.approx(0.1)


def test_block_bootstrap_intervals_hold_the_mean_of_smooth_fields_nearly_as_often_as_they_say():
    rng = np.random.default_rng(6)
    places = rng.uniform(0, 20_000, (120, 2))
    held = []
    for one in _fields(places, 800.0, 200, rng):
        drawn = block_bootstrap(
            np.array([one.mean()]), (one - one.mean())[None] / 120, places, 4000.0, repeats=400
        )
        low, high = drawn.interval(0)
        held.append(low <= 0 <= high)
    assert 0.88 <= np.mean(held) <= 0.99


def test_blocks_too_few_to_be_drawn_again_give_no_interval():
    places = np.random.default_rng(5).uniform(0, 1000, (40, 2))
    found = block_bootstrap(np.array([0.6]), np.ones((1, 40)) / 40, places, 1e6)
    assert not found.enough
    assert found.interval(0) == (-np.inf, np.inf)
    assert block_bootstrap(np.array([0.6]), np.ones((1, 40)) / 40, places, 300.0).enough


def test_units_that_all_differ_by_the_same_are_no_chance():
    places = np.random.default_rng(0).uniform(0, 1e4, (80, 2))
    assert SpatialJudge(places).judge(0.5, np.zeros(80)).p == 0.0
