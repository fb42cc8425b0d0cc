"""Candidate sets: who may be a wrong candidate, how many are hard, and what a draw depends on."""

import numpy as np
import pytest
from tests.scoring.asked import asked

from urbanbench.errors import BadInput
from urbanbench.scoring.retrieval.sets import draw_sets
from urbanbench.scoring.retrieval.shuffling import shuffled

SEEDS = (0, 1, 2)


def far_of(questions, row, other):
    return float(np.hypot(*(questions.candidate_xy[other] - questions.query_xy[row])))


def test_a_set_has_the_right_candidate_once_and_nobody_twice():
    questions = asked(150)
    for sets in draw_sets(questions, SEEDS):
        assert sets.rows.shape == (3, 150, sets.size)
        for drawn in sets.rows:
            assert (drawn[:, 0] == questions.positive_rows[sets.queries]).all()
            assert all(len(set(row.tolist())) == sets.size for row in drawn)


def test_half_of_a_set_is_near_the_right_place_or_like_it_and_the_rest_is_neither():
    likeness = tuple("ab"[k % 2] for k in range(200))
    questions = asked(200, side=20_000.0, likeness=likeness)
    small, large = draw_sets(questions, SEEDS)
    for sets, half in ((small, 10), (large, 50)):
        assert (sets.hard == half).all()
        for row, drawn in enumerate(sets.rows[1]):
            right = drawn[0]
            hard = [
                far_of(questions, row, one) <= 500 or likeness[one] == likeness[right] for one in drawn[1:]
            ]
            assert hard == [True] * half + [False] * (sets.size - 1 - half)


def test_random_ones_fill_up_where_few_are_hard_and_hard_ones_where_few_are_not():
    lonely = asked(60, side=1e7)
    [small] = draw_sets(lonely, SEEDS)
    assert (small.hard == 0).all()
    assert (small.counts == 20).all()
    crowd = asked(60, side=100.0)
    [small] = draw_sets(crowd, SEEDS)
    assert (small.hard == 19).all()


def test_a_candidate_that_is_right_as_well_is_never_drawn():
    answers = tuple(f"street {k // 3}" for k in range(120))
    questions = asked(120, answers=answers, also_right={"q00000": frozenset({"c00050"})})
    for sets in draw_sets(questions, SEEDS):
        for drawn in sets.rows:
            for row in drawn:
                same = [one for one in row[1:].tolist() if answers[one] == answers[row[0]]]
                assert same == []
        first = sets.rows[:, 0].ravel().tolist()
        assert not {48, 49, 50} & set(first)  # named, and those of the same answer


def test_candidates_that_show_the_same_are_the_same_answer_whatever_they_are_called():
    from dataclasses import replace

    from urbanbench.items import Item

    questions = asked(30, answers=tuple(f"answer {k}" for k in range(30)))
    items = dict(questions.exam.items) | {"c00007": Item(text="answer c00000")}
    twins = replace(questions, exam=replace(questions.exam, items=items))
    [sets] = draw_sets(twins, SEEDS)
    assert 7 not in sets.rows[:, 0].ravel()
    assert 0 not in sets.rows[:, 7, 1:].ravel()


def test_a_query_chooses_from_the_group_of_its_right_candidate_alone():
    groups = tuple("colours" if k < 6 else "shapes" for k in range(60))
    questions = asked(60, groups=groups)
    [small] = draw_sets(questions, SEEDS)
    assert small.counts.tolist() == [6] * 6 + [20] * 54
    for drawn in small.rows:
        for row in drawn:
            assert len({groups[one] for one in row[row >= 0].tolist()}) == 1


def test_a_size_that_no_query_has_candidates_for_is_left_out_and_some_queries_may_lack_it():
    assert [sets.size for sets in draw_sets(asked(99), SEEDS)] == [20]
    groups = tuple("few" if k < 40 else "many" for k in range(160))
    small, large = draw_sets(asked(160, groups=groups), SEEDS)
    assert small.queries.tolist() == list(range(160))
    assert large.queries.tolist() == list(range(40, 160))


def test_a_query_without_any_wrong_candidate_is_refused_by_its_name():
    with pytest.raises(BadInput, match="Query 'q00000' has no wrong candidate"):
        draw_sets(asked(2, answers=("yes", "yes")), SEEDS)


def test_a_draw_depends_on_the_seed_the_query_and_its_pool_alone():
    whole, some = asked(150), asked(150)
    fewer = type(some)(
        some.exam, some.queries[:40], some.positive[:40], some.pool, query_xy=some.query_xy[:40], candidate_xy=some.candidate_xy
    )  # fmt: skip
    for all_of, part in zip(draw_sets(whole, SEEDS), draw_sets(fewer, (2, 0)), strict=True):
        assert (part.rows[0] == all_of.rows[2, :40]).all()
        assert (part.rows[1] == all_of.rows[0, :40]).all()
        assert (all_of.rows[0] != all_of.rows[1]).any(axis=1).all()


def test_every_wrong_candidate_is_drawn_as_often_as_any_other():
    questions = asked(1, pool=60, side=1e7)
    [small] = draw_sets(questions, range(3000))
    counts = np.bincount(small.rows[:, 0, 1:].ravel(), minlength=60)[1:]
    expected = 3000 * 19 / 59
    assert counts.sum() == 3000 * 19
    assert (
        (counts - expected) ** 2 / expected
    ).sum() < 90  # chi-squared with 58 degrees: 90 is passed once in 220


def test_places_of_a_shuffled_list_are_a_permutation():
    for length in (2, 3, 7, 64, 65, 1000):
        places = np.arange(length)
        found = shuffled(
            places, np.full(length, length), np.full((4, length), [[1], [2], [3], [4]], dtype=np.uint64)
        )
        assert all(sorted(row.tolist()) == places.tolist() for row in found)
        assert len({tuple(row.tolist()) for row in found}) > 1
