"""Moran's I against its definition, written out; neighbours against brute force."""

import numpy as np
import pytest
import shapely

from urbanbench.judging.failing.moran import moran, nearest_neighbours, touching_neighbours


def by_definition(values, weights):
    """Sum over all pairs, as the formula stands."""
    n, mean = len(values), np.mean(values)
    top = sum(weights[i, j] * (values[i] - mean) * (values[j] - mean) for i in range(n) for j in range(n))
    return n / weights.sum() * top / sum((value - mean) ** 2 for value in values)


def grid(side):
    return [
        shapely.box(100 * i, 100 * j, 100 * i + 100, 100 * j + 100) for i in range(side) for j in range(side)
    ]


def test_the_value_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=25), touching_neighbours(grid(5))
    found = moran(values, weights, permutations=9)
    assert found.value == pytest.approx(by_definition(values, weights.toarray()))
    assert found.expected == pytest.approx(-1 / 24)


def test_patterns_are_found_and_noise_is_not():
    weights = touching_neighbours(grid(8))
    slope = np.repeat(np.arange(8.0), 8)
    assert moran(slope, weights).value > 0.8
    assert moran(slope, weights).p == pytest.approx(1 / 1000)
    board = np.array([(i + j) % 2 for i in range(8) for j in range(8)], dtype=float)
    rook = nearest_neighbours(np.array([[i, j] for i in range(8) for j in range(8)], dtype=float), 4)
    assert moran(board, rook, permutations=99).value < -0.5
    assert moran(board, rook, permutations=99).p > 0.9


def test_p_values_of_noise_are_spread_evenly():
    rng, weights = np.random.default_rng(1), touching_neighbours(grid(6))
    found = [moran(rng.normal(size=36), weights, permutations=99, seed=k).p for k in range(200)]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_the_same_seed_gives_the_same_p():
    values, weights = np.random.default_rng(2).normal(size=36), touching_neighbours(grid(6))
    assert moran(values, weights, seed=3) == moran(values, weights, seed=3)


def test_touching_areas_are_neighbours_corners_included():
    weights = touching_neighbours(grid(3)).toarray()
    shapes = grid(3)
    for i, j in np.ndindex(9, 9):
        assert (weights[i, j] > 0) == (i != j and shapes[i].touches(shapes[j]))
    assert weights.sum(axis=1) == pytest.approx(np.ones(9))


def test_an_island_has_its_nearest_neighbour():
    weights = touching_neighbours([*grid(2), shapely.box(1000, 0, 1100, 100)]).toarray()
    assert np.flatnonzero(weights[4]).tolist() == [2]
    assert weights[4, 2] == 1.0


def test_nearest_neighbours_are_those_of_brute_force():
    xy = np.random.default_rng(3).normal(size=(30, 2))
    weights = nearest_neighbours(xy, 4).toarray()
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    for row in range(30):
        assert set(np.flatnonzero(weights[row])) == set(np.argsort(distance[row])[:4])


def test_points_in_one_place_are_neighbours_of_each_other_and_never_of_themselves():
    weights = nearest_neighbours(np.zeros((5, 2)), 2).toarray()
    assert not weights.diagonal().any()
    assert weights.sum(axis=1) == pytest.approx(np.ones(5))


def test_without_variation_or_neighbours_there_is_no_value():
    assert moran(np.full(9, 0.3), touching_neighbours(grid(3))) is None
    assert moran(np.array([1.0]), nearest_neighbours(np.zeros((1, 2)))) is None


def test_it_agrees_with_pysal():
    esda = pytest.importorskip("esda")
    weights_of = pytest.importorskip("libpysal.weights")
    values, weights = np.random.default_rng(4).normal(size=25), touching_neighbours(grid(5))
    theirs = weights_of.WSP(weights.tocsr()).to_W()
    theirs.transform = "r"
    assert moran(values, weights, permutations=9).value == pytest.approx(
        esda.Moran(values, theirs, permutations=0).I
    )
