import numpy as np
import pytest
from sklearn.model_selection import KFold

from urbanbench.errors import RunRefused
from urbanbench.parity.cuts import Folds, Shares, Shuffled


@pytest.mark.parametrize(("n", "count"), [(103, 10), (50, 5), (11, 10)])
def test_folds_are_those_of_scikit_learn_without_shuffling(make_targets, n, count):
    targets, _ = make_targets(n=n)
    folds = Folds(count).folds(targets, 0, "paper:x")
    for fold, (train, test) in zip(folds, KFold(count, shuffle=False).split(np.arange(n)), strict=True):
        assert np.array_equal(fold.train, train)
        assert np.array_equal(fold.test, test)
        assert len(fold.val) == 0


def test_fewer_units_than_folds_are_refused(make_targets):
    targets, _ = make_targets(n=9)
    with pytest.raises(RunRefused, match=r"cuts 10 folds\. The label has 9 units"):
        Folds(10).folds(targets, 0, "paper:x")


@pytest.mark.parametrize("n", [100, 103, 332])
def test_sizes_of_shares_are_those_of_the_released_code(make_targets, n):
    targets, _ = make_targets(n=n)
    [eighty] = Shares(8, 0, 10).folds(targets, 0, "paper:x")
    assert (len(eighty.train), len(eighty.val)) == (int(n * 0.8), 0)
    [tenths] = Shares(6, 2, 10, whole_parts=True).folds(targets, 0, "paper:x")
    assert (len(tenths.train), len(tenths.val)) == (n // 10 * 6, n // 10 * 8 - n // 10 * 6)
    for split in (eighty, tenths):
        assert sorted(np.concatenate([split.train, split.val, split.test])) == list(range(n))


def test_classes_are_cut_one_by_one(make_targets):
    targets, _ = make_targets("classification", n=331)
    [split] = Shares(6, 2, 10, by_class=True).folds(targets, 3, "paper:x")
    for name in targets.classes:
        n = int((targets.values == name).sum())
        got = [int((targets.values[rows] == name).sum()) for rows in (split.train, split.val, split.test)]
        assert got == [int(n / 10 * 6), int(n / 10 * 8) - int(n / 10 * 6), n - int(n / 10 * 8)]


def test_repeats_and_protocols_draw_apart_and_again_the_same(make_targets):
    targets, _ = make_targets()
    cut = Shares(8, 0, 10)
    tests = [
        tuple(cut.folds(targets, seed, name)[0].test)
        for seed, name in ((0, "a"), (1, "a"), (0, "b"), (0, "a"))
    ]
    assert len(set(tests)) == 3
    assert tests[0] == tests[3]


def test_an_empty_side_is_refused(make_targets):
    targets, _ = make_targets(n=9)
    with pytest.raises(RunRefused, match=r"leaves a side of its split empty \(0/0/9 of 9 units\)"):
        Shares(6, 2, 10, whole_parts=True).folds(targets, 0, "paper:x")


def test_a_shuffled_split_of_one_unit_is_refused(make_targets):
    targets, _ = make_targets(n=10)
    with pytest.raises(RunRefused, match="at least 2, got 1"):
        Shuffled(0.2).folds(targets.rows(np.array([3])), 0, "paper:x")
