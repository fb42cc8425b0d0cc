from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from urbanbench.errors import BadInput
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import block_of_units, make, make_splits, split_digest
from urbanbench.scoring.splits.atoms import parcel_majority
from urbanbench.seeds import generator

KINDS = ("regression", "classification", "composition")
COMPLETE = ("random", "block", "knndm:1500", "group", "city-out")
"""Rungs that place every unit."""


def _sides(split):
    return split.train, split.val, split.test


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMPLETE)
def test_sides_are_sorted_disjoint_and_complete(build_targets, kind, name):
    targets = build_targets(kind, n=400, groups=np.arange(400) // 20)
    splits = make_splits(targets, Protocol(split=name))
    assert len(splits) == 10
    for split in splits:
        assert all((np.diff(side) > 0).all() for side in _sides(split))
        assert np.array_equal(np.sort(np.concatenate(_sides(split))), np.arange(400))


@pytest.mark.parametrize(("kind", "wanted"), [("regression", (0.6, 0.2)), ("classification", (0.5, 0.25))])
@pytest.mark.parametrize(("name", "slack"), [("random", 0.01), ("block", 0.04), ("group", 0.04)])
def test_sides_have_the_wanted_sizes(build_targets, kind, wanted, name, slack):
    targets = build_targets(kind, n=400, groups=np.arange(400) // 20)
    for split in make_splits(targets, Protocol(split=name, block_size_m=1500.0)):
        got = (len(split.train) / 400, len(split.val) / 400)
        assert got == pytest.approx(wanted, abs=slack)


def test_fractions_can_be_asked_for(build_targets):
    split = make_splits(build_targets(n=200), Protocol(fractions=(0.2, 0.3, 0.5)))[0]
    assert [len(side) for side in _sides(split)] == [40, 60, 100]


@pytest.mark.parametrize("name", [*COMPLETE, "buffered:600"])
def test_a_seed_gives_the_same_test_ids_whatever_the_head_other_seeds_and_row_order(build_targets, name):
    targets = build_targets(n=200, groups=np.arange(200) // 10)
    alone = make_splits(targets, Protocol(split=name, head="ridge", seeds=(7,)))[0]
    among = make_splits(targets, Protocol(split=name, seeds=(3, 7)))
    assert np.array_equal(alone.test, among[1].test)
    assert not np.array_equal(among[0].test, among[1].test)
    order = np.random.default_rng(0).permutation(200)
    mixed = build_targets(
        n=200,
        ids=targets.ids[order],
        values=targets.values[order],
        xy=targets.xy[order],
        groups=targets.groups[order],
    )
    shuffled = make_splits(mixed, Protocol(split=name, seeds=(7,)))[0]
    assert set(mixed.ids[shuffled.test]) == set(targets.ids[alone.test])
    assert split_digest(mixed, [shuffled]) == split_digest(targets, [alone])
    assert split_digest(targets, [alone]) != split_digest(targets, [among[0]])


def test_every_unit_is_tested_about_equally_often(build_targets):
    targets = build_targets(n=100)
    tested = np.zeros(100)
    for split in make_splits(targets, Protocol(seeds=tuple(range(300)))):
        tested[split.test] += 1
    # Binomial with p = 0.2: mean 60, standard deviation 7; five of them is far out for 100 units.
    assert np.abs(tested - 60).max() < 5 * 7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["random", "block", "buffered:400", "knndm:900", "group"])
def test_parcels_stay_whole(build_targets, kind, name):
    rng = np.random.default_rng(1)
    near = np.arange(300) // 4  # units that follow each other lie beside each other
    parcels, groups = rng.permutation(90)[near], rng.integers(0, 12, size=300)
    targets = build_targets(kind, n=300, parcels=parcels, groups=groups)
    for split in make_splits(targets, Protocol(split=name, block_size_m=900.0)):
        out = np.setdiff1d(np.arange(300), np.concatenate(_sides(split)))
        homes = [set(parcels[side]) for side in (*_sides(split), out)]
        assert len(set.union(*homes)) == sum(map(len, homes))


def test_classes_are_stratified(build_targets):
    targets = build_targets("classification", n=400)
    for split in make_splits(targets, Protocol()):
        for name in targets.classes:
            total = (targets.values == name).sum()
            got = [(targets.values[side] == name).sum() for side in _sides(split)]
            assert got == pytest.approx([0.5 * total, 0.25 * total, 0.25 * total], abs=1)


def test_a_parcel_goes_to_the_group_of_most_of_its_units_and_to_the_first_of_equals(build_targets):
    rng = np.random.default_rng(5)
    parcels, groups = rng.integers(0, 40, 300).astype(str), rng.integers(0, 7, 300).astype(str)
    wanted = []
    for parcel in parcels:
        names, votes = np.unique(groups[parcels == parcel], return_counts=True)
        wanted.append(names[votes.argmax()])
    assert parcel_majority(build_targets(n=300, parcels=parcels), groups).tolist() == wanted


def test_parcels_and_groups_may_both_be_many(build_targets):
    """A table of all parcels by all groups would take 80 GB."""
    many = np.arange(100_000).astype(str)
    assert parcel_majority(SimpleNamespace(parcels=many), many).tolist() == many.tolist()


@pytest.mark.parametrize("parcels", [None, np.arange(100) // 2])
def test_rare_classes_reach_training_and_never_crash(build_targets, parcels):
    names = np.array(["a"] * 50 + ["b"] * 35 + ["c"] * 8 + ["d"] * 6 + ["e"], dtype=object)
    targets = build_targets(
        "classification", n=100, values=names, classes=("a", "b", "c", "d", "e"), parcels=parcels
    )
    for split in make_splits(targets, Protocol(seeds=tuple(range(30)))):
        assert {"a", "b", "c", "d"} <= set(targets.values[split.train])


def test_single_members_of_a_class_are_not_always_on_the_same_side(build_targets):
    names = np.array(["a"] * 60 + ["b"] * 40, dtype=object)
    names[[5, 6]] = "rare"
    targets = build_targets("classification", n=100, values=names, classes=("a", "b", "rare"))
    splits = make_splits(targets, Protocol(seeds=tuple(range(40))))
    assert all(
        any({5, 6} & set(getattr(split, side)) for split in splits) for side in ("train", "val", "test")
    )


def test_blocks_stay_whole_and_move_with_the_seed(build_targets):
    targets = build_targets(n=400)
    seen = set()
    for seed, split in enumerate(make_splits(targets, Protocol(split="block", block_size_m=2000.0))):
        origin = targets.xy.min(axis=0) - generator(seed, "split", "block").uniform(0, 2000.0, size=2)
        blocks = np.floor((targets.xy - origin) / 2000.0).astype(int)
        homes = [set(map(tuple, blocks[side])) for side in _sides(split)]
        assert len(set.union(*homes)) == sum(map(len, homes))
        seen.add(tuple(origin))
    assert len(seen) == 10


def test_units_of_a_parcel_follow_its_mean_position(build_targets):
    xy = np.zeros((120, 2))
    xy[:, 0] = np.arange(120) * 10.0
    targets = build_targets(xy=xy, parcels=np.arange(120) // 4)
    blocks = block_of_units(targets, 50.0, (0.0, 0.0))
    centres = np.repeat(xy.reshape(30, 4, 2).mean(axis=1), 4, axis=0)
    assert np.array_equal(blocks, np.unique(np.floor(centres[:, 0] / 50.0), return_inverse=True)[1])


def test_test_units_lie_farther_from_training_under_blocks_than_at_random(build_targets):
    targets = build_targets(n=400)
    distances = {}
    for name in ("random", "block"):
        splits = make_splits(targets, Protocol(split=name, block_size_m=2500.0))
        nearest = [cdist(targets.xy[s.test], targets.xy[s.train]).min(axis=1).mean() for s in splits]
        distances[name] = np.mean(nearest)
    assert distances["block"] > 1.5 * distances["random"]


def test_groups_stay_whole(build_targets):
    groups = np.random.default_rng(0).integers(0, 9, size=200)
    for split in make_splits(build_targets(n=200, groups=groups), Protocol(split="group")):
        homes = [set(groups[side]) for side in _sides(split)]
        assert len(set.union(*homes)) == sum(map(len, homes))


def test_group_split_asks_for_groups(build_targets):
    with pytest.raises(BadInput, match=r"no group column.*--split block"):
        make_splits(build_targets(), Protocol(split="group"))
    with pytest.raises(BadInput, match=r"has 4 groups\. Expected at least 5"):
        make_splits(build_targets(groups=np.arange(120) % 4), Protocol(split="group"))


def test_too_few_units_or_blocks_are_refused(build_targets):
    with pytest.raises(BadInput, match="hold 4 units"):
        make_splits(build_targets(n=4), Protocol())
    with pytest.raises(BadInput, match="leaves a side empty"):
        make_splits(build_targets(), Protocol(split="block", block_size_m=1e9))


def test_splits_of_the_same_targets_are_made_once_however_often_they_are_read(build_targets, monkeypatch):
    made = []
    cut = make._cut
    monkeypatch.setattr(make, "_cut", lambda rung, seed: made.append(seed) or cut(rung, seed))
    monkeypatch.setattr(make, "_MADE", {})
    first = make_splits(build_targets(n=150), Protocol("block", seeds=(0, 1)))
    again = make_splits(build_targets(n=150), Protocol("block", "ridge", seeds=(0, 1)))
    assert made == [0, 1]
    assert all(one is other for one, other in zip(first, again, strict=True))
    changed = build_targets(n=150)
    make_splits(changed.with_values(changed.values + 1.0), Protocol("block", seeds=(0, 1)))
    make_splits(build_targets(n=150), Protocol("block", seeds=(0, 1), block_size_m=900.0))
    assert made == [0, 1] * 3
    for seed in range(make._MOST_KEPT + 3):
        make_splits(changed, Protocol("random", seeds=(seed,)))
    assert len(make._MADE) == make._MOST_KEPT
