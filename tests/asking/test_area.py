"""The area split: blocks, their share, and the border between what is asked about and what may be learned from."""

import numpy as np
import pytest

from urbanbench.asking.area import BLOCK_M, BORDER_M, FEWEST_BLOCKS, TEST_SHARE, split_area


def scattered(n=2000, side=20_000.0):
    return np.random.default_rng(3).uniform(0, side, (n, 2))


def test_a_block_is_asked_about_whole_or_not_at_all():
    xy = scattered()
    split = split_area(xy)
    cell = np.floor(xy / BLOCK_M).astype(int)
    for one in np.unique(cell, axis=0):
        inside = (cell == one).all(axis=1)
        assert len(set(split.test[inside].tolist())) == 1
    assert split.side_m == BLOCK_M


def test_about_the_stated_share_of_the_pictures_is_asked_about():
    assert TEST_SHARE <= split_area(scattered()).test.mean() < TEST_SHARE + 0.05


def test_no_lesson_lies_nearer_than_the_border_to_a_picture_that_is_asked_about():
    xy = scattered(4000, 5000.0)
    split = split_area(xy)
    gaps = np.hypot(*(xy[split.lesson][:, None] - xy[split.test][None]).transpose(2, 0, 1))
    assert gaps.min() >= BORDER_M
    assert not (split.lesson & split.test).any()
    dropped = ~split.lesson & ~split.test
    assert dropped.any()
    near = np.hypot(*(xy[dropped][:, None] - xy[split.test][None]).transpose(2, 0, 1)).min(axis=1)
    assert (near < BORDER_M).all()


def test_small_cities_have_smaller_blocks_until_there_are_enough():
    split = split_area(scattered(300, 1500.0))
    assert split.side_m < BLOCK_M
    assert len(np.unique(split.block)) >= FEWEST_BLOCKS


def test_views_of_one_point_stay_together_whatever_the_order_of_the_pictures():
    xy = np.repeat(scattered(400, 6000.0), 3, axis=0)
    order = np.random.default_rng(0).permutation(len(xy))
    plain, shuffled = split_area(xy), split_area(xy[order])
    assert np.array_equal(plain.test[order], shuffled.test)
    assert np.array_equal(plain.test[::3], plain.test[1::3])


@pytest.mark.parametrize("task", ["geolocation", "image-retrieval", "perception", "spatial-grounding"])
def test_all_tasks_ask_about_the_same_blocks_and_learn_from_none_of_them(task, questions, toy, ground):
    exam = questions(task).exam
    views = toy.street_views.geometry
    test = {ground.view_ids[k] for k in np.flatnonzero(ground.split.test)}
    asked = {exam.pictures[item.image] for item in exam.items.values() if item.image}
    learned = {exam.pictures[one.anchor.image] for one in exam.lessons}
    assert asked <= test
    assert not learned & test
    gaps = views[sorted(learned)].union_all().distance(views[sorted(test)])
    assert gaps.min() >= BORDER_M
