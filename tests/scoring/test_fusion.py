"""A model beside a floor: planted cases whose answer is known, and that nothing is learned from rows that a head has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.fusion.evaluate import fuse
from urbanbench.scoring.fusion.reading import Exam, read
from urbanbench.scoring.metrics import MAIN_METRIC, compute_metrics
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

N = 240
IDS = np.array([f"u{k:03d}" for k in range(N)])
KINDS = ("regression", "classification", "composition")
MIXED = (
    *(("ridge", kind) for kind in KINDS),
    ("mlp", "regression"), ("rf", "classification"), ("lightgbm", "composition"), ("select", "classification"),
)  # fmt: skip
"""Every kind and every head; ridge, which takes no time, with all of them."""


def space(*columns, noise=4, seed=0):
    """Vectors of given columns and some of noise."""
    more = np.random.default_rng(seed + 77).normal(size=(N, noise))
    return EmbeddingSpace("region", IDS, np.column_stack([*columns, more]).astype(np.float32))


def signals():
    return np.random.default_rng(5).normal(size=(2, N))


def targets(kind, **changes):
    """Labels that a first signal gives one half of and a second the other."""
    first, second = signals()
    noise = 0.3 * np.random.default_rng(6).normal(size=N)
    values = {
        "regression": 10 + first + second + noise,
        "classification": np.array(
            [f"{a:d}{b:d}" for a, b in zip(first > 0, second > 0, strict=True)], dtype=object
        ),
        "composition": _shares(first, second),
    }[kind]
    classes = {"regression": (), "classification": ("00", "01", "10", "11"), "composition": ("a", "b", "c")}[
        kind
    ]
    side = 16
    at = np.arange(N)
    xy = 500.0 * np.column_stack([at % side, at // side])
    groups = np.array([f"g{x // 4}{y // 5}" for x, y in zip(at % side, at // side, strict=True)])
    return Targets(IDS, "region", kind, values, classes, "points", xy, **{"groups": groups, **changes})


def _shares(first, second):
    a, b = 1 / (3 + np.exp(-first)), 1 / (3 + np.exp(-second))
    return np.column_stack([a, b, 1 - a - b])


def fused(model, floors, asked, protocol):
    exam = Exam.of(asked, protocol)
    return fuse(read(model, exam), {name: read(one, exam) for name, one in floors.items()}, exam)


def gains(result, kind):
    metric = MAIN_METRIC[kind]
    return np.array(result.scores.per_seed[metric]) - np.array(result.floor_alone[metric])


@pytest.mark.parametrize(("head", "kind"), MIXED)
def test_a_model_that_is_the_floor_adds_nothing(kind, head):
    first, _ = signals()
    protocol = Protocol("random", head, (0, 1, 2) if head == "ridge" else (0,))
    found = gains(fused(space(first), {"counts": space(first)}, targets(kind), protocol), kind)
    assert np.abs(found).max() < 0.005


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_noise_adds_nothing(kind):
    first, _ = signals()
    protocol = Protocol("random", "ridge", range(8))
    found = gains(fused(space(noise=12, seed=9), {"counts": space(first)}, targets(kind), protocol), kind)
    assert abs(found.mean()) < 0.01
    assert found.min() > -0.05


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_what_trees_make_of_noise_costs_no_more_than_learning_one_weight(kind):
    first, _ = signals()
    exam = Exam.of(targets(kind), Protocol("random", "lightgbm", range(4)))
    floor = read(space(first), exam)
    results = [
        fuse(read(space(noise=12, seed=100 + draw), exam), {"counts": floor}, exam) for draw in range(4)
    ]
    found = np.array([gains(one, kind) for one in results])
    rows = len(exam.splits[0].train)
    assert -1 / rows < found.mean() <= 0.002
    assert np.mean([one["model"] for result in results for one in result.stacks]) < 0.1


@pytest.mark.parametrize("split", ["random", "block", "group"])
def test_a_model_of_the_missing_half_adds_what_least_squares_on_both_find(split):
    first, second = signals()
    asked, protocol = targets("regression"), Protocol(split, "ridge", range(4), block_size_m=2000.0)
    model, floor = (space(one, noise=0) for one in (second, first))
    found = gains(fused(model, {"counts": floor}, asked, protocol), "regression")
    expected = []
    for one in make_splits(asked, protocol):
        scores = []
        for columns in (np.column_stack([first, second]), first[:, None]):
            line = LinearRegression().fit(columns[one.train], asked.values[one.train])
            told = compute_metrics("regression", asked.values[one.test], line.predict(columns[one.test]), ())
            scores.append(told["r2"])
        expected.append(scores[0] - scores[1])
    assert np.abs(found - expected).max() < 0.06
    assert abs(found.mean() - np.mean(expected)) < 0.02
    assert found.mean() > 0.35


@pytest.mark.parametrize(("head", "kind"), MIXED)
def test_every_kind_and_head_finds_the_missing_half(kind, head):
    first, second = signals()
    model, floor = space(second, seed=1), space(first)
    found = gains(fused(model, {"counts": floor}, targets(kind), Protocol("random", head, (0,))), kind)
    assert found.min() > 0.15


def test_the_floor_of_a_seed_is_the_best_on_its_validation_rows_and_the_second_goes_best_with_it():
    first, second = signals()
    asked, protocol = targets("regression"), Protocol("random", "ridge", range(6))
    floors = {"noise": space(seed=3), "one": space(first, seed=1), "two": space(second, seed=2)}
    result = fused(space(seed=4), floors, asked, protocol)
    alone = {name: evaluate(one, asked, protocol) for name, one in floors.items()}
    best = [min(floors, key=lambda name: alone[name].per_seed_val["rmse"][k]) for k in range(6)]
    assert list(result.chosen) == best
    assert len(set(best)) == 2
    assert list(result.second) == [{"one": "two", "two": "one"}[name] for name in best]
    assert result.floor_row["r2"] == tuple(alone[name].per_seed["r2"][k] for k, name in enumerate(best))
    both = np.array(result.with_second["r2"]) - np.array(result.floor_alone["r2"])
    assert both.min() > 0.3


@pytest.mark.parametrize(("head", "kind"), MIXED)
def test_readings_are_those_behind_the_rows_of_a_table(kind, head):
    first, _ = signals()
    asked, protocol = targets(kind), Protocol("random", head, (0, 4) if head in {"ridge", "mlp"} else (4,))
    reading, row = read(space(first), Exam.of(asked, protocol)), evaluate(space(first), asked, protocol)
    said = np.concatenate([one.predicted_test for one in reading.outputs])
    given = [values for name, values in row.predictions.items() if name.startswith("predicted")]
    assert np.array_equal(said, np.column_stack(given) if kind == "composition" else given[0])


def test_test_labels_change_no_prediction():
    first, second = signals()
    asked, protocol = targets("regression"), Protocol("random", "ridge", (3,))
    [split] = make_splits(asked, protocol)
    changed = asked.values.copy()
    changed[split.test] = np.random.default_rng(1).permutation(changed[split.test]) * 7
    before, after = (
        fused(space(second, seed=1), {"a": space(first), "b": space(seed=2)}, one, protocol)
        for one in (asked, asked.with_values(changed))
    )
    assert np.array_equal(before.scores.predictions["predicted"], after.scores.predictions["predicted"])
    assert (before.chosen, before.stacks) == (after.chosen, after.stacks)
    assert before.floor_alone != after.floor_alone


@pytest.mark.parametrize("head", ["ridge", "lightgbm"])
def test_what_is_held_out_does_not_know_its_own_label(head):
    first, _ = signals()
    asked, protocol = targets("regression"), Protocol("random", head, (0,))
    exam = Exam.of(asked, protocol)
    row = 17
    changed = asked.values.copy()
    changed[exam.splits[0].train[row]] += 50
    before, after = (
        read(space(first), replace(exam, targets=one)).held_out[0]
        for one in (asked, asked.with_values(changed))
    )
    same = exam.folds[0] == exam.folds[0][row]
    assert np.array_equal(before[same], after[same])
    assert not np.isclose(before[~same], after[~same]).all()


@pytest.mark.parametrize(
    ("split", "atoms"), [("random", "parcels"), ("block", "blocks"), ("group", "groups")]
)
def test_folds_cut_nothing_that_the_split_keeps_whole(split, atoms):
    from urbanbench.scoring.splits import atoms_of

    parcels = np.array([f"p{k // 3}" for k in range(N)]) if atoms == "parcels" else None
    asked, protocol = (
        targets("classification", parcels=parcels),
        Protocol(split, "ridge", (0, 1), block_size_m=1500.0),
    )
    exam = Exam.of(asked, protocol)
    for seed, one, fold in zip((0, 1), exam.splits, exam.folds, strict=True):
        whole = (
            asked.parcels
            if atoms == "parcels"
            else asked.groups
            if atoms == "groups"
            else atoms_of(asked, protocol, seed)
        )
        sides = {name: set() for name in whole}
        for row, number in zip(one.train, fold, strict=True):
            sides[whole[row]].add(int(number))
        assert max(map(len, sides.values())) == 1
        assert not {whole[row] for row in one.train} & {whole[row] for row in (*one.val, *one.test)}
        sizes = np.bincount(fold)
        assert len(sizes) == 5
        assert sizes.min() > 0.5 * sizes.mean()


def test_folds_spread_rare_classes():
    exam = Exam.of(targets("classification"), Protocol("random", "ridge", (0,)))
    codes = exam.targets.codes[exam.splits[0].train]
    counts = np.array([np.bincount(codes[exam.folds[0] == k], minlength=4) for k in range(5)])
    assert np.ptp(counts, axis=0).max() <= 1


def test_a_training_part_of_one_piece_leaves_the_floor_as_it_is():
    first, second = signals()
    groups = np.array(["big" if k < 150 else f"g{k % 4}" for k in range(N)])
    asked = targets("regression", groups=groups)
    protocol = Protocol("group", "ridge", (0,), fractions=(0.6, 0.2, 0.2))
    exam = Exam.of(asked, protocol)
    exam = replace(exam, folds=[np.zeros_like(exam.folds[0])])
    result = fuse(read(space(second), exam), {"counts": read(space(first), exam)}, exam)
    assert result.scores.per_seed == result.floor_alone == result.floor_row
    assert result.stacks[0]["folds"] == 0


def test_the_order_of_units_and_the_company_of_floors_change_nothing():
    first, second = signals()
    asked, protocol = targets("regression"), Protocol("block", "mlp", (0,))
    model, floor = space(second, seed=1), space(first)
    order = np.random.default_rng(3).permutation(N)
    shuffled = Targets(
        IDS[order],
        "region",
        "regression",
        asked.values[order],
        (),
        "points",
        asked.xy[order],
        groups=asked.groups[order],
    )
    before = fused(model, {"a": floor, "z": space(seed=8)}, asked, protocol)
    after = fused(model, {"z": space(seed=8), "a": floor}, shuffled, protocol)
    assert before.scores.per_seed == after.scores.per_seed
    assert before.stacks == after.stacks


def test_skewed_labels_are_stacked_on_the_scale_that_heads_model():
    first, second = signals()
    values = np.exp(1.5 * (first + second))
    asked = targets("regression", log1p_scale=100.0).with_values(values)
    result = fused(
        space(second, seed=1), {"counts": space(first)}, asked, Protocol("random", "ridge", range(3))
    )
    found = np.array(result.scores.per_seed["r2_log"]) - np.array(result.floor_alone["r2_log"])
    assert found.min() > 0.3
    assert (result.scores.predictions["predicted"] >= 0).all()


def test_units_without_data_are_counted_and_filled():
    first, second = signals()
    covered = np.arange(N) % 6 != 0
    model = space(second, seed=1)
    model = EmbeddingSpace("region", IDS, model.vectors * covered[:, None], covered)
    result = fused(
        model, {"counts": space(first)}, targets("regression"), Protocol("random", "ridge", (0, 1))
    )
    assert result.scores.n_uncovered == int((~covered).sum())
    assert set(result.scores.per_seed_covered) == set(result.scores.per_seed)


@pytest.mark.parametrize("head", ["mlp", "ridge", "rf", "lightgbm", "knn", "mean"])
def test_beliefs_are_shares_that_speak_most_for_the_class_predicted(head):
    first, second = signals()
    exam = Exam.of(targets("classification"), Protocol("random", head, (0,)))
    [output] = exam.fit(_features(space(first, second)), exam.splits, (0,))
    classes = np.array(exam.targets.classes, dtype=object)
    for belief, predicted in zip(output.beliefs, (output.predicted_val, output.predicted_test), strict=True):
        assert belief.shape == (len(predicted), 4)
        assert np.allclose(belief.sum(axis=1), 1)
        assert belief.min() >= 0
        assert np.array_equal(classes[belief.argmax(axis=1)], predicted)


def test_heads_without_a_class_in_training_believe_in_the_others():
    first, second = signals()
    asked = targets("classification")
    exam = Exam.of(asked, Protocol("random", "ridge", (0,)))
    [split] = exam.splits
    for absent in (("00",), ("00", "01"), ("00", "01", "10")):
        kept = replace(split, train=split.train[~np.isin(asked.values[split.train], absent)])
        for head in ("ridge", "rf"):
            one = replace(exam, protocol=replace(exam.protocol, head=head))
            [output] = one.fit(_features(space(first, second)), [kept], (0,))
            assert not output.beliefs[1][:, : len(absent)].any()


def _features(made):
    from urbanbench.scoring.features import Features

    return Features(made.vectors, made.mask)
