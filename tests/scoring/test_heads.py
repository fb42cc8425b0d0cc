import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from urbanbench.errors import BadInput, UnknownName
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads import HEADS, get_head
from urbanbench.scoring.heads._bagged_trees import grow
from urbanbench.scoring.heads.choice import validation_score
from urbanbench.scoring.heads.coding import natural_predictions
from urbanbench.scoring.metrics import MAIN_METRIC, compute_metrics
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.seeds import integer_seed

KINDS = ("regression", "classification", "composition")
QUICK = {
    "mlp": {"max_epochs": 15},
    "rf": {"trees": 10},
    "lightgbm": {"trees": 20},
    "select": {"params": {"mlp": {"max_epochs": 15}, "rf": {"trees": 10}, "lightgbm": {"trees": 20}}},
}
SEEDS = (0, 1)


def _run(name, features, targets, seeds=SEEDS, **params):
    splits = make_splits(targets, Protocol(seeds=seeds))
    head = get_head(name, **{**QUICK.get(name, {}), **params})
    return splits, head.fit_predict(features, targets, splits, seeds=list(seeds), device="cpu")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(HEADS))
def test_predictions_have_the_natural_form_and_are_reproducible(build_features, build_targets, name, kind):
    covered = np.arange(120) % 9 != 0
    targets, features = build_targets(kind), build_features(covered=covered)
    splits, outputs = _run(name, features, targets)
    _, again = _run(name, features, targets)
    for split, output, other in zip(splits, outputs, again, strict=True):
        assert output.details == other.details
        for side, predicted, repeated in (
            (split.val, output.predicted_val, other.predicted_val),
            (split.test, output.predicted_test, other.predicted_test),
        ):
            assert predicted.shape == targets.values[side].shape
            assert np.array_equal(predicted, repeated)
            if kind == "classification":
                assert set(predicted) <= set(targets.classes)
            if kind == "composition":
                assert (predicted >= 0).all()
                np.testing.assert_allclose(predicted.sum(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(set(HEADS) - {"mean", "knn"}))
def test_heads_learn_a_planted_relation(build_features, build_targets, name, kind):
    targets, features = build_targets(kind, n=400), build_features(n=400)
    scores = {}
    for one in (name, "mean"):
        splits, outputs = _run(one, features, targets, seeds=(0,))
        got = compute_metrics(
            kind, targets.values[splits[0].test], outputs[0].predicted_test, targets.classes
        )
        scores[one] = got[MAIN_METRIC[kind]]
    assert scores[name] > scores["mean"] + 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(HEADS))
def test_nothing_leaks_from_test_rows(build_features, build_targets, name, kind):
    targets, features = build_targets(kind), build_features(covered=np.arange(120) != 3)
    splits, outputs = _run(name, features, targets, seeds=(0,))
    test = splits[0].test
    values, vectors = targets.values.copy(), features.vectors.copy()
    values[test] = values[test][::-1] if kind != "regression" else 1e6
    vectors[test[1:]] = 1e6
    spoilt = Features(vectors, features.covered)
    head = get_head(name, **QUICK.get(name, {}))
    again = head.fit_predict(spoilt, targets.with_values(values), splits, seeds=[0], device="cpu")[0]
    assert np.array_equal(outputs[0].predicted_val, again.predicted_val)
    assert np.array_equal(outputs[0].predicted_test[:1], again.predicted_test[:1])


@pytest.mark.parametrize("name", ["mean", "ridge", "rf"])
def test_heads_without_a_choice_never_see_validation_labels(build_features, build_targets, name):
    targets, features = build_targets(), build_features()
    splits, outputs = _run(name, features, targets, seeds=(0,))
    values = targets.values.copy()
    values[splits[0].val] = -50.0
    head = get_head(name, **QUICK.get(name, {}))
    again = head.fit_predict(features, targets.with_values(values), splits, seeds=[0], device="cpu")[0]
    assert np.array_equal(outputs[0].predicted_test, again.predicted_test)


@pytest.mark.parametrize("name", ["lightgbm", "rf", "mlp"])
def test_a_seed_fits_the_same_alone_and_among_others(build_features, build_targets, name):
    targets, features = build_targets(), build_features()
    _, among = _run(name, features, targets, seeds=(0, 1, 2))
    _, alone = _run(name, features, targets, seeds=(1,))
    np.testing.assert_allclose(among[1].predicted_test, alone[0].predicted_test, rtol=1e-3, atol=1e-4)
    assert not np.allclose(among[0].predicted_val[:20], among[1].predicted_val[:20])


def test_mean_is_the_training_mean_mode_or_mean_share(build_features, build_targets):
    for kind in KINDS:
        targets = build_targets(kind)
        splits, outputs = _run("mean", build_features(), targets)
        train = targets.values[splits[0].train]
        if kind == "classification":
            names, counts = np.unique(train.astype(str), return_counts=True)
            assert set(outputs[0].predicted_test) == {names[counts.argmax()]}
        else:
            np.testing.assert_allclose(outputs[0].predicted_test[3], train.mean(axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_ridge_equals_scikit_learn(build_features, build_targets, kind):
    targets, features = build_targets(kind), build_features()
    splits, outputs = _run("ridge", features, targets, alphas=(0.1, 10.0, 1000.0))
    for split, output in zip(splits, outputs, strict=True):
        model = (RidgeClassifierCV if kind == "classification" else RidgeCV)(alphas=(0.1, 10.0, 1000.0))
        pipeline = make_pipeline(StandardScaler(), model)
        pipeline.fit(features.vectors[split.train].astype(float), targets.values[split.train])
        expected = pipeline.predict(features.vectors[split.test].astype(float))
        assert output.details == {"alpha": model.alpha_}
        if kind == "classification":
            assert np.array_equal(output.predicted_test, expected)
        elif kind == "regression":
            np.testing.assert_allclose(output.predicted_test, expected, rtol=1e-4, atol=1e-4)
        else:
            expected = np.maximum(expected, 0)
            expected /= expected.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(output.predicted_test, expected, rtol=1e-4, atol=1e-4)


def test_log_targets_are_fitted_on_log1p_and_given_back_in_their_unit(build_features, build_targets):
    values = np.exp(build_targets().values) / 1000
    targets = build_targets(values=values, log1p_scale=1000.0)
    features = build_features()
    splits, outputs = _run("ridge", features, targets)
    pipeline = make_pipeline(StandardScaler(), RidgeCV(alphas=(0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)))
    train, test = splits[0].train, splits[0].test
    pipeline.fit(features.vectors[train].astype(float), np.log1p(values[train] * 1000))
    expected = np.expm1(pipeline.predict(features.vectors[test].astype(float))) / 1000
    expected = np.clip(expected, 0, 1.5 * values[train].max())
    np.testing.assert_allclose(outputs[0].predicted_test, expected, rtol=1e-4)


def test_log_predictions_cannot_explode(build_targets):
    targets = build_targets(values=np.linspace(0, 10, 120), log1p_scale=1.0)
    split = make_splits(targets, Protocol(seeds=(0,)))[0]
    got = natural_predictions(targets, split, np.array([-3.0, 0.0, 1.0, 2000.0]))
    top = targets.values[split.train].max()
    np.testing.assert_allclose(got, [0.0, 0.0, np.e - 1, 1.5 * top])


def test_shares_without_anything_positive_become_the_training_mean(build_targets):
    targets = build_targets("composition")
    split = make_splits(targets, Protocol(seeds=(0,)))[0]
    got = natural_predictions(targets, split, np.array([[-1.0, 0.0, -2.0], [1.0, 3.0, -5.0]]))
    mean = targets.values[split.train].mean(axis=0)
    np.testing.assert_allclose(got, [mean, [0.25, 0.75, 0.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_forest_equals_scikit_learn_and_ignores_the_number_of_threads(build_features, build_targets, kind):
    targets, features = build_targets(kind), build_features()
    splits, outputs = _run("rf", features, targets, n_jobs=1)
    _, threaded = _run("rf", features, targets, n_jobs=2)
    words = {"n_estimators": 10, "random_state": integer_seed(1, "head", "rf") % 2**32}
    model = (
        RandomForestClassifier(**words)
        if kind == "classification"
        else RandomForestRegressor(max_features=1 / 3, **words)
    )
    split = splits[1]
    model.fit(features.vectors[split.train], targets.values[split.train].tolist())
    expected = model.predict(features.vectors[split.test])
    if kind == "classification":
        assert np.array_equal(outputs[1].predicted_test.astype(str), expected.astype(str))
        assert np.array_equal(outputs[1].predicted_test, threaded[1].predicted_test)
        assert np.array_equal(outputs[1].beliefs[1], threaded[1].beliefs[1])
    else:
        np.testing.assert_allclose(outputs[1].predicted_test, expected)
        assert np.array_equal(outputs[1].predicted_test, threaded[1].predicted_test)


@pytest.mark.parametrize("kind", KINDS)
def test_trees_give_the_bits_of_scikit_learns_forest(kind):
    rng = np.random.default_rng(0)
    rows, test = (rng.normal(size=(n, 7)).astype(np.float32) for n in (90, 40))
    values = {
        "regression": rng.gamma(2.0, size=90),
        "classification": rng.choice(np.array(["a", "b", "c"], dtype=object), 90),
        "composition": rng.dirichlet([1, 2, 3], 90),
    }[kind]
    words = {"max_features": "sqrt"} if kind == "classification" else {"max_features": 1 / 3}
    ours = grow(rows, values, trees=12, random_state=7, threads=3, **words)
    cls = RandomForestClassifier if kind == "classification" else RandomForestRegressor
    theirs = cls(n_estimators=12, random_state=7, **words).fit(rows, values)
    expected = theirs.predict_proba(test) if kind == "classification" else theirs.predict(test)
    assert np.array_equal(ours.mean(test), expected)


def test_a_forest_in_many_threads_warns_of_nothing_and_leaves_the_warning_filters(
    build_features, build_targets
):
    targets, features = build_targets("regression"), build_features()
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        inside = list(warnings.filters)
        for _ in range(3):
            _run("rf", features, targets, n_jobs=8, trees=60)
        assert warnings.filters == inside
    assert told == []
    assert warnings.filters == before


@pytest.mark.parametrize("kind", KINDS)
def test_knn_equals_scikit_learn_with_the_best_k_on_validation(build_targets, kind):
    targets = build_targets(kind, n=300)
    features = Features(targets.xy.astype(np.float32), np.ones(300, dtype=bool))
    splits, outputs = _run("knn", features, targets)
    for split, output in zip(splits, outputs, strict=True):
        models = {}
        for k in (5, 10, 20):
            cls = KNeighborsClassifier if kind == "classification" else KNeighborsRegressor
            models[k] = cls(k, weights="distance").fit(
                features.vectors[split.train], targets.values[split.train].tolist()
            )
        scores = {
            k: validation_score(targets, split, model.predict(features.vectors[split.val]))
            for k, model in models.items()
        }
        assert scores[output.details["k"]] == pytest.approx(max(scores.values()))
        expected = models[output.details["k"]].predict(features.vectors[split.test])
        if kind == "classification":
            assert np.array_equal(output.predicted_test.astype(str), expected.astype(str))
        else:
            np.testing.assert_allclose(output.predicted_test, expected, rtol=1e-5)


def test_knn_at_distance_zero_takes_the_twins_alone(build_targets):
    targets = build_targets()
    features = Features(np.zeros((120, 2), dtype=np.float32), np.ones(120, dtype=bool))
    split = make_splits(targets, Protocol(seeds=(0,)))[0]
    features.vectors[split.train[0]] = 7.0
    features.vectors[split.test[0]] = 7.0
    output = get_head("knn").fit_predict(features, targets, [split], seeds=[0], device="cpu")[0]
    assert output.predicted_test[0] == pytest.approx(targets.values[split.train[0]])


def test_lightgbm_stops_early(build_features, build_targets):
    noise = np.random.default_rng(0).normal(size=120)
    _, outputs = _run("lightgbm", build_features(), build_targets(values=noise), trees=500, patience=5)
    assert all(output.details["trees"][0] < 100 for output in outputs)


def test_select_takes_the_best_candidate_on_validation_per_seed(build_features, build_targets):
    targets, features = build_targets(), build_features()
    splits, outputs = _run("select", features, targets, candidates=("mean", "ridge", "rf"), params={})
    single = {
        name: _run(name, features, targets, **({"trees": 100} if name == "rf" else {}))[1]
        for name in ("mean", "ridge", "rf")
    }
    for k, (split, output) in enumerate(zip(splits, outputs, strict=True)):
        scores = {
            name: validation_score(targets, split, found[k].predicted_val) for name, found in single.items()
        }
        best = max(scores, key=scores.get)
        assert output.details["chosen"] == best
        assert output.details["val_score"] == pytest.approx(scores)
        assert np.array_equal(output.predicted_test, single[best][k].predicted_test)


def test_heads_survive_a_class_that_training_lacks(build_features, build_targets):
    names = build_targets("classification").values.copy()
    names[7] = "zoo"
    targets = build_targets("classification", values=names, classes=("a", "b", "c", "zoo"))
    seeds = tuple(range(8))
    splits = make_splits(targets, Protocol(seeds=seeds))
    assert any(7 not in split.train for split in splits)
    for name in HEADS:
        outputs = get_head(name, **QUICK.get(name, {})).fit_predict(
            build_features(), targets, splits, seeds=list(seeds), device="cpu"
        )
        for split, output in zip(splits, outputs, strict=True):
            assert set(output.predicted_test) <= set(targets.values[split.train])


@pytest.mark.parametrize("name", sorted(set(HEADS) - {"select"}))
def test_heads_survive_a_training_part_of_one_class_or_value(build_features, build_targets, name):
    names = np.full(120, "a", dtype=object)
    for targets in (
        build_targets("classification", values=names),
        build_targets(values=np.full(120, 3.0)),
    ):
        _, outputs = _run(name, build_features(), targets, seeds=(0,))
        expected = targets.values[:1]
        if targets.kind == "classification":
            assert set(outputs[0].predicted_test) == set(expected)
        else:
            np.testing.assert_allclose(outputs[0].predicted_test, 3.0, atol=0.1)


def test_unknown_heads_and_parameters_are_named():
    with pytest.raises(UnknownName, match=r"Unknown head 'ridg'\. Did you mean 'ridge'"):
        get_head("ridg")
    with pytest.raises(BadInput, match=r"Head 'ridge' has no parameter 'alpha'\. Its parameters: alphas"):
        get_head("ridge", alpha=1.0)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("mlp", {"hidden": ()}),
        ("mlp", {"learning_rate": 0.0}),
        ("rf", {"trees": 0}),
        ("lightgbm", {"column_share": 2.0}),
        ("knn", {"neighbours": ()}),
        ("select", {"candidates": ("select",)}),
        ("select", {"candidates": ("ridge",), "params": {"rf": {}}}),
    ],
)
def test_parameters_out_of_range_are_refused(name, params):
    with pytest.raises(BadInput, match="Expected"):
        get_head(name, **params)
