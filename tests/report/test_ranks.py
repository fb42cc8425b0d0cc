"""Possible ranks, against a count by hand and against what is true."""

from __future__ import annotations

import numpy as np

from urbanbench.judging.families import holm
from urbanbench.judging.ranks import own_rank_intervals, rank_intervals


def test_a_row_has_as_many_ranks_as_rows_that_chance_does_not_separate_from_it():
    p = np.random.default_rng(3).uniform(size=(7, 7)) ** 4
    found = own_rank_intervals(p)
    for j in range(7):
        others = [i for i in range(7) if i != j]
        adjusted = holm(np.array([p[i, j] for i in others] + [p[j, i] for i in others]))
        above = sum(one < 0.05 for one in adjusted[:6])
        below = sum(one < 0.05 for one in adjusted[6:])
        assert found[j].tolist() == [1 + above, 7 - below]


def test_they_are_never_wider_than_those_that_hold_together():
    rng = np.random.default_rng(4)
    for _ in range(50):
        p = rng.uniform(size=(6, 6)) ** 5
        own, together = own_rank_intervals(p), rank_intervals(p)
        assert (own[:, 0] >= together[:, 0]).all()
        assert (own[:, 1] <= together[:, 1]).all()


def test_rows_far_apart_have_one_rank_each_and_equal_ones_all(make_rows):
    from urbanbench.report.ranks import possible_ranks

    noise = np.random.default_rng(0).normal(0, 0.001, size=(3, 10))
    apart = make_rows([0.2 + noise[0], 0.5 + noise[1], 0.8 + noise[2]])
    assert list(possible_ranks(apart).values()) == [(3, 3), (2, 2), (1, 1)]
    alike = make_rows([0.5 + 40 * noise[0], 0.5 + 40 * noise[1], 0.5 + 40 * noise[2]])
    assert set(possible_ranks(alike).values()) == {(1, 3)}


def test_rows_of_other_seeds_or_without_a_score_have_no_rank(make_rows):
    from urbanbench.report.ranks import possible_ranks

    rows = make_rows(
        [
            np.full(10, 0.2) + 0.01 * np.arange(10),
            np.linspace(0.5, 0.6, 10),
            np.linspace(0.4, 0.5, 4),
            [0.1] * 9 + [None],
        ]
    )
    assert set(possible_ranks(rows)) == {rows[0].run_id, rows[1].run_id}
    assert possible_ranks(rows[:1]) == {}


def test_the_best_row_can_be_the_best(make_rows):
    from urbanbench.report.ranks import possible_ranks

    values = np.random.default_rng(1).normal(0.5, 0.1, size=(12, 10))
    ranks = possible_ranks(make_rows(values))
    assert list(ranks.values())[int(values.mean(axis=1).argmax())][0] == 1
    assert all(low <= high for low, high in ranks.values())
