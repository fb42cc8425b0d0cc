import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import KFold, train_test_split

from urbanbench.errors import BadInput
from urbanbench.parity.evaluate import evaluate
from urbanbench.parity.papers import PAPERS

QUICK = {"paper:hgi": 2, "paper:regiondcl": 2, "paper:cityfm": 1, "paper:urbanmfm": 1}


def question_of(name, kind="regression", level="region"):
    found = PAPERS[name].question(kind, level)
    return dataclasses.replace(found, repeats=min(found.repeats, QUICK.get(name, found.repeats)))


def _repeats(question, targets, name):
    return [question.cut.folds(targets, seed, name) for seed in range(question.repeats)]


def scores_of(name, space, targets, crs, kind="regression", level="region"):
    return evaluate(space, targets, question_of(name, kind, level), name=name, crs=crs)


@pytest.mark.parametrize(("name", "folds"), [("paper:mvure", 10), ("paper:mvure-code", 5)])
def test_mvure_equals_scikit_learn_folds_ridge_and_clip(make_targets, make_space, crs, name, folds):
    targets, signal = make_targets()
    space, vectors = make_space(targets, signal)
    scores = scores_of(name, space, targets, crs)
    predicted = np.empty(len(targets))
    for train, test in KFold(folds, shuffle=False).split(vectors):
        model = Ridge(alpha=1.0).fit(vectors[train].astype(float), targets.values[train])
        predicted[test] = model.predict(vectors[test].astype(float))
    assert (predicted < 0).any()
    unclipped = r2_score(targets.values, predicted)
    predicted[predicted < 0] = 0
    expected = {
        "r2": r2_score(targets.values, predicted),
        "mae": mean_absolute_error(targets.values, predicted),
        "rmse": mean_squared_error(targets.values, predicted) ** 0.5,
    }
    for metric, value in expected.items():
        assert scores.per_seed[metric] == pytest.approx((value,), rel=1e-9)
    assert abs(expected["r2"] - unclipped) > 0.01
    np.testing.assert_allclose(scores.predictions["predicted"], predicted, rtol=1e-6, atol=1e-9)
    assert scores.predictions["unit_id"].tolist() == targets.ids.tolist()
    assert scores.per_seed_val == {}


def test_mvure_keeps_the_scores_of_single_folds(make_targets, make_space, crs):
    targets, signal = make_targets()
    space, _ = make_space(targets, signal)
    scores = scores_of("paper:mvure", space, targets, crs)
    [details] = scores.head_details
    parts = np.array_split(scores.predictions["predicted"], 10), np.array_split(targets.values, 10)
    assert details["r2_by_fold"] == pytest.approx(
        [r2_score(true, told) for told, true in zip(*parts, strict=True)]
    )
    assert len(details["rmse_by_fold"]) == len(details["mae_by_fold"]) == 10


def test_file_order_matters_under_contiguous_folds_alone(make_targets, make_space, crs):
    targets, signal = make_targets()
    space, _ = make_space(targets, signal)
    order = np.argsort(targets.values)
    resorted = dataclasses.replace(
        targets, ids=targets.ids[order], values=targets.values[order], xy=targets.xy[order]
    )
    before, after = (scores_of("paper:mvure", space, one, crs) for one in (targets, resorted))
    assert before.per_seed["r2"] != after.per_seed["r2"]
    assert before.split_digest != after.split_digest


def test_hgi_equals_a_forest_of_scikit_learn_seeded_by_the_repeat(make_targets, make_space, crs):
    targets, signal = make_targets()
    space, vectors = make_space(targets, signal)
    scores = scores_of("paper:hgi", space, targets, crs)
    for seed, [split] in enumerate(_repeats(question_of("paper:hgi"), targets, "paper:hgi")):
        model = RandomForestRegressor(n_estimators=100, random_state=seed)
        predicted = model.fit(vectors[split.train], targets.values[split.train]).predict(vectors[split.test])
        mine = scores.predictions["seed"] == seed
        np.testing.assert_allclose(scores.predictions["predicted"][mine], predicted)
        assert scores.per_seed["r2"][seed] == pytest.approx(r2_score(targets.values[split.test], predicted))


@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [(name, one.kind, one.level) for name, paper in PAPERS.items() for one in paper.questions],
)
def test_every_question_learns_a_planted_relation_the_same_way_twice(
    make_targets, make_space, crs, name, kind, level
):
    targets, signal = make_targets(kind, level, n=301)
    scale = max(
        3000 * getattr(question_of(name, kind, level).head, "position", 0), 1
    )  # a position is 10 or 100 large
    space, _ = make_space(targets, signal, scale=scale)
    first, again = (scores_of(name, space, targets, crs, kind, level) for _ in range(2))
    metric = "f1_macro" if kind == "classification" else "r2"
    assert np.mean(first.per_seed[metric]) > 0.4
    assert first.per_seed == again.per_seed
    shuffled, _ = make_space(targets, np.random.default_rng(5).permutation(signal), scale=scale)
    spoilt = scores_of(name, shuffled, targets, crs, kind, level)
    assert np.mean(spoilt.per_seed[metric]) < np.mean(first.per_seed[metric]) - 0.3


@pytest.mark.parametrize("name", ["paper:mvure", "paper:hgi", "paper:cityfm", "paper:urbanmfm"])
def test_test_labels_do_not_reach_predictions(make_targets, make_space, crs, name):
    """Only their maximum may, under the protocols that divide by it: it is kept here."""
    targets, signal = make_targets()
    space, _ = make_space(targets, signal)
    question = dataclasses.replace(question_of(name), repeats=1)
    last = _repeats(question, targets, name)[0][-1]
    values = targets.values.copy()
    values[last.test] = np.random.default_rng(1).permutation(values[last.test])
    before = evaluate(space, targets, question, name=name, crs=crs)
    after = evaluate(space, targets.with_values(values), question, name=name, crs=crs)
    n = len(last.test)
    assert np.array_equal(before.predictions["predicted"][-n:], after.predictions["predicted"][-n:])
    assert not np.array_equal(before.predictions["true"][-n:], after.predictions["true"][-n:])


def test_uncovered_units_are_kept_filled_and_scored_apart(make_targets, make_space, crs):
    targets, signal = make_targets()
    covered = np.arange(len(targets)) % 7 != 0
    space, vectors = make_space(targets, signal, covered=covered)
    scores = scores_of("paper:mvure", space, targets, crs)
    assert (scores.n_units, scores.n_uncovered) == (len(targets), int((~covered).sum()))
    train, test = next(iter(KFold(10).split(vectors)))
    rows = np.column_stack([vectors, ~covered]).astype(float)
    rows[~covered, :-1] = vectors[train][covered[train]].astype(float).mean(axis=0)
    model = Ridge(alpha=1.0).fit(rows[train], targets.values[train])
    expected = np.maximum(model.predict(rows[test]), 0)
    np.testing.assert_allclose(scores.predictions["predicted"][: len(test)], expected, rtol=1e-4, atol=1e-4)
    told = scores.predictions["predicted"][covered]
    assert scores.per_seed_covered["r2"][0] == pytest.approx(r2_score(targets.values[covered], told))


def test_position_reaches_only_the_heads_that_are_given_it(make_targets, make_space, crs):
    targets, signal = make_targets()
    space, _ = make_space(targets, signal)
    moved = dataclasses.replace(targets, xy=targets.xy[::-1])
    for name, same in (("paper:mvure", True), ("paper:hgi", True), ("paper:cityfm", False)):
        before, after = (scores_of(name, space, one, crs).per_seed["r2"] for one in (targets, moved))
        assert (before == after) == same


def test_vectors_of_another_level_are_refused(make_targets, make_space, crs):
    targets, signal = make_targets()
    space, _ = make_space(targets, signal)
    buildings = dataclasses.replace(targets, level="building")
    with pytest.raises(BadInput, match=r"The space holds regions\. Expected buildings"):
        evaluate(space, buildings, question_of("paper:mvure"), name="paper:mvure", crs=crs)


def test_regiondcl_draws_and_grows_what_scikit_learn_does_from_seed_one_without_uncovered_units(
    make_targets, make_space, crs
):
    targets, signal = make_targets(n=90)
    targets = targets.in_order()
    covered = np.arange(90) % 11 != 3
    space, vectors = make_space(targets, signal, covered=covered)
    scores = scores_of("paper:regiondcl", space, targets, crs)
    kept, values = vectors[covered], targets.values[covered]
    expected = []
    for number in (1, 2):
        train, test, y_train, y_test = train_test_split(kept, values, test_size=0.2, random_state=number)
        forest = RandomForestRegressor(n_estimators=100, random_state=number).fit(train, y_train)
        expected.append(r2_score(y_test, forest.predict(test)))
    assert scores.per_seed["r2"] == pytest.approx(tuple(expected), rel=1e-12)
    assert (scores.n_units, scores.n_uncovered) == (covered.sum(), 0)
    assert set(scores.predictions["unit_id"]) <= set(targets.ids[covered])
    assert scores.sides == ((65, 0, 17), (65, 0, 17))
