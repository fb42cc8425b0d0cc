import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from urbanbench.errors import BadInput
from urbanbench.scoring.features import Features
from urbanbench.scoring.split import Split

SPLIT = Split(np.arange(0, 60), np.arange(60, 80), np.arange(80, 100))


def test_standardised_rows_equal_scikit_learn(build_features):
    features = build_features(n=100)
    scaler = features.scaler(SPLIT)
    expected = StandardScaler().fit(features.vectors[SPLIT.train]).transform(features.vectors)
    np.testing.assert_allclose(features.rows(np.arange(100), scaler), expected, atol=1e-5)


def test_rows_without_data_are_filled_as_scikit_learn_does(build_features):
    covered = np.random.default_rng(0).random(100) > 0.3
    features = build_features(n=100, covered=covered)
    gaps = np.where(covered[:, None], features.vectors, np.nan)
    pipeline = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()).fit(gaps[SPLIT.train])
    # scikit-learn adds one indicator per column; units lack data as a whole, so the first says all.
    expected = pipeline.transform(gaps)[:, : features.width]
    got = features.rows(np.arange(100), features.scaler(SPLIT))
    assert features.width == 7
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_rows_keep_their_own_units_on_demand(build_features):
    covered = np.arange(100) != 5
    features = build_features(n=100, covered=covered)
    rows = features.rows(np.array([5, 6]), features.scaler(SPLIT), standardised=False)
    known = features.vectors[SPLIT.train[covered[:60]]]
    np.testing.assert_allclose(rows[0], [*known.mean(axis=0), 1.0], atol=1e-6)
    np.testing.assert_array_equal(rows[1], [*features.vectors[6], 0.0])


def test_columns_that_are_constant_in_training_say_nothing():
    vectors = np.full((100, 2), 4.6e6, dtype=np.float32)
    vectors[60:, 1] += 1e5
    features = Features(vectors, np.ones(100, dtype=bool))
    assert not features.rows(np.arange(100), features.scaler(SPLIT)).any()


def test_nothing_of_other_rows_reaches_the_scaler(build_features):
    features = build_features(n=100)
    changed = features.vectors.copy()
    changed[60:] = 1e6
    first, second = features.scaler(SPLIT), Features(changed, features.covered).scaler(SPLIT)
    assert all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("fill", "mean", "inverse")
    )


def test_a_training_part_without_any_data_still_gives_finite_rows(build_features):
    features = build_features(n=100, covered=np.arange(100) >= 60)
    assert np.isfinite(features.rows(np.arange(100), features.scaler(SPLIT))).all()


def test_shapes_are_checked():
    with pytest.raises(BadInput, match="Expected"):
        Features(np.zeros((4, 2), dtype=np.float32), np.ones(3, dtype=bool))


def test_values_far_out_are_clipped_to_five_deviations(build_features):
    features = build_features(n=100)
    features.vectors[90] = 1e4
    features.vectors[91] = -1e4
    rows = features.rows(np.array([90, 91]), features.scaler(SPLIT))
    np.testing.assert_array_equal(rows, [[5.0] * 6, [-5.0] * 6])
