"""Means, spreads and digits."""

import math

import numpy as np
import pytest

from urbanbench.board.numbers import Score, plain_number, rounded, span


@pytest.mark.parametrize("seed", range(5))
def test_mean_and_sample_standard_deviation_agree_with_numpy(seed):
    values = np.random.default_rng(seed).normal(3, 10.0 ** (seed - 2), 10)
    score = Score(tuple(values))
    assert score.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert score.std == pytest.approx(np.std(values, ddof=1), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.70, 0.75, 0.80), "0.750 ± 0.050"),
        ((5.0, 6.0, 7.0), "6.000 ± 1.000"),
        ((100.0, 112.0, 124.0), "112.0 ± 12.0"),
        ((1000.0, 2000.0, 3000.0), "2000 ± 1000"),
        ((0.5, 0.5), "0.500 ± 0"),
        ((0.25,), "0.250"),
        ((-0.01, 0.01, 0.0), "0.000 ± 0.010"),
        ((-0.0100, 0.0099), "0.000 ± 0.014"),
        ((-0.4, -0.2), "-0.300 ± 0.141"),
        ((1e-9, 3e-9), "2.00e-9 ± 1.4e-9"),
        ((0.25, 0.25 + 2e-9), "0.250 ± 0.000"),
        ((123456.0, 123458.0), "123457 ± 1"),
        ((-386280794510770503680.0,), "-3.86e20"),
        ((0.5, -2.0e20), "-1.00e20 ± 1.4e20"),
        ((1e7, 1e7), "1.00e7 ± 0"),
        ((9_999_999.0,), "9999999"),
        ((9.9996,), "10.00"),
        ((0.0001, 0.0005), "0.00030 ± 0.00028"),
        ((), ""),
        ((None, math.nan), "not finite"),
        ((1e308, 1e308), "not finite"),
    ],
)
def test_text_has_three_decimals_below_ten_and_one_less_for_each_further_digit(values, text):
    assert Score(values).text == text


def test_rows_of_one_size_have_one_number_of_decimals_however_their_seeds_scatter():
    spreads = (0.0, 0.0004, 0.004, 0.061, 0.11, 1.4)
    texts = [Score((0.44 - one, 0.44 + one)).text for one in spreads]
    assert {text.partition(" ")[0] for text in texts} == {"0.440"}
    assert {len(text.split(".")[2]) for text in texts[1:]} == {3}


def test_missing_and_infinite_values_stay_out_of_the_mean():
    score = Score((1.0, None, math.nan, math.inf, 3.0))
    assert (score.mean, score.finite) == (2.0, (1.0, 3.0))
    assert math.isnan(Score((None,)).mean)
    assert math.isnan(Score((1.0,)).std)


def test_a_score_is_whole_only_when_every_seed_has_a_number():
    assert [Score(one).whole for one in ((0.5,), (0.5, None), (math.inf,), ())] == [True, False, False, False]


def test_a_number_without_decimals_to_show_it_is_a_power_of_ten_that_reads_back():
    for value in (3.5e7, -2.25e-9, 1.0e15):
        assert float(rounded(value, 6)) == pytest.approx(value, rel=0.005)


def test_plain_numbers_have_three_significant_digits():
    assert [plain_number(one) for one in (None, math.nan, 0, 128, 0.012345, 12345.6)] == [
        "",
        "",
        "0",
        "128",
        "0.0123",
        "12346",
    ]


def test_span_names_a_range_only_where_there_is_one():
    assert (span([5, 5]), span([7, 3, 5])) == ("5", "3 to 7")
