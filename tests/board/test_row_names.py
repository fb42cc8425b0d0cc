"""What rows are called: settings are named, and two rows that differ never look the same."""

import csv
import io

import pytest

from urbanbench.board import render
from urbanbench.board.labels import row_label
from urbanbench.board.rows import read_rows
from urbanbench.board.trainings import joined


def labels_of(*results):
    rows = joined(read_rows(results))
    return sorted(row_label(row, rows) for row in rows)


def test_settings_are_named_though_nothing_stands_beside(make_result):
    result = make_result(
        "urbanmfm", preset="small", parameters={"pooling": "sum"}, settings={"pooling": "sum"}
    )
    for style in ("md", "html", "tex", "csv"):
        assert "urbanmfm (small, pooling=sum)" in render([result], format=style)


def test_a_row_without_settings_keeps_its_short_name_beside_one_with_them(make_result):
    plain = make_result("a", (0.1, 0.2), preset="small", parameters={"dim": 64}, settings={})
    changed = make_result("a", (0.3, 0.4), preset="small", parameters={"dim": 9}, settings={"dim": 9})
    assert labels_of(plain, changed) == ["a (small)", "a (small, dim=9)"]


def test_a_row_that_does_not_say_its_settings_is_told_from_all_of_its_preset(make_result):
    old = make_result("a", (0.1, 0.2), preset="small", parameters={"dim": 64})
    new = make_result("a", (0.3, 0.4), preset="small", parameters={"dim": 9}, settings={"dim": 9})
    assert labels_of(old, new) == ["a (small, dim=64)", "a (small, dim=9)"]


def test_presets_are_told_apart_by_their_names_alone(make_result):
    small = make_result("a", (0.1, 0.2), preset="small", parameters={"dim": 64, "depth": 1})
    paper = make_result("a", (0.3, 0.4), preset="paper", parameters={"dim": 512, "depth": 6})
    assert labels_of(small, paper) == ["a (paper)", "a (small)"]


def test_a_preset_that_changed_under_the_same_settings_is_told_apart(make_result):
    rows = [
        make_result("a", (0.1 * dim, 0.2), parameters={"dim": dim, "x": 1}, settings={"x": 1})
        for dim in (1, 2)
    ]
    assert labels_of(*rows) == ["a (x=1, dim=1)", "a (x=1, dim=2)"]


def test_a_row_of_an_older_model_is_told_by_its_version_and_not_by_what_changed_with_it(make_result):
    rows = [
        make_result("a", (0.1 * at, 0.2), preset="small", parameters=set_, settings={})
        | {"versions": {"model": at}}
        for at, set_ in ((1, {"epochs": 500, "wide": 1}), (2, {"steps": 9}), (2, {"steps": 10}))
    ]
    assert labels_of(*rows[:2]) == ["a (small)", "a (small, version 1)"]
    assert labels_of(*rows) == ["a (small, steps=10)", "a (small, steps=9)", "a (small, version 1)"]


def test_a_row_that_tells_no_version_is_told_by_what_is_set(make_result):
    old = make_result("a", (0.1, 0.2), parameters={"epochs": 500}, settings={})
    new = make_result("a", (0.3, 0.4), parameters={"epochs": 9}, settings={})
    assert labels_of(old | {"versions": {}}, new | {"versions": {"model": 2}}) == [
        "a (epochs=500)",
        "a (epochs=9)",
    ]


def test_long_values_that_begin_alike_are_told_apart_by_the_run(make_result):
    start = "the same forty signs and more at the start of both: "
    rows = [
        make_result("a", (0.1, 0.2), parameters={"words": start + end}, settings={"words": start + end})
        for end in "xy"
    ]
    found = labels_of(*rows)
    assert len(set(found)) == 2
    assert all("run=" in one and len(one) < 120 for one in found)


def test_the_seed_of_the_training_is_named_where_it_is_not_zero(make_result):
    assert labels_of(make_result("a", model_seed=3)) == ["a (model seed=3)"]


def test_lists_of_words_are_short(make_result):
    result = make_result("a", parameters={"stages": ["poi", "svi"]}, settings={"stages": ["poi", "svi"]})
    assert labels_of(result) == ["a (stages=poi+svi)"]


def test_refused_runs_with_other_settings_have_other_names(make_result):
    refused = {"status": "refused", "reason": "No layer."}
    rows = [make_result("a", parameters={"dim": dim}, settings={"dim": dim}, **refused) for dim in (1, 2)]
    for results in (rows, [*rows, make_result("b")]):
        text = render(results, format="md")
        assert "a (dim=1)" in text
        assert "a (dim=2)" in text


@pytest.mark.parametrize("style", ["tex", "html", "md"])
def test_floors_of_two_heads_in_one_table_keep_their_heads_in_every_format(make_result, style):
    results = [
        make_result("area", (0.1 * k, 0.2), used=["polygon"], floor=True, head=head)
        for k, head in enumerate(("mlp", "ridge"))
    ]
    text = render(results, format=style)
    assert "ridge" in text.replace("ranked: head ridge", "")
    assert "mlp" in text.replace("ranked: head mlp", "")


def test_csv_has_the_name_of_the_tables(make_result):
    result = make_result("a", parameters={"dim": 9}, settings={"dim": 9})
    (line, *_) = csv.DictReader(io.StringIO(render([result], format="csv")))
    assert line["label"] == "a (dim=9)"


def test_several_trainings_are_told_from_a_single_one_by_what_was_asked(make_result):
    rows = [
        make_result("a", (0.1 * seed, 0.2), preset="small", settings={}, inputs="full", model_seed=seed)
        for seed in (0, 1)
    ]
    again = make_result("a", (0.5, 0.6), preset="small", settings={}, inputs="poi,polygon")
    assert labels_of(*rows, again) == ["a (small, 2 trainings, inputs=full)", "a (small, inputs=poi,polygon)"]
    assert labels_of(*rows) == ["a (small, 2 trainings)"]
