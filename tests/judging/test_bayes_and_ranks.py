"""Bayesian comparisons, ranks over tasks and power, against other programs and closed forms."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from urbanbench.judging.bayes import correlated_t, signed_rank
from urbanbench.judging.charts import draw_ranks
from urbanbench.judging.paired import resampled_t
from urbanbench.judging.power import Variance, needed, power
from urbanbench.judging.ranks import rank_intervals, ranking
from urbanbench.judging.sharing import Sharing

GAPS = np.array([0.021, 0.034, -0.005, 0.041, 0.018, 0.027, 0.012, 0.033, 0.004, 0.026])
TASKS = np.array([0.0313, 0.0127, -0.0231, 0.0541, 0.0437, 0.0021, 0.0623, -0.0114])
SCORES = np.array(
    [
        [0.9, 0.8, 0.7, 0.6],
        [0.85, 0.86, 0.6, 0.5],
        [0.7, 0.6, 0.65, 0.5],
        [0.9, 0.85, 0.8, 0.85],
        [0.6, 0.5, 0.4, 0.3],
        [0.7, 0.72, 0.6, 0.5],
    ]
)


def test_the_correlated_t_test_is_that_of_baycomp():
    """CorrelatedTTest.probs(..., runs=1) of baycomp 1.0.3, whose correlation 1 / 10 is a ratio of 1 / 9."""
    found = correlated_t(GAPS, Sharing(1 / 9), 0.01)
    assert (found.better, found.same, found.worse) == pytest.approx(
        (0.9378135, 0.0616631, 0.0005234), abs=1e-6
    )
    assert correlated_t(GAPS, Sharing(1 / 9), 0.0).better == pytest.approx(0.9947676, abs=1e-6)


def test_without_a_region_the_odds_are_the_one_sided_p_value():
    assert correlated_t(GAPS, Sharing(1 / 3), 0.0).worse == pytest.approx(
        float(resampled_t(GAPS, Sharing(1 / 3)).p_above)
    )


def test_a_gap_that_never_varies_has_certain_odds():
    assert correlated_t(np.full(4, 0.005), Sharing(0.3), 0.01).same == 1.0
    assert correlated_t(np.full(4, 0.05), Sharing(0.3), 0.01).better == 1.0


def test_the_signed_rank_test_is_that_of_baycomp():
    """SignedRankTest.probs of baycomp 1.0.3 with 200,000 draws."""
    found = signed_rank(TASKS, 0.01)
    assert (found.better, found.same, found.worse) == pytest.approx((0.9197, 0.0571, 0.0233), abs=0.006)
    turned = signed_rank(-TASKS, 0.01)
    assert (turned.worse, turned.same, turned.better) == pytest.approx(
        (found.better, found.same, found.worse), abs=0.01
    )
    assert found.better + found.same + found.worse == pytest.approx(1.0)
    assert signed_rank(TASKS, 0.01) == found


def test_ranks_are_judged_as_by_scipy_and_scikit_posthocs():
    found = ranking(SCORES)
    known = stats.friedmanchisquare(*SCORES.T)
    assert (found.statistic, found.p) == pytest.approx((known.statistic, known.pvalue))
    # Demšar 2006, table 5: q = 2.569 for four rows
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / 36), abs=1e-3)
    # posthoc_nemenyi_friedman of scikit-posthocs 0.17.1: only rows 0 and 3 are apart (p = 0.0065)
    assert found.groups() == [(0, 1, 2), (1, 2, 3)]


def test_rank_intervals_count_the_rows_that_are_surely_better_and_worse():
    p = np.ones((3, 3))
    p[0, 1] = p[0, 2] = p[1, 2] = 1e-6
    assert rank_intervals(p).tolist() == [[1, 1], [2, 2], [3, 3]]
    p[0, 1] = 0.02  # not after Holm over six comparisons
    assert rank_intervals(p).tolist() == [[1, 2], [1, 2], [3, 3]]


def test_the_diagram_names_every_row_with_its_rank_and_stays_inside():
    canvas = Figure(figsize=(8, 3), layout="constrained")
    draw_ranks(canvas, ranking(SCORES), ["a", "b", "c", "d"], np.array([[1, 2]] * 4))
    texts = [one.get_text() for one in canvas.axes[0].texts]
    assert any("a 1.33 [1 to 2]" in text for text in texts)
    assert any("critical difference 1.91" in text for text in texts)


@pytest.mark.parametrize(("effect", "df"), [(0.5, 9), (2.0, 4), (3.0, 30), (0.0, 9)])
def test_power_is_that_of_the_noncentral_t(effect, df):
    edge = stats.t.ppf(0.975, df)
    exact = stats.nct.sf(edge, df, effect) + stats.nct.cdf(-edge, df, effect) if effect else 0.05
    assert power(effect, 1.0, df) == pytest.approx(exact, abs=1e-3)


def test_the_seeds_that_are_needed_are_the_fewest_with_enough_power():
    variance = Variance(of_seeds=1.0, shared=0.01, seeds=10, units=300, sharing=Sharing(0.25))
    found = needed(0.5, variance)
    enough, short = (power(0.5, np.sqrt(1 / n + 0.01), n - 1) for n in (found.seeds, found.seeds - 1))
    assert short < 0.8 <= enough
    assert found.power < 0.8
    assert found.cities < found.seeds


def test_no_number_of_seeds_helps_where_units_are_too_few():
    found = needed(0.1, Variance(of_seeds=0.01, shared=0.01, seeds=10, units=300, sharing=Sharing(0.25)))
    assert found.seeds is None
    assert found.units > 300
    assert needed(0.0, Variance(0.01, 0.01, 10, 300, Sharing(0.25))).cities is None
