"""Paired differences over splits that share units: the corrected t, trainings, Holm and the set that may be best."""

import numpy as np
import pytest
from scipy import stats

from urbanbench.judging.basis import Basis, whole_neighbourhoods
from urbanbench.judging.contest import Contest
from urbanbench.judging.estimate import Estimate, combined
from urbanbench.judging.families import holm
from urbanbench.judging.paired import naive_t, resampled_t, with_trainings
from urbanbench.judging.separable import not_separable
from urbanbench.judging.sharing import Sharing, sharing_of


def kept_of(scores, sharing, trainings=()):
    return not_separable(Contest(scores, Basis.NEIGHBOURHOODS, sharing, trainings))


GAPS = np.array([0.021, 0.034, -0.005, 0.041, 0.018, 0.027, 0.012, 0.033, 0.004, 0.026])


def test_without_shared_units_it_is_the_paired_t_test():
    found, known = naive_t(GAPS), stats.ttest_1samp(GAPS, 0.0)
    assert found.t == pytest.approx(known.statistic)
    assert found.p == pytest.approx(known.pvalue)
    assert np.allclose(found.interval(), known.confidence_interval(0.95))
    assert found.p_above == pytest.approx(stats.ttest_1samp(GAPS, 0.0, alternative="greater").pvalue)


def test_shared_units_widen_the_interval_by_the_factor_of_nadeau_and_bengio():
    """The variance S² / J becomes S² (1 / J + n2 / n1)."""
    wide, narrow = resampled_t(GAPS, Sharing(1 / 3)), naive_t(GAPS)
    assert wide.error / narrow.error == pytest.approx(np.sqrt(1 + 10 / 3))
    assert wide.df == 9


def test_splits_share_what_their_kind_and_sizes_say():
    single = sharing_of("random", 180, 60, 60)
    assert (single.ratio, single.freedom(10)) == (0.25, 9.0)
    blocks = sharing_of("block", [170, 190], [60, 60], [70, 50])
    assert blocks.ratio == pytest.approx(60 / 240)
    assert blocks.freedom(10) == pytest.approx(1 / (1 / 9 + 1 / 24))
    names = ("block", "buffered:300", "group:street", "knndm", "random", "file:x", "paper:hgi", "city-out:a")
    assert [whole_neighbourhoods(name) for name in names] == [True] * 4 + [False] * 4


def test_splits_of_a_few_blocks_are_judged_at_the_nominal_rate():
    """25 blocks, ten test parts of five: that so few blocks stand for all takes degrees of freedom away."""
    rng = np.random.default_rng(7)
    gaps = rng.standard_normal((4000, 25))
    tested = np.argsort(rng.random((4000, 10, 25)), axis=2)[:, :, :5]
    scores = np.take_along_axis(gaps[:, None, :], tested, axis=2).mean(axis=2)
    share, as_units = sharing_of("block", 15, 5, 5), sharing_of("random", 15, 5, 5)
    rate, more = (np.mean(resampled_t(scores, one).p < 0.05) for one in (share, as_units))
    assert 0.04 <= rate <= 0.06
    assert more > rate


def test_splits_of_five_groups_are_judged_by_five_and_not_by_as_many_as_blocks():
    """Ten test parts of one group in five: a spread of so few cannot be as sure as that of 25."""
    rng = np.random.default_rng(11)
    gaps = rng.standard_normal((4000, 5))
    scores = np.take_along_axis(gaps, rng.integers(0, 5, (4000, 10)), axis=1)
    few, blocks = sharing_of("group", 15, 5, 5, [{"pieces": 5}] * 10), sharing_of("group", 15, 5, 5)
    rate, more = (np.mean(resampled_t(scores, one).p < 0.05) for one in (few, blocks))
    assert rate <= 0.055 < more
    assert few.freedom(10) == pytest.approx(1 / (1 / 9 + 1 / 4))
    assert sharing_of("group", 15, 5, 5, [{"pieces": 55}]).freedom(10) == blocks.freedom(10)
    assert sharing_of("block", 15, 5, 5, [{"pieces": 6}, {"pieces": 8}]).pieces == 7
    assert sharing_of("random", 15, 5, 5, [{"pieces": 6}]).freedom(10) == 9
    assert np.isfinite(sharing_of("block", 15, 5, 5, [{"pieces": 1}, {"pieces": "many"}]).freedom(10))


def test_many_rows_are_judged_as_each_alone():
    rows = np.stack([GAPS, -2 * GAPS, GAPS[::-1] + 0.01])
    together = resampled_t(rows, Sharing(0.25))
    assert np.allclose(together.p, [resampled_t(row, Sharing(0.25)).p for row in rows])


def test_equal_rows_are_no_evidence_and_a_constant_gap_is_certain():
    assert resampled_t(np.zeros(5), Sharing(0.3)).p == 1.0
    assert resampled_t(np.full(5, 0.25), Sharing(0.3)).p == 0.0


def test_splits_of_one_sample_are_judged_at_the_nominal_rate_and_the_plain_test_is_not():
    """Two equal models on 200 units, ten random test parts of 40: means of gaps whose truth over all samples is 0."""
    rng = np.random.default_rng(4)
    draws, units = 2000, 200
    gaps = rng.standard_normal((draws, units))
    tested = np.argsort(rng.random((draws, 10, units)), axis=2)[:, :, :40]
    scores = np.take_along_axis(gaps[:, None, :], tested, axis=2).mean(axis=2)
    corrected = np.mean(resampled_t(scores, Sharing(40 / 160)).p < 0.05)
    assert 0.04 <= corrected <= 0.06
    assert np.mean(resampled_t(scores, Sharing(40 / 120)).p < 0.05) <= corrected
    assert np.mean(naive_t(scores).p < 0.05) > 0.2


def test_a_second_variance_adds_up_with_satterthwaites_freedom():
    one = Estimate(np.asarray(1.0), np.asarray(2.0), np.asarray(9.0))
    both = combined(one, np.array([4.0]), np.array([1.0]))
    assert both.error == pytest.approx(np.sqrt(8.0))
    assert both.df == pytest.approx(64 / (16 / 9 + 16 / 1))


def test_trainings_that_agree_change_nothing_and_those_that_differ_widen():
    base = resampled_t(GAPS, Sharing(0.25))
    one = 0.5 + np.stack([GAPS, GAPS, GAPS])
    assert with_trainings(base, [one[:1], one[:1]]) is base
    assert with_trainings(base, [one, one[:1]]).error == pytest.approx(float(base.error))
    apart = one + np.array([[-0.05], [0.0], [0.05]])
    wide = with_trainings(base, [apart, one[:1]])
    assert wide.error**2 == pytest.approx(base.error**2 + 0.05**2 / 3)
    assert wide.df < base.df


def test_intervals_over_trainings_hold_the_truth_as_often_as_they_say():
    """A model's three trainings scatter by 0.02 around 0; splits add noise, a third of it shared."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(1500):
        splits = 0.01 * (np.sqrt(1 / 3) * rng.standard_normal(1) + rng.standard_normal(10))
        trainings = 0.02 * rng.standard_normal((3, 1)) + splits
        low, high = with_trainings(
            resampled_t(trainings.mean(axis=0), Sharing(1 / 3)), [trainings]
        ).interval()
        held.append(low <= 0 <= high)
    assert 0.93 <= np.mean(held) <= 0.99


def test_holm_is_that_of_statsmodels():
    p = np.array([0.001, 0.04, 0.03, 0.2, 0.011])
    assert np.allclose(
        holm(p), [0.005, 0.09, 0.09, 0.2, 0.044]
    )  # multipletests(p, method="holm"), statsmodels 0.15
    with_gap = holm(np.array([0.001, np.nan, 0.04]))
    assert np.isnan(with_gap[1])
    assert np.allclose(with_gap[[0, 2]], [0.002, 0.04])
    assert holm(np.array([])).tolist() == []


def test_the_best_row_is_in_its_set_and_a_far_one_is_not():
    scores = 0.6 + np.stack([GAPS, GAPS - 0.3, GAPS[::-1] - 0.001])
    assert kept_of(scores, Sharing(1 / 3)).tolist() == [True, False, True]


def test_the_really_best_of_nearly_equal_rows_is_in_the_set_as_often_as_promised():
    """Eight rows over splits that share half their variance; the first is best by a hair, which no run can see."""
    rng = np.random.default_rng(6)
    ratio, inside, sizes = 1 / 3, 0, []
    for _ in range(800):
        shared = np.sqrt(ratio / (1 + ratio)) * rng.standard_normal((8, 1))
        scores = shared + np.sqrt(1 / (1 + ratio)) * rng.standard_normal((8, 10))
        scores[0] += 0.001
        kept = kept_of(scores, Sharing(ratio))
        inside += kept[0]
        sizes.append(kept.sum())
    assert inside / 800 >= 0.94
    assert np.mean(sizes) > 4


def test_rows_with_several_trainings_are_harder_to_leave_out():
    scores = 0.6 + np.stack([GAPS, GAPS[::-1] - 0.06])
    apart = scores[1] + np.array([[-0.1], [0.0], [0.1]])
    assert kept_of(scores, Sharing(0.25)).tolist() == [True, False]
    assert kept_of(scores, Sharing(0.25), [None, apart]).tolist() == [True, True]
