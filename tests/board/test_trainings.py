"""Rows that differ in the seed of their training only, as one row."""

from __future__ import annotations

import csv
import io
from statistics import fmean, stdev

import pytest

from urbanbench.board import render
from urbanbench.board.blocks import make_groups
from urbanbench.board.costs import costs_of
from urbanbench.board.numbers import Score
from urbanbench.board.rows import read_rows
from urbanbench.board.trainings import joined

VALUES = ((0.40, 0.50, 0.60), (0.46, 0.50, 0.72), (0.50, 0.50, 0.50))


@pytest.fixture
def trainings(make_result):
    """Three trainings of one model."""
    return [
        make_result("m", values, model_seed=seed, preset="small", settings={})
        for seed, values in enumerate(VALUES)
    ]


def models(results, **words):
    [group] = make_groups(read_rows(results), **words)
    return [row for block in group.blocks for row in block.models]


def test_the_two_spreads_are_what_they_are_said_to_be():
    score = Score.over([Score(values) for values in VALUES])
    assert score.values == tuple(fmean(column) for column in zip(*VALUES, strict=True))
    assert score.mean == pytest.approx(fmean(map(fmean, VALUES)))
    assert score.std == pytest.approx(fmean(map(stdev, VALUES)))
    assert score.between == pytest.approx(stdev(map(fmean, VALUES)))
    assert score.text == "0.520 ± 0.080 ± 0.035"


def test_trainings_that_agree_scatter_over_splits_as_one_of_them_does():
    one = Score(VALUES[0])
    both = Score.over([one, one])
    assert (both.mean, both.std, both.between) == pytest.approx((one.mean, one.std, 0.0))
    assert both.text == f"{one.text} ± 0"


def test_one_repeat_leaves_the_spread_over_trainings_and_says_which_it_is():
    assert Score.over([Score((0.4,)), Score((0.5,))]).text == "0.450 ± 0.071 (trainings)"


def test_a_seed_that_one_training_lacks_has_no_value():
    score = Score.over([Score((0.4, None)), Score((0.5, 0.7))])
    assert score.values == (pytest.approx(0.45), None)
    assert not score.whole


def test_three_trainings_are_one_row_and_each_on_request(trainings, make_result):
    floor = make_result("poi-counts", floor=True)
    [row] = models([*trainings, floor])
    assert len(row.trainings) == 3
    assert row.main == pytest.approx(0.52)
    assert len(models([*trainings, floor], each_training=True)) == 3


def test_the_joined_row_costs_what_its_first_training_does(trainings):
    for one in trainings:
        one["training"] = [{"stage": "poi", "seconds": 0.9 * one["cost"]["embed_seconds"]}]
    [row] = models(trainings)
    assert len(row.training) == 3
    assert costs_of(row) == costs_of(row.trainings[0])
    assert costs_of(row).complete


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": {"dim": 3}},
        {"inputs": "poi", "used": ("poi",)},
        {"head": "ridge"},
        {"preset": "paper"},
        {"seeds": (0, 1, 7)},
        {"targets_digest": "x" * 16},
        {"split_digest": "x" * 16},
        {"view_key": "x" * 16},
    ],
)
def test_rows_that_differ_in_anything_else_stay_apart(trainings, make_result, other):
    rows = read_rows(
        [*trainings[:2], make_result("m", model_seed=2, **{"preset": "small", "settings": {}, **other})]
    )
    assert sorted(len(row.trainings) for row in joined(rows)) == [0, 2]


def test_other_versions_stand_ins_and_own_runs_stay_apart(trainings):
    trainings[1]["versions"] = {"model": 2}
    trainings[2]["model"]["variant"] = {"text": "hashing"}
    assert [len(row.trainings) for row in joined(read_rows(trainings))] == [0, 0, 0]
    again = [
        trainings[0],
        {**trainings[0], "own": True, "run_id": "y", "spec": {**trainings[0]["spec"], "model_seed": 9}},
    ]
    assert [len(row.trainings) for row in joined(read_rows(again))] == [0, 0]


def test_floors_and_runs_without_scores_are_not_joined(make_result):
    floors = [make_result("random", floor=True, model_seed=seed) for seed in (0, 1)]
    failed = [make_result("m", status="failed", reason="No.", model_seed=seed) for seed in (0, 1)]
    assert [row.trainings for row in joined(read_rows([*floors, *failed]))] == [()] * 4


@pytest.mark.parametrize("style", ["md", "html", "tex"])
def test_every_format_says_how_many_and_both_spreads_and_how_to_read_them(trainings, make_result, style):
    text = render([*trainings, make_result("poi-counts", floor=True)], format=style)
    plus = "$\\pm$" if style == "tex" else "±"
    assert "m (small, 3 trainings)" in text
    assert f"0.520 {plus} 0.080 {plus} 0.035" in text
    assert "model seed=" not in text
    assert "spread over trainings" in text
    each = render(trainings, format=style, each_training=True)
    assert "m (small, model seed=2)" in each
    assert "trainings" not in each


def test_one_training_is_told_as_before(trainings):
    text = render(trainings[:1], format="md")
    assert "| m (small) " in text
    assert "trainings" not in text


def test_the_csv_has_single_trainings_and_the_joined_row(trainings):
    lines = list(csv.DictReader(io.StringIO(render(trainings, format="csv"))))
    told = [
        (one["model_seed"], one["trainings"], round(float(one["mean"]), 3))
        for one in lines
        if one["metric"] == "r2"
    ]
    assert sorted(told) == [("0", "1", 0.5), ("0 1 2", "3", 0.52), ("1", "1", 0.56), ("2", "1", 0.5)]
    [joint] = [one for one in lines if one["metric"] == "r2" and one["trainings"] == "3"]
    assert float(joint["std"]) == pytest.approx(fmean(map(stdev, VALUES)))
    assert float(joint["std_trainings"]) == pytest.approx(stdev(map(fmean, VALUES)))
    assert joint["label"] == "m (small, 3 trainings)"
    assert joint["table_inputs"] == "poi,polygon"


def test_the_joined_row_is_held_against_floors(trainings, make_result):
    text = render([*trainings, make_result("poi-counts", (0.7, 0.8, 0.9), floor=True)], format="md")
    assert "m (small, 3 trainings) ▼" in text


def test_trainings_are_found_together_where_one_was_run_under_two_input_settings(make_result):
    whole = [make_result("m", (0.5 + k / 10,) * 3, inputs="full", model_seed=k) for k in range(3)]
    again = make_result("m", (0.5,) * 3, inputs="poi,polygon")
    for results in ([*whole, again], [again, *whole]):
        ((block,),) = [group.blocks for group in make_groups(read_rows(results))]
        assert [len(row.trainings) for row in block.models] == [3]
