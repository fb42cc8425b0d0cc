"""Trees that numba compiles against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

pytest.importorskip("numba")

from urbanbench.scoring.heads import _bagged_trees as bagged
from urbanbench.scoring.heads._compiled_trees import Columns, grow_tree

ROWS, DIM = 260, 12


def _dense(rng):
    return rng.normal(size=(ROWS, DIM))


def _counts(rng):
    """Few values and columns of one value, so that most rows are equal."""
    return rng.poisson(1.5, size=(ROWS, DIM)) * (np.arange(DIM) > 3)


def _nearly_equal(rng):
    """Values that differ by less than what scikit-learn takes for a difference."""
    return rng.normal(size=(ROWS, DIM)) * 2e-6


def _mixed(rng):
    return np.where(np.arange(DIM) % 2, _dense(rng), _counts(rng))


def _sawtooth(rng):
    """An order of many equal values that drives a quicksort to its limit of depth."""
    return np.stack([np.arange(ROWS) % (2 + column) for column in range(DIM)], axis=1) + 0 * _dense(rng)


def _one_value(rng):
    return np.ones((ROWS, DIM)) + 0 * _dense(rng)


@pytest.mark.parametrize("make", [_dense, _counts, _nearly_equal, _mixed, _sawtooth, _one_value])
@pytest.mark.parametrize("rounded", [False, True])
def test_a_compiled_tree_is_scikit_learns_tree(make, rounded):
    rng = np.random.default_rng(5)
    rows = make(rng).astype(np.float32)
    values = rows @ rng.normal(size=DIM) * 1e3 + rng.normal(size=ROWS)
    values = values.round(-2) if rounded else values
    columns = Columns.of(rows)
    for seed in range(4):
        weights = np.bincount(rng.integers(0, ROWS, ROWS), minlength=ROWS).astype(float)
        theirs = DecisionTreeRegressor(max_features=5, random_state=seed).fit(rows, values, weights)
        ours = grow_tree(columns, values, weights, looked_at=5, seed=seed)
        inner = theirs.tree_.feature >= 0
        assert np.array_equal(ours.column >= 0, inner)
        assert np.array_equal(ours.column[inner], theirs.tree_.feature[inner])
        assert np.array_equal(ours.threshold[inner], theirs.tree_.threshold[inner])
        assert np.array_equal(ours.answer, theirs.tree_.value.ravel())
        fresh = make(rng).astype(np.float32)
        assert np.array_equal(ours.predict(fresh), theirs.predict(fresh))


def test_a_large_forest_is_compiled_and_has_the_bits_of_scikit_learns_forest(monkeypatch):
    monkeypatch.setattr(bagged, "_WORTH_COMPILING", 0)
    rng = np.random.default_rng(6)
    rows = _dense(rng).astype(np.float32)
    values = rows[:, 0] + rng.normal(size=ROWS)
    forest = bagged.grow(rows, values, trees=6, max_features=1 / 3, random_state=3, threads=2)
    theirs = RandomForestRegressor(6, max_features=1 / 3, random_state=3).fit(rows, values)
    assert not any(isinstance(tree, DecisionTreeRegressor) for tree in forest.trees)
    assert np.array_equal(forest.mean(rows), theirs.predict(rows))


@pytest.mark.parametrize(
    "case", ["several numbers", "equal values", "few rows"], ids=lambda case: case.replace(" ", "-")
)
def test_scikit_learn_grows_what_compiling_would_not_help(monkeypatch, case):
    if case != "few rows":
        monkeypatch.setattr(bagged, "_WORTH_COMPILING", 0)
    rng = np.random.default_rng(7)
    rows = (_counts if case == "equal values" else _dense)(rng).astype(np.float32)
    values = rng.normal(size=(ROWS, 2) if case == "several numbers" else ROWS)
    forest = bagged.grow(rows, values, trees=2, max_features=0.5, random_state=1, threads=1)
    assert all(isinstance(tree, DecisionTreeRegressor) for tree in forest.trees)
