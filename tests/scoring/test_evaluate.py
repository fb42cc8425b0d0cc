import numpy as np
import pytest

from urbanbench.errors import BadInput, UnknownName
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.space import EmbeddingSpace


def _space(targets, features, order=None):
    order = np.arange(len(targets)) if order is None else order
    return EmbeddingSpace("region", targets.ids[order], features.vectors[order], features.covered[order])


@pytest.mark.parametrize("kind", ["regression", "classification", "composition"])
def test_scores_are_those_of_the_stored_predictions(build_features, build_targets, kind):
    targets, features = build_targets(kind), build_features()
    scores = evaluate(_space(targets, features), targets, Protocol(head="ridge", seeds=(3, 8)))
    table = scores.predictions
    assert len({len(column) for column in table.values()}) == 1
    for k, seed in enumerate((3, 8)):
        rows = table["seed"] == seed
        names = [f"[{name}]" for name in targets.classes] if kind == "composition" else [""]
        true, predicted = (
            np.column_stack([table[word + name][rows] for name in names]) for word in ("true", "predicted")
        )
        if kind != "composition":
            true, predicted = true[:, 0], predicted[:, 0]
        expected = compute_metrics(kind, true, predicted, targets.classes)
        expected.pop("r2_log", None)  # some labels are negative
        assert {name: values[k] for name, values in scores.per_seed.items()} == pytest.approx(expected)
        split = make_splits(targets, Protocol(seeds=(seed,)))[0]
        assert table["unit_id"][rows].tolist() == targets.ids[split.test].tolist()


def test_order_of_the_space_and_units_without_label_do_not_matter(build_features, build_targets):
    targets, features = build_targets(), build_features()
    plain = evaluate(_space(targets, features), targets, Protocol(head="ridge"))
    order = np.random.default_rng(0).permutation(120)
    shuffled = _space(targets, features, order)
    more = EmbeddingSpace(
        "region",
        np.append(shuffled.ids, "unlabelled"),
        np.vstack([shuffled.vectors, np.full((1, 6), 1e6, dtype=np.float32)]),
        np.append(shuffled.covered, True),
    )
    again = evaluate(more, targets, Protocol(head="ridge"))
    assert again.per_seed == plain.per_seed
    assert again.split_digest == plain.split_digest


def test_units_without_data_are_scored_counted_and_scored_apart(build_features, build_targets):
    covered = np.arange(120) % 6 != 0
    targets, features = build_targets(), build_features(covered=covered)
    scores = evaluate(_space(targets, features), targets, Protocol(head="ridge"))
    assert (scores.n_units, scores.n_uncovered) == (120, 20)
    table = scores.predictions
    assert table["covered"].sum() < len(table["covered"]) == 10 * 24
    rows = (table["seed"] == 4) & table["covered"]
    expected = compute_metrics("regression", table["true"][rows], table["predicted"][rows], ())
    assert scores.per_seed_covered["rmse"][4] == pytest.approx(expected["rmse"])
    assert np.mean(scores.per_seed_covered["r2"]) > np.mean(scores.per_seed["r2"])


def test_full_coverage_has_no_extra_scores(build_features, build_targets):
    scores = evaluate(_space(build_targets(), build_features()), build_targets(), Protocol(head="mean"))
    assert scores.per_seed_covered == {}
    assert scores.n_uncovered == 0


def test_block_size_is_recorded_for_block_splits_only(build_features, build_targets):
    targets, features = build_targets(), build_features()
    assert evaluate(_space(targets, features), targets, Protocol(head="mean")).block_size_m is None
    scores = evaluate(_space(targets, features), targets, Protocol(split="block", head="mean"))
    assert scores.block_size_m > 400.0


def test_head_parameters_reach_the_head(build_features, build_targets):
    targets, features = build_targets(), build_features()
    scores = evaluate(_space(targets, features), targets, Protocol(seeds=(0,)), head_params={"max_epochs": 3})
    assert scores.head_details[0]["epochs"] == 3


def test_a_class_missing_from_one_seed_is_nan_there(build_features, build_targets):
    names = build_targets("classification").values.copy()
    names[7] = "zoo"
    targets = build_targets("classification", values=names, classes=("a", "b", "c", "zoo"))
    scores = evaluate(_space(targets, build_features()), targets, Protocol(head="ridge"))
    seen = [7 in split.test for split in make_splits(targets, Protocol())]
    assert any(seen)
    assert (~np.isnan(scores.per_seed["f1[zoo]"])).tolist() == seen


def test_spaces_that_do_not_fit_are_refused(build_features, build_targets):
    targets, features = build_targets(), build_features()
    buildings = EmbeddingSpace("building", targets.ids, features.vectors)
    with pytest.raises(BadInput, match=r"holds buildings\. Expected regions"):
        evaluate(buildings, targets, Protocol())
    with pytest.raises(BadInput, match="lacks 1 of 120 region ids"):
        evaluate(_space(targets, features, np.arange(119)), targets, Protocol())


def test_log_r2_is_given_for_all_seeds_or_none(build_features, build_targets):
    features = build_features()
    values = np.arange(120.0)
    scores = evaluate(_space(build_targets(), features), build_targets(values=values), Protocol(head="ridge"))
    assert len(scores.per_seed["r2_log"]) == 10
    values[17] = -1.0
    scores = evaluate(_space(build_targets(), features), build_targets(values=values), Protocol(head="ridge"))
    assert "r2_log" not in scores.per_seed


@pytest.mark.parametrize(
    ("words", "message"),
    [({"split": "blocks"}, "Did you mean 'block'"), ({"head": "mpl"}, "Did you mean 'mlp'")],
)
def test_a_wrong_split_or_head_is_refused_by_name(build_features, build_targets, words, message):
    targets, features = build_targets(), build_features()
    with pytest.raises(UnknownName, match=message):
        evaluate(_space(targets, features), targets, Protocol(**words))
