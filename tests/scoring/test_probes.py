"""Probes: position is read as an independent reference scores it, projecting it out leaves nothing of it, curves end at the plain row."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.preprocessing import PolynomialFeatures

from urbanbench.errors import UnknownName
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.features import Features
from urbanbench.scoring.probes.catalogue import PROBES
from urbanbench.scoring.probes.dims import dims_up_to, principal_directions, random_directions, turned
from urbanbench.scoring.probes.evaluate import probe
from urbanbench.scoring.probes.neighbours import beside_neighbours, nearest_units
from urbanbench.scoring.probes.placeless import degree_for, trend_terms, without_position
from urbanbench.scoring.probes.position import position_scores
from urbanbench.scoring.probes.scaled import ScaledFeatures, standardised
from urbanbench.scoring.probes.shares import LEARNED_FROM, ranked, thinned
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.space import EmbeddingSpace

RIDGE = Protocol("random", "ridge", (0, 1, 2))


def space_of(targets, vectors, covered=None):
    return EmbeddingSpace("region", targets.ids, np.asarray(vectors, dtype=np.float32), covered)


def mean_r2(probed):
    return float(np.mean(probed.scores.per_seed["r2"]))


def away(targets):
    return (targets.xy - targets.xy.mean(axis=0)) / targets.xy.std()


# ---- position


def test_position_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    true, said = rng.normal(size=(40, 2)) * (3.0, 1.0), rng.normal(size=(40, 2))
    told = position_scores(true, said)
    assert told["r2"] == pytest.approx(r2_score(true, said, multioutput="variance_weighted"))
    assert [told["r2[easting]"], told["r2[northing]"]] == pytest.approx(
        r2_score(true, said, multioutput="raw_values")
    )
    distances = [np.hypot(*(a - b)) for a, b in zip(true, said, strict=True)]
    assert told["mae"] == pytest.approx(np.mean(distances))
    assert told["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(distances))))


def test_position_does_not_depend_on_the_way_the_axes_point():
    rng = np.random.default_rng(1)
    true, said = rng.normal(size=(30, 2)) * (5.0, 1.0), rng.normal(size=(30, 2))
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    assert position_scores(true @ turn, said @ turn)["r2"] == pytest.approx(position_scores(true, said)["r2"])


def test_vectors_that_hold_position_tell_it_and_others_do_not(build_targets):
    targets = build_targets(n=150)
    rng = np.random.default_rng(3)
    told = probe("position", space_of(targets, away(targets) @ rng.normal(size=(2, 5))), targets, RIDGE)
    assert mean_r2(told) > 0.999
    assert mean_r2(probe("position", space_of(targets, rng.normal(size=(150, 5))), targets, RIDGE)) < 0.05
    assert told.main_metric == "r2"


def test_position_is_asked_on_the_test_units_of_the_label(build_targets, build_features):
    targets = build_targets("classification", n=120)
    told = probe("position", space_of(targets, build_features(120).vectors), targets, RIDGE)
    plain = evaluate(space_of(targets, build_features(120).vectors), targets, RIDGE)
    assert told.scores.split_digest == plain.split_digest
    assert told.scores.predictions["unit_id"].tolist() == plain.predictions["unit_id"].tolist()
    rows = told.scores.predictions
    first = rows["seed"] == 0
    both = [
        np.column_stack([rows[f"{side}[{axis}]"][first] for axis in ("easting", "northing")])
        for side in ("true", "predicted")
    ]
    assert told.scores.per_seed["r2"][0] == pytest.approx(position_scores(*both)["r2"])


# ---- position projected out


@pytest.mark.parametrize("n", [50, 130, 250, 400])
def test_residuals_are_those_of_least_squares_on_the_same_polynomial(build_targets, n):
    targets = build_targets(n=n)
    split = make_splits(targets, RIDGE)[0]
    features = Features(np.random.default_rng(n).normal(size=(n, 4)).astype(np.float32), np.ones(n, bool))
    degree = degree_for(len(split.train))
    found, left = without_position(features, targets.xy, split, degree)
    columns = standardised(features, split)
    terms = PolynomialFeatures(degree, include_bias=False).fit_transform(away(targets))
    fitted = LinearRegression().fit(terms[split.train], columns[split.train])
    assert found.vectors == pytest.approx(columns - fitted.predict(terms), abs=1e-5)
    residuals = found.vectors[split.train]
    assert left == pytest.approx(
        residuals.var(axis=0).sum() / columns[split.train].var(axis=0).sum(), abs=1e-4
    )


def test_a_term_is_taken_for_every_forty_units_at_most():
    assert [degree_for(n) for n in (10, 199, 200, 359, 360, 10_000)] == [1, 1, 2, 2, 3, 3]
    assert [trend_terms(np.random.default_rng(0).normal(size=(30, 2)), np.arange(20), d).shape[1] for d in (1, 2, 3)] == [2, 5, 9]  # fmt: skip


@pytest.mark.parametrize("head", ["ridge", "lightgbm"])
def test_vectors_that_hold_position_only_score_like_the_mean_without_it(build_targets, head):
    targets = build_targets(n=400)
    place = away(targets)
    values = 5.0 + place[:, 0] + place[:, 1] ** 2
    targets = targets.with_values(values)
    vectors = np.column_stack([place, place[:, 0] * place[:, 1], place**2])
    vectors = vectors @ np.random.default_rng(0).normal(size=(5, 5))
    protocol = Protocol("random", head, (0,))
    plain = evaluate(space_of(targets, vectors), targets, protocol).per_seed["r2"][0]
    told = probe("placeless", space_of(targets, vectors), targets, protocol).scores.per_seed["r2"][0]
    mean = evaluate(space_of(targets, vectors), targets, Protocol("random", "mean", (0,))).per_seed["r2"][0]
    assert plain > 0.8
    assert told == pytest.approx(mean, abs=0.03)


def test_vectors_independent_of_position_keep_their_score_but_for_the_price_that_the_control_tells(
    build_targets, build_features
):
    targets, features = build_targets(n=400), build_features(400)
    space = space_of(targets, features.vectors)
    plain = evaluate(space, targets, RIDGE).per_seed["r2"]
    told = probe("placeless", space, targets, RIDGE)
    assert np.mean(plain) > 0.5
    assert mean_r2(told) == pytest.approx(np.mean(plain), abs=0.05)
    assert mean_r2(told) == pytest.approx(np.mean(told.section["control"]["r2"]), abs=0.03)


def test_columns_that_repeat_each_other_do_not_tell_position_afterwards(build_targets):
    """Were columns treated apart, differences of like ones would be position itself."""
    targets = build_targets(n=400)
    rng = np.random.default_rng(5)
    base = np.column_stack([away(targets), rng.normal(size=(400, 6))])
    features = Features((base @ rng.normal(size=(8, 40))).astype(np.float32), np.ones(400, bool))
    split = make_splits(targets, RIDGE)[0]
    found, _ = without_position(features, targets.xy, split, 3)
    told = probe("position", space_of(targets, found.vectors), targets, replace(RIDGE, seeds=(0,)))
    assert mean_r2(told) < 0.05


def test_no_label_and_no_place_of_a_test_unit_is_learned_from(build_targets, build_features):
    targets, features = build_targets(n=120), build_features(120)
    split = make_splits(targets, RIDGE)[0]
    found, _ = without_position(features, targets.xy, split, 1)
    moved = targets.xy.copy()
    moved[split.test] += 1e4
    other, _ = without_position(features, moved, split, 1)
    assert np.array_equal(found.vectors[split.train], other.vectors[split.train])
    assert np.array_equal(found.vectors[split.val], other.vectors[split.val])
    changed = targets.with_values(np.where(np.isin(np.arange(120), split.test), -99.0, targets.values))
    space, protocol = space_of(targets, features.vectors), replace(RIDGE, seeds=(0,))
    said = [
        probe("placeless", space, one, protocol).scores.predictions["predicted"] for one in (targets, changed)
    ]
    assert np.array_equal(*said)


def test_units_without_data_stay_without(build_targets, build_features):
    covered = np.arange(120) % 10 != 3
    targets = build_targets(n=120)
    space = space_of(targets, build_features(120, covered=covered).vectors, covered)
    for name in PROBES:
        told = probe(name, space, targets, RIDGE)
        assert told.scores.n_uncovered == 12
        assert np.isfinite(told.scores.per_seed["r2"]).all()
        assert told.scores.per_seed_covered


def test_every_head_sees_changed_vectors_on_their_own_scale(build_targets):
    import torch

    from urbanbench.scoring.heads.mlp import _inputs

    targets, covered = build_targets(n=60), np.arange(60) % 7 != 2
    split = make_splits(targets, RIDGE)[0]
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32) * (0.01, 1.0, 20.0)
    features = ScaledFeatures((vectors * covered[:, None]).astype(np.float32), covered, clip=float("inf"))
    rows = features.rows(split.test, features.scaler(split))
    known = covered[split.test]
    centre = features.vectors[split.train][covered[split.train]].mean(axis=0)
    assert rows[known, :3] == pytest.approx(features.vectors[split.test][known] - centre, abs=1e-4)
    assert rows[~known, :3] == pytest.approx(0.0, abs=1e-6)
    gathered = _inputs(features, [split], "cpu").gather(torch.from_numpy(split.test[None]))
    assert gathered[0].numpy() == pytest.approx(rows, abs=1e-4)


# ---- neighbours beside


def test_the_nearest_units_are_those_of_a_loop(build_targets):
    xy = build_targets(n=40).xy
    near, distance = nearest_units(xy)
    for row, place in enumerate(xy):
        away_from = np.hypot(*(xy - place).T)
        away_from[row] = np.inf
        assert set(near[row]) == set(np.argsort(away_from)[:6])
        assert distance[row] == pytest.approx(np.sort(away_from)[:6])
    assert nearest_units(xy[:4])[0].shape == (4, 3)
    assert set(nearest_units(xy[[0, 0, 0]])[0][0]) == {1, 2}


def test_beside_a_vector_stands_the_mean_of_its_neighbours_that_have_data(build_targets, build_features):
    targets, covered = build_targets(n=50), np.arange(50) % 7 != 2
    features = build_features(50, dim=3, covered=covered)
    split = make_splits(targets, RIDGE)[0]
    near = nearest_units(targets.xy)[0]
    near[0] = np.flatnonzero(~covered)[:6]
    found = beside_neighbours(features, split, near)
    columns = standardised(features, split)
    assert found.covered.all()
    assert found.vectors.shape == (50, 7)
    for row in range(50):
        known = [columns[one] for one in near[row] if covered[one]] or [np.zeros(3)]
        expected = [*columns[row], *np.mean(known, axis=0), float(not covered[row])]
        np.testing.assert_allclose(found.vectors[row], expected, atol=1e-6)
    whole = beside_neighbours(build_features(50, dim=3), split, near)
    assert whole.vectors.shape == (50, 6)


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_labels_that_follow_the_neighbours_are_told_with_them_and_not_by_other_places(build_targets, kind):
    targets = build_targets(kind, n=300)
    vectors = np.random.default_rng(8).normal(size=(300, 4))
    around = vectors[nearest_units(targets.xy)[0]].mean(axis=1)
    if kind == "regression":
        values = around @ (2.0, -1.0, 0.5, 0.0)
    else:
        values = np.array(targets.classes, dtype=object)[around[:, :3].argmax(axis=1)]
    targets, space = targets.with_values(values), space_of(targets, vectors)
    metric = {"regression": "r2", "classification": "f1_macro"}[kind]
    told = probe("neighbours", space, targets, RIDGE)
    plain = np.mean(evaluate(space, targets, RIDGE).per_seed[metric])
    with_them, control = (np.mean(one[metric]) for one in (told.scores.per_seed, told.section["control"]))
    assert with_them > 0.8
    assert max(plain, control) < 0.5
    assert told.section["nearest"] == 6


def test_labels_of_neighbours_say_nothing(build_targets, build_features):
    targets, protocol = build_targets(n=120), replace(RIDGE, seeds=(0,))
    split = make_splits(targets, protocol)[0]
    other = targets.with_values(np.where(np.isin(np.arange(120), split.test), -99.0, targets.values))
    space = space_of(targets, build_features(120).vectors)
    said = [
        probe("neighbours", space, one, protocol).scores.predictions["predicted"] for one in (targets, other)
    ]
    assert np.array_equal(*said)


# ---- shares of labels


def test_smaller_shares_lie_inside_larger_ones_and_test_units_stay(build_targets):
    targets = build_targets(n=200)
    split = make_splits(targets, RIDGE)[1]
    parts = [thinned(targets, split, share, 1) for share in LEARNED_FROM]
    for small, large in itertools.pairwise(parts):
        assert set(small.train) <= set(large.train)
        assert set(small.val) <= set(large.val)
        assert np.array_equal(small.test, split.test)
    assert [len(one.train) for one in parts] == [2, 2, 6, 12, 24, 60, 120]
    assert np.array_equal(parts[-1].train, split.train)
    assert np.array_equal(parts[-1].val, split.val)


def test_seeds_take_other_units(build_targets):
    targets = build_targets(n=200)
    rows = np.arange(200)
    assert not np.array_equal(ranked(targets, rows, 0, "train"), ranked(targets, rows, 1, "train"))


def test_classes_are_spread_over_the_order(build_targets):
    targets = build_targets("classification", n=300)
    rows = np.arange(300)
    order = ranked(targets, rows, 0, "train")
    whole = np.bincount(targets.codes, minlength=3) / 300
    for part in (30, 60, 150):
        assert np.bincount(targets.codes[order[:part]], minlength=3) / part == pytest.approx(
            whole, abs=3.1 / part
        )


def test_parcels_are_taken_whole(build_targets):
    targets = build_targets(n=120, parcels=np.array([f"p{k // 4}" for k in range(120)]))
    order = ranked(targets, np.arange(120), 0, "train")
    names = targets.parcels[order]
    assert len(set(names)) == 1 + sum(a != b for a, b in itertools.pairwise(names))


@pytest.mark.parametrize("kind", ["regression", "classification", "composition"])
@pytest.mark.parametrize("head", ["ridge", "mean", "knn", "lightgbm"])
def test_all_labels_are_the_plain_row(build_targets, build_features, kind, head):
    targets = build_targets(kind, n=120)
    space, protocol = space_of(targets, build_features(120).vectors), Protocol("random", head, (0, 1))
    told, plain = probe("shares", space, targets, protocol), evaluate(space, targets, protocol)
    assert told.scores.per_seed == plain.per_seed
    assert told.section["steps"][-1]["scores"] == {name: list(one) for name, one in plain.per_seed.items()}
    assert [step["share"] for step in told.section["steps"]] == list(LEARNED_FROM)


def test_labels_beyond_a_share_say_nothing(build_targets, build_features):
    targets = build_targets(n=120)
    protocol = replace(RIDGE, seeds=(0,))
    split = make_splits(targets, protocol)[0]
    seen = thinned(targets, split, 0.1, 0)
    known = np.concatenate([seen.train, seen.val, seen.test])
    other = targets.with_values(np.where(np.isin(np.arange(120), known), targets.values, 1e3))
    space = space_of(targets, build_features(120).vectors)
    one, two = (probe("shares", space, labels, protocol).section["steps"] for labels in (targets, other))
    assert one[3]["share"] == 0.1
    assert one[3]["scores"] == two[3]["scores"]
    assert one[-1]["scores"] != two[-1]["scores"]


# ---- dimensions


def test_principal_directions_are_those_of_scikit_learn():
    rows = np.random.default_rng(2).normal(size=(60, 7)) @ np.random.default_rng(3).normal(size=(7, 7))
    ours, theirs = principal_directions(rows, 0), PCA().fit(rows).components_.T
    assert np.abs((ours * theirs).sum(axis=0)) == pytest.approx(np.ones(7))


def test_random_directions_are_a_rotation_and_another_one_for_each_seed():
    rows = np.zeros((5, 6))
    one, two = random_directions(rows, 0), random_directions(rows, 1)
    assert one.T @ one == pytest.approx(np.eye(6), abs=1e-12)
    assert not np.allclose(one, two)


def test_steps_double_up_to_all():
    assert dims_up_to(1) == [1]
    assert dims_up_to(300) == [2, 4, 8, 16, 32, 64, 128, 256, 300]


@pytest.mark.parametrize("name", ["pca", "projection"])
def test_all_dimensions_are_a_rotation_of_the_vectors_and_score_as_they_do(
    build_targets, build_features, name
):
    targets, features = build_targets(n=160), build_features(160, dim=9)
    space = space_of(targets, features.vectors * np.linspace(1, 50, 9).astype(np.float32))
    told, plain = probe(name, space, targets, RIDGE), evaluate(space, targets, RIDGE)
    assert [step["dims"] for step in told.section["steps"]] == [2, 4, 8, 9]
    assert told.scores.per_seed["r2"] == pytest.approx(plain.per_seed["r2"], abs=1e-4)
    kept = [np.mean(step["variance"]) for step in told.section["steps"]]
    assert kept == sorted(kept)
    assert kept[-1] == pytest.approx(1.0)


def test_components_keep_their_sizes_beside_one_another(build_targets):
    targets = build_targets(n=120)
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(120, 1))
    features = Features((shared + 0.3 * rng.normal(size=(120, 5))).astype(np.float32), np.ones(120, bool))
    split = make_splits(targets, RIDGE)[0]
    columns = standardised(features, split)
    found, _ = turned(features, columns, split, principal_directions(columns[split.train], 0))
    seen = found.rows(split.train, found.scaler(split))
    true = PCA().fit(columns[split.train]).explained_variance_
    assert seen.var(axis=0) / seen.var(axis=0)[0] == pytest.approx(true / true[0], rel=1e-3)


def test_components_are_found_on_training_units_alone(build_targets, build_features):
    targets, protocol = build_targets(n=120), replace(RIDGE, seeds=(0,))
    split = make_splits(targets, protocol)[0]
    vectors = build_features(120, dim=6).vectors.copy()
    first = probe("pca", space_of(targets, vectors), targets, protocol)
    vectors[split.test] *= 3
    second = probe("pca", space_of(targets, vectors), targets, protocol)
    assert first.section["steps"][0]["variance"] == second.section["steps"][0]["variance"]


def test_an_unknown_probe_suggests_the_nearest(build_targets):
    targets = build_targets(n=20)
    with pytest.raises(UnknownName, match=r"Did you mean 'position'\?"):
        probe("positon", space_of(targets, np.zeros((20, 2))), targets, RIDGE)
