"""The long CSV."""

import csv
import io
import json

import numpy as np
import pytest

from urbanbench.board import render


def lines_of(results, **options):
    return list(csv.DictReader(io.StringIO(render(results, format="csv", **options))))


def test_every_result_and_metric_has_a_line_with_full_numbers(make_result):
    values = np.random.default_rng(0).random(5)
    lines = lines_of([make_result("a", values, preset="small", parameters={"dim": 8})])
    assert [line["metric"] for line in lines] == ["rmse", "mae", "r2", "r2_log"]
    line = lines[2]
    assert float(line["mean"]) == pytest.approx(values.mean(), rel=1e-12)
    assert float(line["std"]) == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert [float(one) for one in line["values"].split()] == list(values)
    assert (line["seeds"], line["n_seeds"], line["preset"], json.loads(line["parameters"])) == (
        "0 1 2 3 4",
        "5",
        "small",
        {"dim": 8},
    )


def test_dimensions_and_how_many_are_filled_are_columns(make_result):
    result = make_result("a", (0.1, 0.2))
    result["model"]["effective_rank"] = 7.83
    assert (lines_of([result])[0]["dim"], lines_of([result])[0]["effective_rank"]) == ("16", "7.83")
    assert lines_of([make_result("b", (0.1, 0.2))])[0]["effective_rank"] == ""


def test_marks_and_flags_are_columns(make_result):
    results = [
        make_result("a", (0.6, 0.6)),
        make_result("b", (0.4, 0.4)),
        make_result("tfidf", (0.5, 0.5), floor=True),
    ]
    lines = {line["model"]: line for line in lines_of(results, metrics=["r2"])}
    assert {name: (line["mark"], line["below_floor"], line["kind"]) for name, line in lines.items()} == {
        "a": ("best", "", "model"),
        "b": ("", "tfidf (mlp)", "model"),
        "tfidf": ("", "", "floor"),
    }


def test_refused_runs_have_one_line_with_the_whole_reason(make_result):
    (line,) = lines_of([make_result("a", status="refused", reason="First. Second.")])
    assert (line["status"], line["reason"], line["metric"], line["mean"]) == (
        "refused",
        "First. Second.",
        "",
        "",
    )


def test_text_that_a_spreadsheet_would_run_is_quoted_and_numbers_are_not(make_result):
    (line,) = lines_of([make_result("=cmd()", (-0.5, -0.25), city="+a")], metrics=["r2"])
    assert (line["model"], line["city"], line["values"], line["mean"]) == (
        "'=cmd()",
        "'+a",
        "-0.5 -0.25",
        "-0.375",
    )


def test_published_numbers_have_columns_of_their_own(make_result):
    lines = lines_of([make_result("urbanmfm")], published=True, metrics=["r2"])
    ours = [line for line in lines if line["kind"] != "published"]
    paper = [line for line in lines if line["kind"] == "published"]
    assert [(line["published_mean"], line["published_std"], line["published_setting"]) for line in ours] == [
        ("0.67", "0.02", "unified")
    ]
    assert paper
    assert all(line["mean"] == "" and line["mark"] == "" and line["published_mean"] for line in paper)
    assert "published_mean" not in lines_of([make_result("urbanmfm")])[0]


def test_what_is_listed_of_ugbench_is_told_once_under_its_own_cities(make_result):
    results = [
        make_result(
            "uge", task="geolocation", kind="retrieval", split=split, head="cosine", city=city, unit=""
        )
        for split in ("area", "random")
        for city in ("toyville", "shenzhen")
    ]
    paper = [line for line in lines_of(results, published=True) if line["kind"] == "published"]
    told = ("city", "task", "model", "metric", "mean", "published_mean")
    assert [tuple(line[name] for name in told) for line in paper] == [
        ("new_york", "geolocation", "not known", "hit@5", "", "0.5885")
    ]
