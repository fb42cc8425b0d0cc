"""Weights of a stack against scikit-learn and scipy, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.linear_model import LogisticRegression

from urbanbench.scoring.fusion.stacking import AS_IT_IS, fit_classes, fit_numbers

RNG = np.random.default_rng(11)


def said(n=400, own=0.7, other=0.5, columns=1):
    floor, model = RNG.normal(size=(2, n, columns))
    return 3 + own * floor + other * model + 0.2 * RNG.normal(size=(n, columns)), floor + 5, model - 2


@pytest.mark.parametrize(("own", "other"), [(0.7, 0.5), (0.9, -0.4), (-0.5, 0.8), (-0.3, -0.3)])
@pytest.mark.parametrize("columns", [1, 3])
def test_weights_of_numbers_are_those_of_non_negative_least_squares_with_five_units_for_the_floor(
    own, other, columns
):
    wanted, floor, model = said(own=own, other=other, columns=columns)
    stack = fit_numbers(wanted, floor, model)
    centred = [(one - one.mean(axis=0)).ravel() for one in (wanted, floor, model)]
    pull = np.sqrt(5 * (centred[0] ** 2).sum() / len(wanted))
    rows = np.vstack([np.column_stack(centred[1:]), pull * np.eye(2)])
    expected, _ = nnls(rows, np.concatenate([centred[0], [pull, 0.0]]))
    assert (stack.floor, stack.model) == pytest.approx(tuple(expected), abs=1e-9)
    alone, _ = nnls(rows[:-1, :1], np.concatenate([centred[0], [pull]]))
    assert stack.alone == pytest.approx(alone[0])


def test_a_stack_without_the_model_is_the_floor_alone_to_the_last_bit():
    wanted, floor, model = said(other=-0.5)
    stack = fit_numbers(wanted, floor, model)
    assert stack.model == 0.0
    assert np.array_equal(stack.of_both(floor, model), stack.of_floor(floor))


def test_numbers_keep_the_mean_of_what_is_wanted_and_shares_their_sum():
    wanted, floor, model = (RNG.dirichlet((1, 2, 3), size=50) for _ in range(3))
    stack = fit_numbers(wanted, floor, model)
    assert stack.of_both(floor, model).mean(axis=0) == pytest.approx(wanted.mean(axis=0))
    assert stack.of_both(floor, model).sum(axis=1) == pytest.approx(np.ones(50))


def test_labels_that_do_not_vary_leave_the_floor():
    stack = fit_numbers(np.full((20, 1), 3.0), np.zeros((20, 1)), RNG.normal(size=(20, 1)))
    assert (stack.alone, stack.floor, stack.model) == (1.0, 1.0, 0.0)


def classes(n=3000, k=3, own=1.2, other=0.6):
    floor, model = (one - one.mean(axis=1, keepdims=True) for one in RNG.normal(size=(2, n, k)))
    odds = own * floor + other * model
    noisy = odds + RNG.gumbel(size=odds.shape)
    return np.eye(k)[noisy.argmax(axis=1)], floor, model


def test_weights_of_classes_find_what_drew_them():
    wanted, floor, model = classes()
    stack = fit_classes(wanted, floor, model)
    assert stack.floor == pytest.approx(1.2, abs=0.12)
    assert stack.model == pytest.approx(0.6, abs=0.08)


def test_two_classes_are_those_of_logistic_regression_without_an_intercept():
    wanted, floor, model = classes(n=500, k=2)
    stack = fit_classes(wanted, floor, model)
    beyond = model - stack.model_centre - stack.overlap * floor
    columns = np.column_stack([floor[:, 1] - floor[:, 0], beyond[:, 1] - beyond[:, 0]])
    plain = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(columns, wanted[:, 1])
    assert (stack.floor, stack.model) == pytest.approx(tuple(plain.coef_[0]), rel=0.08)


def test_what_shifts_all_units_towards_a_class_or_repeats_the_floor_does_not_count():
    wanted, floor, model = classes()
    before = fit_classes(wanted, floor, model).of_both(floor, model)
    other = model + np.array([2.0, 0.0, -2.0]) + 3 * floor
    after = fit_classes(wanted, floor, other).of_both(floor, other)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))


def test_a_stack_that_leaves_the_floor_gives_the_floor():
    _, floor, model = classes(n=5)
    assert np.array_equal(AS_IT_IS.of_both(floor, model), floor)
    assert np.array_equal(AS_IT_IS.of_floor(floor), floor)
