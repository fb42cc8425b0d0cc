"""Scores across cities against scikit-learn, and what is drawn, fitted and standardised on which side."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from urbanbench.errors import BadInput, RunRefused, UnknownName
from urbanbench.scoring.across import evaluate_across, joined_targets
from urbanbench.scoring.heads.ridge import RidgeHead
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits, plain_word
from urbanbench.scoring.splits.city_out import HELD_BACK, city_out_word, is_city_out, shots_of
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace


def targets(n, seed, **parts):
    rng = np.random.default_rng(seed)
    made = {
        "ids": np.array([f"r{k:03d}" for k in range(n)]),
        "level": "region",
        "kind": "regression",
        "values": rng.normal(size=n),
        "classes": (),
        "unit": "persons",
        "xy": rng.uniform(0, 1e4, size=(n, 2)),
    }
    return Targets(**(made | parts))


def space(of, vectors, covered=None):
    return EmbeddingSpace("region", of.ids, np.asarray(vectors, dtype=np.float32), covered)


def linear(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(shift, 1.0, size=(n, 3))
    of = targets(n, seed, values=vectors @ [2.0, -1.0, 0.5] + rng.normal(0, 0.1, size=n))
    return of, space(of, vectors)


def city_out_splits(train, scored, seeds, shots):
    """Cut the joined table as a run across cities does."""
    return make_splits(joined_targets(train, scored), Protocol(city_out_word(shots, "scored"), seeds=seeds))


def test_no_unit_of_the_scored_city_trains_without_shots():
    train, scored = targets(50, 0), targets(30, 1)
    for split in city_out_splits(train, scored, (0, 1), 0):
        assert split.train.max() < 50
        assert split.val.max() < 50
        assert sorted([*split.train, *split.val]) == list(range(50))
        assert split.test.tolist() == list(range(50, 80))
        assert len(split.val) == round(HELD_BACK * 50)


def test_shots_are_drawn_by_the_seed_trained_on_and_not_tested():
    train, scored = targets(50, 0), targets(30, 1)
    drawn = []
    for split in city_out_splits(train, scored, tuple(range(10)), 7):
        shots = split.train[split.train >= 50]
        assert len(shots) == 7
        assert split.val.max() < 50
        assert sorted([*shots, *split.test]) == list(range(50, 80))
        drawn.append(tuple(shots))
    assert len(set(drawn)) == 10


def test_more_shots_hold_those_of_fewer():
    train, scored = targets(50, 0), targets(30, 1)
    few, many = (city_out_splits(train, scored, (3,), shots)[0].train for shots in (4, 9))
    assert set(few) < set(many)


def test_a_parcel_is_never_on_both_sides():
    train = targets(40, 0, parcels=np.array([f"p{k // 4}" for k in range(40)]))
    scored = targets(40, 1, parcels=np.array([f"p{k // 5}" for k in range(40)]))
    for split in city_out_splits(train, scored, tuple(range(5)), 6):
        shots = {scored.parcels[row - 40] for row in split.train if row >= 40}
        tested = {scored.parcels[row - 40] for row in split.test}
        assert not shots & tested
        assert len(split.test) == 30  # six shots lie in two parcels of five
        validated, trained = (
            {train.parcels[row] for row in side if row < 40} for side in (split.val, split.train)
        )
        assert not validated & trained
        assert len(split.val) == 8


def test_the_other_city_may_have_parcels_where_one_has_none():
    train = targets(40, 0, parcels=np.array([f"p{k // 4}" for k in range(40)]))
    [split] = city_out_splits(train, targets(30, 1), (0,), 3)
    assert len(split.test) == 27
    [split] = city_out_splits(targets(30, 1), train, (0,), 3)
    assert len(split.test) == 36


def test_shots_whose_parcels_hold_the_whole_city_leave_nothing_to_test():
    one = targets(40, 1, parcels=np.full(40, "p"))
    with pytest.raises(BadInput, match="parcels of 3 shots hold all 40 units"):
        city_out_splits(targets(50, 0), one, (0,), 3)


def test_too_few_units_are_told():
    with pytest.raises(BadInput, match="--shots 28 takes 28 of them"):
        city_out_splits(targets(50, 0), targets(30, 1), (0,), 28)
    with pytest.raises(BadInput, match="leaves 2 training units with seed 0"):
        city_out_splits(targets(3, 0), targets(30, 1), (0,), 0)


def test_words_of_the_split():
    assert [is_city_out(word) for word in ("city-out", "city-out+5", "city-outer", "random")] == [
        True,
        True,
        False,
        False,
    ]
    assert shots_of("city-out+25") == shots_of("city-out+25:delft") == 25
    assert [plain_word(word) for word in ("city-out+0", "city-out+5: delft")] == [
        "city-out",
        "city-out+5:delft",
    ]
    for word in ("block+5", "city-out+", "city-out+few"):
        with pytest.raises(UnknownName, match="Unknown split"):
            plain_word(word)


def test_zero_shot_scores_are_those_of_scikit_learn_fitted_in_one_city():
    (train, here), (scored, there) = linear(60, 0), linear(40, 1, shift=0.7)
    made = evaluate_across(here, train, there, scored, Protocol("city-out", "ridge", (0, 1, 2)))
    for seed, split in enumerate(city_out_splits(train, scored, (0, 1, 2), 0)):
        rows = split.train
        mean, spread = here.vectors[rows].mean(axis=0), here.vectors[rows].std(axis=0)
        scaled = [((one.vectors - mean) / spread).clip(-5, 5) for one in (here, there)]
        fitted = RidgeCV(alphas=RidgeHead().alphas).fit(scaled[0][rows], train.values[rows])
        expected = r2_score(scored.values, fitted.predict(scaled[1]))
        assert made.per_seed["r2"][seed] == pytest.approx(expected, abs=2e-3)
    assert made.n_units == 40
    assert made.sides[0] == (48, 12, 40)
    assert set(made.predictions["unit_id"]) == set(scored.ids)


def test_nothing_of_the_scored_city_standardises():
    (train, here), (scored, there) = linear(60, 0), linear(40, 1)
    protocol = Protocol("city-out", "ridge", (0,))
    alone = evaluate_across(here, train, there, scored, protocol)
    first = scored.ids[:10].tolist()
    rows = np.arange(10)
    fewer = evaluate_across(here, train, there.take(first), scored.rows(rows), protocol)
    np.testing.assert_array_equal(fewer.predictions["predicted"], alone.predictions["predicted"][:10])


def test_uncovered_units_are_counted_in_the_scored_city_alone():
    (train, here), (scored, there) = linear(60, 0), linear(40, 1)
    covered = np.arange(40) > 4
    there = space(scored, np.where(covered[:, None], there.vectors, 0), covered)
    made = evaluate_across(here, train, there, scored, Protocol("city-out+5", "ridge", (0, 1)))
    assert made.n_uncovered == 5
    assert made.sides[0] == (53, 12, 35)


def test_labels_must_mean_the_same():
    with pytest.raises(RunRefused, match="in 'persons' in the train city and in 'thousand persons'"):
        joined_targets(targets(9, 0), targets(9, 1, unit="thousand persons"))

    def of(*names):
        values = np.array([*names] * 3)
        return {"kind": "classification", "values": values, "classes": tuple(sorted(names)), "unit": "class"}

    with pytest.raises(RunRefused, match="classes that the train city lacks \\('zoo'"):
        joined_targets(targets(9, 0, **of("bar", "cafe", "shop")), targets(9, 1, **of("bar", "cafe", "zoo")))
    assert (
        len(joined_targets(targets(9, 0, **of("bar", "cafe", "shop")), targets(6, 1, **of("bar", "cafe"))))
        == 15
    )


def test_columns_of_shares_are_brought_into_one_order():
    one = {
        "kind": "composition",
        "classes": ("a", "b"),
        "values": np.tile([0.25, 0.75], (9, 1)),
        "unit": "share",
    }
    other = one | {"classes": ("b", "a"), "values": np.tile([0.75, 0.25], (9, 1))}
    joined = joined_targets(targets(9, 0, **one), targets(9, 1, **other))
    np.testing.assert_array_equal(joined.values, np.tile([0.25, 0.75], (18, 1)))
    with pytest.raises(RunRefused, match="shares are of a, b in the train city and of a, c"):
        joined_targets(targets(9, 0, **one), targets(9, 1, **(one | {"classes": ("a", "c")})))


def test_vectors_of_other_lengths_are_refused():
    (train, here), (scored, _) = linear(60, 0), linear(40, 1)
    with pytest.raises(RunRefused, match="have 3 numbers and those of the scored city 2"):
        evaluate_across(
            here, train, space(scored, np.ones((40, 2))), scored, Protocol("city-out", "ridge", (0,))
        )
