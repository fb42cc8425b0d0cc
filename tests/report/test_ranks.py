"""Possible ranks, against a count by hand and against what is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from urbanbench.board.blocks import make_groups
from urbanbench.board.leading import leading
from urbanbench.board.marks import marks, ranked
from urbanbench.judging.families import holm
from urbanbench.judging.ranks import own_rank_intervals, rank_intervals
from urbanbench.report.ranks import possible_ranks
from urbanbench.report.verdicts import OPEN, TOGETHER, verdict_of


def test_each_end_counts_the_rows_that_chance_separates_on_its_side():
    p = np.random.default_rng(3).uniform(size=(7, 7)) ** 4
    found = own_rank_intervals(p)
    for j in range(7):
        others = [i for i in range(7) if i != j]
        above = sum(one < 0.05 for one in holm(np.array([p[i, j] for i in others])))
        below = sum(one < 0.05 for one in holm(np.array([p[j, i] for i in others])))
        assert found[j].tolist() == [1 + above, 7 - below]


def test_each_end_holds_for_its_row_as_often_as_it_says():
    """Ten independent draws for each of five rows of known order, judged by scipy's t test; the least lucky row is the one that counts."""
    rng, truth, rounds = np.random.default_rng(5), np.array([0.0, 0.0, 0.0, 0.5, 1.0]), 600
    lowest = np.array([1 + (truth > one).sum() for one in truth])
    highest = np.array([len(truth) - (truth < one).sum() for one in truth])
    missed = np.zeros((2, len(truth)))
    for _ in range(rounds):
        draws = truth[:, None] + rng.normal(size=(len(truth), 10))
        p = ttest_rel(draws[:, None, :], draws[None, :, :], axis=2, alternative="greater").pvalue
        np.fill_diagonal(p, 1.0)
        found = own_rank_intervals(p)
        missed += [found[:, 0] > highest, found[:, 1] < lowest]
    assert (missed / rounds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)).all()


def test_they_are_never_wider_than_those_that_hold_together():
    rng = np.random.default_rng(4)
    for _ in range(50):
        p = rng.uniform(size=(6, 6)) ** 5
        own, together = own_rank_intervals(p), rank_intervals(p)
        assert (own[:, 0] >= together[:, 0]).all()
        assert (own[:, 1] <= together[:, 1]).all()


def ranks_of(rows):
    return possible_ranks(rows, leading(rows, "r2"))


def test_rows_far_apart_have_one_rank_each_and_equal_ones_all(make_rows):
    noise = np.random.default_rng(0).normal(0, 0.001, size=(3, 10))
    apart = make_rows([0.2 + noise[0], 0.5 + noise[1], 0.8 + noise[2]])
    assert list(ranks_of(apart).values()) == [(3, 3), (2, 2), (1, 1)]
    alike = make_rows([0.5 + 40 * noise[0], 0.5 + 40 * noise[1], 0.5 + 40 * noise[2]])
    assert set(ranks_of(alike).values()) == {(1, 3)}


def test_rows_of_other_seeds_or_without_a_score_have_no_rank(make_rows):
    rows = make_rows(
        [
            np.full(10, 0.2) + 0.01 * np.arange(10),
            np.linspace(0.5, 0.6, 10),
            np.linspace(0.4, 0.5, 4),
            [0.1] * 9 + [None],
        ]
    )
    assert set(ranks_of(rows)) == {rows[0].run_id, rows[1].run_id}
    assert ranks_of(rows[:1]) == {}
    assert ranks_of([]) == {}


def test_bold_rows_and_no_others_may_be_first_and_the_best_row_has_as_many_ranks_as_are_bold(make_rows):
    """Over many tables, some of which have a single bold row; the bold set and the ranks never contradict each other."""
    alone = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        means, spreads = rng.uniform(0.3, 0.6, size=(5, 1)), rng.uniform(0.01, 0.12, size=(5, 1))
        rows = make_rows(means + spreads * rng.normal(size=(5, 10)))
        bold = leading(rows, "r2")
        ranks = possible_ranks(rows, bold)
        assert {run for run, (low, _) in ranks.items() if low == 1} == set(bold)
        assert all(low <= high for low, high in ranks.values())
        [best] = [run for run, mark in bold.items() if mark == "best"]
        assert ranks[best] == (1, len(bold))
        alone += len(bold) == 1
    assert 5 < alone < 55


def _of_kind(row, kind):
    stages = ({"name": "poi", "converged": True},) if kind == "learned" else ()
    return replace(row, model={**row.model, "floor": kind == "floor"}, training=stages)


def verdict_on(rows):
    [group] = make_groups(rows)
    [block] = group.blocks
    bold = marks(block, "r2")
    return verdict_of(block, bold, possible_ranks(ranked(block), bold), rows.index)


def test_a_verdict_calls_a_row_separable_only_where_it_has_one_rank(make_rows):
    noise = np.random.default_rng(0).normal(0, 0.001, size=(3, 10))
    told = verdict_on(make_rows([0.2 + noise[0], 0.8 + noise[1], 0.5 + noise[2]]))
    assert "It is separable from every other of the 3 rows." in told["words"]
    assert told["leader"] == 1
    assert told["word"] != OPEN


def test_a_verdict_on_rows_of_one_seed_does_not_tell_what_chance_does(make_rows):
    told = verdict_on(make_rows([[0.2], [0.8], [0.5]]))
    assert "separable" not in told["words"]
    assert "too few seeds" in told["words"]
    assert told["word"] == OPEN


def test_a_verdict_counts_the_rows_that_were_judged(make_rows):
    noise = np.random.default_rng(0).normal(0, 0.001, size=(2, 10))
    told = verdict_on(make_rows([0.2 + noise[0], 0.8 + noise[1], [0.1] * 9 + [None]]))
    assert "every other of the 2 rows that are judged together, of 3." in told["words"]


def test_a_verdict_names_no_row_of_an_older_question(make_rows):
    noise = np.random.default_rng(0).normal(0, 0.001, size=(3, 10))
    rows = make_rows([0.2 + noise[0], 0.8 + noise[1], 0.9 + noise[2]])
    asked = [
        replace(_of_kind(row, "learned"), versions={"head": 1 if k == 2 else 2}) for k, row in enumerate(rows)
    ]
    told = verdict_on(asked)
    assert (told["leader"], told["learned"], told["set"]) == (1, 1, [1])
    assert "every other of the 2 rows." in told["words"]


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ("floor learned", "floors"),
        ("frozen learned", "frozen"),
        ("learned frozen", "learned"),
    ],
)
def test_a_verdict_tells_frozen_rows_from_learned_ones(make_rows, kinds, word):
    noise = np.random.default_rng(0).normal(0, 0.001, size=(2, 10))
    rows = make_rows([0.8 + noise[0], 0.2 + noise[1]])
    told = verdict_on([_of_kind(row, kind) for row, kind in zip(rows, kinds.split(), strict=True)])
    assert told["word"] == word
    assert told[kinds.split()[0]] == told["leader"] == 0
    assert told[kinds.split()[1]] == 1


def test_rows_of_two_kinds_that_chance_does_not_separate_stand_together(make_rows):
    noise = np.random.default_rng(0).normal(0, 0.1, size=(2, 10))
    rows = make_rows(0.5 + noise)
    told = verdict_on([_of_kind(rows[0], "learned"), _of_kind(rows[1], "frozen")])
    assert told["word"] == TOGETHER
