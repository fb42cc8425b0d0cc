import numpy as np
import pytest
from scipy.spatial.distance import cosine
from scipy.stats import entropy
from sklearn import metrics as sk

from urbanbench.scoring.metrics import MAIN_METRIC, METRICS, compute_metrics, metric_info


def test_regression_equals_scikit_learn():
    rng = np.random.default_rng(0)
    true, predicted = rng.gamma(2.0, size=50), rng.normal(size=50)
    got = compute_metrics("regression", true, predicted, (), log_scale=1000.0)
    logs = np.log1p(true * 1000), np.log1p(np.maximum(predicted, 0) * 1000)
    assert got == pytest.approx(
        {
            "rmse": sk.root_mean_squared_error(true, predicted),
            "mae": sk.mean_absolute_error(true, predicted),
            "r2": sk.r2_score(true, predicted),
            "r2_log": sk.r2_score(*logs),
        }
    )


def test_log_r2_is_left_out_for_negative_truth():
    got = compute_metrics("regression", np.array([-1.0, 2.0]), np.array([0.0, 1.0]), ())
    assert set(got) == {"rmse", "mae", "r2"}


def test_r2_is_nan_where_the_truth_does_not_vary():
    assert np.isnan(compute_metrics("regression", np.ones(4), np.zeros(4), ())["r2"])
    assert np.isnan(compute_metrics("regression", np.full(3, 0.1), np.zeros(3), ())["r2"])


@pytest.mark.parametrize("seed", range(5))
def test_classification_equals_scikit_learn_over_the_classes_present(seed):
    rng = np.random.default_rng(seed)
    classes = ("bar", "cafe", "shop", "zoo")
    true = rng.choice(["bar", "cafe", "shop"], size=40).astype(object)
    predicted = rng.choice(["bar", "cafe"], size=40).astype(object)
    got = compute_metrics("classification", true, predicted, classes)
    words = {"labels": ["bar", "cafe", "shop"], "zero_division": 0}
    assert got["f1_macro"] == pytest.approx(sk.f1_score(true, predicted, average="macro", **words))
    assert got["f1_weighted"] == pytest.approx(sk.f1_score(true, predicted, average="weighted", **words))
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(true, predicted))
    each = sk.f1_score(true, predicted, average=None, **words)
    assert {k: v for k, v in got.items() if k.startswith("f1[")} == pytest.approx(
        dict(zip(("f1[bar]", "f1[cafe]", "f1[shop]"), each, strict=True))
    )


def test_a_class_that_is_only_predicted_counts_as_zero():
    true, predicted = np.array(["a", "a"], dtype=object), np.array(["a", "z"], dtype=object)
    got = compute_metrics("classification", true, predicted, ("a", "z"))
    assert (got["f1[z]"], got["f1_macro"]) == (0.0, pytest.approx(1 / 3))


def test_composition_equals_scikit_learn_and_scipy():
    rng = np.random.default_rng(1)
    true, predicted = rng.dirichlet([1, 2, 3], size=30), rng.dirichlet([1, 1, 1], size=30)
    true[0], predicted[0] = (1, 0, 0), (0, 1, 0)
    got = compute_metrics("composition", true, predicted, ("a", "b", "c"))
    expected = {
        "rmse": sk.root_mean_squared_error(true, predicted),
        "mae": sk.mean_absolute_error(true, predicted),
        "r2": sk.r2_score(true, predicted),
        "l1": np.mean([np.abs(t - p).sum() for t, p in zip(true, predicted, strict=True)]),
        "kl": np.mean([entropy(t + 1e-6, p + 1e-6) for t, p in zip(true, predicted, strict=True)]),
        "cosine": np.mean([1 - cosine(t, p) for t, p in zip(true, predicted, strict=True)]),
    }
    assert got == pytest.approx(expected)


def test_composition_r2_skips_columns_without_variation():
    true = np.array([[0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    got = compute_metrics("composition", true, true[::-1], ("a", "b", "c"))
    assert got["r2"] == pytest.approx(-3.0)


@pytest.mark.parametrize("kind", sorted(set(MAIN_METRIC) - {"retrieval"}))
def test_every_metric_has_a_card(kind):
    values = {
        "regression": np.arange(3.0),
        "classification": np.array(["a", "b", "a"], dtype=object),
        "composition": np.eye(3),
    }[kind]
    got = compute_metrics(kind, values, values, ("a", "b", "c"))
    assert MAIN_METRIC[kind] in got
    cards = [metric_info(name) for name in got]
    assert [card.name for card in cards] == list(got)
    assert METRICS["rmse"].follows_unit
    assert not METRICS["rmse"].higher_is_better
