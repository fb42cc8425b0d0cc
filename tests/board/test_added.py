"""What models add to a floor, in every format of a board."""

from __future__ import annotations

import csv
import io

import pytest

from urbanbench.board import render
from urbanbench.board.rows import read_rows
from urbanbench.errors import BadInput

FLOOR, BOTH, SECOND = (0.50, 0.60, 0.70), (0.54, 0.65, 0.69), (0.56, 0.66, 0.76)


def fused(result, both=BOTH, floor=FLOOR, second=SECOND, status="ok", error_type="", chosen=("a", "b", "a")):
    """The result of a model beside a floor."""
    errors = [[2 - one for one in values] for values in (both, floor, second)]
    gains = [one - other for one, other in zip(both, floor, strict=True)]
    adds = {
        "floors": ["a", "b"],
        "chosen": list(chosen),
        "floor_scores": {"r2": list(floor), "rmse": errors[1]},
        "gain": {"r2": gains, "rmse": gains},
        "second_scores": {"r2": list(second), "rmse": errors[2]},
        "second": ["b", "a", "b"],
    }
    return {
        **result,
        "run_id": f"{result['run_id']}-beside",
        "spec": {**result["spec"], "beside": "best-floor"},
        "status": status,
        "reason": "" if status == "ok" else "Why.",
        "error_type": error_type,
        "scores": {"r2": list(both), "rmse": errors[0]} if status == "ok" else {},
        "adds": adds if status == "ok" else {},
    }


@pytest.fixture
def model(make_result):
    """A learned row."""
    return make_result("m")


@pytest.fixture
def floor(make_result):
    """A floor's row."""
    return make_result("poi-counts", floor=True)


def cells_of(text, name):
    """Return a Markdown table's cells of a row by the titles of the columns."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = next(line for line in lines if "| adds" in line or " adds |" in line)
    row = next(line for line in lines if line.startswith(f"| {name}"))
    return dict(zip(*([cell.strip() for cell in line.split("|")] for line in (heads, row)), strict=True))


def test_the_column_says_gain_spread_and_on_how_many_seeds(model, floor):
    text = render([model, floor, fused(model)], format="md")
    assert cells_of(text, "m ")["adds"] == "+0.027 ± 0.032 (2 of 3)"
    assert cells_of(text, "poi-counts")["adds"] == ""
    assert "adds to a 2x, b 1x, to which a second floor adds +0.060 ± 0" in text
    assert "- adds: how much better the model and the best floor" in text


def test_results_beside_a_floor_are_no_rows_of_their_own(model, floor):
    [row] = [one for one in read_rows([model, floor, fused(model)]) if not one.floor]
    assert row.run_id == model["run_id"]
    assert read_rows([fused(model)]) == []


@pytest.mark.parametrize("style", ["md", "html", "tex", "csv"])
def test_boards_without_such_results_do_not_speak_of_them(model, floor, style):
    text = render([model, floor], format=style)
    assert "adds" not in (text.partition("\n")[2] if style == "csv" else text)


@pytest.mark.parametrize(
    ("style", "shown"), [("html", "+0.027 ± 0.032 (2 of 3)"), ("tex", "+0.027 $\\pm$ 0.032 (2 of 3)")]
)
def test_pages_and_papers_have_it_too(model, floor, style, shown):
    assert shown in render([model, floor, fused(model)], format=style)


def test_where_there_is_no_floor_or_no_run_it_says_so(model, floor, make_result):
    other = make_result("n", parameters={"x": 1})
    results = [
        model, other, floor,
        fused(model, status="refused", error_type="NoFloor"), fused(other, status="failed", error_type="ValueError"),
    ]  # fmt: skip
    text = render(results, format="md")
    assert cells_of(text, "m ")["adds"] == "no floor"
    assert cells_of(text, "n ")["adds"] == "failed"


def test_the_csv_has_all_digits_for_every_metric(model, floor):
    lines = list(csv.DictReader(io.StringIO(render([model, floor, fused(model)], format="csv"))))
    told = {one["metric"]: one for one in lines if one["model"] == "m"}
    assert float(told["r2"]["adds_mean"]) == pytest.approx(0.08 / 3)
    assert (told["rmse"]["adds_gained"], told["rmse"]["adds_of"]) == ("2", "3")
    assert float(told["rmse"]["second_floor_adds_mean"]) == pytest.approx(0.06)
    assert float(told["rmse"]["adds_floor_mean"]) == pytest.approx(1.4)
    assert told["mae"]["adds_mean"] == ""
    assert len(told["r2"]["adds_values"].split()) == 3


def test_gains_of_several_trainings_are_joined_like_scores(make_result, floor):
    rows = [make_result("m", model_seed=seed) for seed in (0, 1)]
    other = tuple(value + 0.02 for value in BOTH)
    text = render([*rows, floor, fused(rows[0]), fused(rows[1], both=other)], format="md")
    assert cells_of(text, "m ")["adds"] == "+0.037 ± 0.032 ± 0.014 (5 of 6)"


def test_what_floors_say_has_no_spread_over_trainings(make_result, floor):
    rows = [make_result("m", model_seed=seed) for seed in (0, 1)]
    other = tuple(value + 0.02 for value in BOTH)
    second = (0.56, 0.66, 0.78)
    results = [*rows, floor, fused(rows[0], second=second), fused(rows[1], both=other, second=second)]
    notes = cells_of(render(results, format="md"), "m ")["notes"]
    assert notes.endswith("to which a second floor adds +0.067 ± 0.012")
    told = list(csv.DictReader(io.StringIO(render(results, format="csv"))))
    [joint] = [one for one in told if one["model_seed"] == "0 1" and one["metric"] == "r2"]
    assert float(joint["adds_floor_mean"]) == pytest.approx(0.6)


def test_gains_of_some_trainings_only_are_told_as_such(make_result, floor):
    rows = [make_result("m", model_seed=seed) for seed in (0, 1, 2)]
    results = [*rows, floor, fused(rows[0]), fused(rows[2])]
    row = cells_of(render(results, format="md"), "m ")
    assert row["adds"].endswith("(4 of 6)")
    assert row["notes"].endswith("(known of 2 of 3 trainings)")
    assert "(known of 1 of 3 trainings)" in render(results[:-1], format="md")
    assert "known of" not in render([*results, fused(rows[1])], format="md")


def test_an_own_gain_stands_with_the_reference_row_it_repeats(model, floor):
    own = [{**model, "own": True}, {**fused(model), "own": True}]
    text = render([model, floor, *own], format="md")
    assert cells_of(text, "m ")["adds"].startswith("+0.027")
    both = render([model, floor, fused(model, both=(0.9, 0.9, 0.9)), *own], format="md")
    assert cells_of(both, "m ")["adds"].startswith("+0.30")


def other(result, **provenance):
    """An own run of a result's cell that came out otherwise."""
    scores = {metric: [one - 0.2 for one in values] for metric, values in result["scores"].items()}
    made = {**result["provenance"], "embedding_digest": "other vectors", **provenance}
    return {**result, "own": True, "scores": scores, "provenance": made}


def gains_of(results):
    """Return what a model's rows gain, by whether they are own runs."""
    rows = [one for one in read_rows(results) if one.name == "m"]
    return {one.own: one.added.gain_text("r2")[:5] if one.added else None for one in rows}


def test_an_own_row_that_came_out_otherwise_and_its_reference_row_have_their_own_gains_alone(model):
    ours, theirs = other(model), fused(model)
    assert gains_of([model, theirs, ours]) == {False: "+0.02", True: None}
    mine = fused(ours, both=(0.9, 0.9, 0.9))
    assert gains_of([model, ours, mine]) == {False: None, True: "+0.30"}
    assert gains_of([model, theirs, ours, mine]) == {False: "+0.02", True: "+0.30"}


def test_a_row_of_the_same_vectors_has_the_gain_whoever_made_it(model):
    known = {**model, "provenance": {**model["provenance"], "embedding_digest": "v"}}
    assert gains_of([{**known, "own": True}, fused(known)]) == {True: "+0.02"}


@pytest.mark.parametrize(
    "change",
    [
        {"versions": {"model": 2, "task": 1}},
        {"versions": {"model": 1, "task": 2}},
        {"provenance": {"targets_digest": "others"}},
        {"provenance": {"view_key": "others"}},
    ],
)
def test_a_gain_of_another_version_or_of_other_data_is_nobodys(model, change):
    made = {"versions": {"model": 1, "task": 1}, "provenance": {"targets_digest": "t", "view_key": "v"}}
    row = {**model, **made}
    changed = {**row, **{part: {**row[part], **told} for part, told in change.items()}}
    assert gains_of([row, fused(row)]) == {False: "+0.02"}
    assert gains_of([row, fused(changed)]) == {False: None}
    silent = {**fused(row), "versions": {}, "provenance": {}}
    assert gains_of([row, silent]) == {False: "+0.02"}


def test_damaged_gains_are_refused_by_name(model):
    broken = fused(model)
    broken["adds"]["gain"]["r2"] = "much"
    with pytest.raises(BadInput, match="gain"):
        read_rows([model, broken])


def test_a_gain_stays_where_the_same_row_was_run_under_two_input_settings(make_result, floor):
    whole, unified = make_result("m", inputs="full"), make_result("m", inputs="poi,polygon")
    for pair in ([whole, unified], [unified, whole]):
        text = render([*pair, floor, fused(whole)], format="md")
        assert cells_of(text, "m ")["adds"].startswith("+0.027")
