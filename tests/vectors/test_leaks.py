"""Columns that hold the answer are found; vectors that merely predict it are not."""

import numpy as np
import pytest

from urbanbench.vectors.leaks import follows_classes, follows_values, named_like


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_the_values_a_line_of_them_and_their_order_are_found(rng):
    values = rng.lognormal(size=60)
    noise = rng.normal(size=(60, 200)).astype("float32")
    leaks = np.column_stack([values, -3 * values + 2, np.log(values), -values.argsort().argsort()]).astype(
        "float32"
    )
    found = follows_values(np.hstack([leaks, noise]), values)
    assert found[:4].all()
    assert not found[4:].any()


def test_a_good_prediction_is_no_leak(rng):
    values = rng.normal(size=300)
    assert not follows_values((values + 0.05 * rng.normal(size=300))[:, None].astype("float32"), values).any()


def test_few_units_prove_only_equality(rng):
    values = np.array([1.0, 2.0, 3.0, 5.0])
    vectors = np.column_stack([values, values + 1, rng.normal(size=4)]).astype("float32")
    assert follows_values(vectors, values).tolist() == [True, False, False]


def test_codes_and_flags_of_classes_are_found(rng):
    classes = np.array(["a", "b", "c"] * 20, dtype=object)
    codes = np.array([{"a": 5, "b": -1, "c": 2}[one] for one in classes])
    vectors = np.column_stack(
        [codes, classes == "b", rng.normal(size=60), np.ones(60), rng.integers(0, 2, 60)]
    )
    assert follows_classes(vectors.astype("float32"), classes).tolist() == [True, True, False, False, False]


def test_names_of_answers_are_found_in_any_spelling():
    assert named_like(["e0", "Value", "Land Use", "landuse[0]", "valued"], ["landuse", "land-use"]) == [
        "Value",
        "Land Use",
        "landuse[0]",
    ]
