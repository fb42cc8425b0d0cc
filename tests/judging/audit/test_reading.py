"""Tables of any form become the same lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.judging.audit.columns import parse_map
from urbanbench.judging.audit.printed import read_cell, read_number
from urbanbench.judging.audit.reading import read_table
from urbanbench.judging.audit.words import read_metric

LONG = """
city,task,Method,measure,value,std
Oslo,rent,A,RMSE,5.3,0.2
Oslo,rent,A,R2,0.64,0.04
Oslo,rent,B,RMSE,6.1,0.3
Oslo,rent,B,R2,0.52,0.05
"""
WIDE = """
Method,Oslo RMSE,Oslo RMSE std,Oslo R² ↑,Oslo R² (std)
A,5.3,0.2,0.64,0.04
B,6.1,0.3,0.52,0.05
"""
JOINED = """
Method;Oslo RMSE;Oslo R²
A;5,3 ± 0,2;0,64 ± 0,04
B;6,1 ± 0,3;0,52 ± 0,05
"""
MARKDOWN = """
| Method | Oslo RMSE | Oslo R^2 |
| --- | ---: | ---: |
| A | **5.3** (0.2) | $\\mathbf{0.64}_{\\pm 0.04}$ |
| B | 6.1 (0.3) | 0.52 +/- 0.05 |
"""
PERCENT = """
Method,Oslo RMSE,±,Oslo R2,±
A,5.3,0.2,64%,4%
B,6.1,0.3,52%,5%
"""
SIDEWAYS = """
Metric,A,B
RMSE,5.3 ± 0.2,6.1 ± 0.3
R2,0.64 ± 0.04,0.52 ± 0.05
"""


@pytest.mark.parametrize(
    "text",
    [LONG, WIDE, JOINED, MARKDOWN, PERCENT, SIDEWAYS],
    ids=["long", "wide", "joined", "markdown", "percent", "sideways"],
)
def test_every_form_gives_the_same_numbers(table_of, text):
    found = {line.model: line.measures for line in table_of(text).lines}
    assert set(found) == {"A", "B"}
    for model, rmse, rmse_sd, r2, r2_sd in (("A", 5.3, 0.2, 0.64, 0.04), ("B", 6.1, 0.3, 0.52, 0.05)):
        assert found[model]["rmse"].mean.value == pytest.approx(rmse)
        assert found[model]["rmse"].sd.value == pytest.approx(rmse_sd)
        assert found[model]["r2"].mean.value == pytest.approx(r2)
        assert found[model]["r2"].sd.value == pytest.approx(r2_sd)


@pytest.mark.parametrize(
    "text", [LONG, WIDE, JOINED, MARKDOWN, PERCENT], ids=["long", "wide", "joined", "markdown", "percent"]
)
def test_a_city_is_found_in_its_column_or_beside_the_metric(table_of, text):
    assert {line.city for line in table_of(text).lines} == {"Oslo"}


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("0.74", 0.74, 0.735, 0.745),
        (".7", 0.7, 0.65, 0.75),
        ("64,384", 64384, 64383.5, 64384.5),
        ("1,234.5", 1234.5, 1234.45, 1234.55),
        ("0,74", 0.74, 0.735, 0.745),
        ("-3", -3, -3.5, -2.5),
        ("\N{MINUS SIGN}0.2", -0.2, -0.25, -0.15),
        ("1.2e-3", 0.0012, 0.00115, 0.00125),
        ("0.740", 0.74, 0.7395, 0.7405),
    ],
)
def test_a_printed_number_stands_for_all_that_round_to_it(text, value, low, high):
    number = read_number(text)
    assert (number.value, number.low, number.high) == pytest.approx((value, low, high))


@pytest.mark.parametrize("text", ["", "-", "n/a", "OOM", "nan", "5.3 km", "—"])
def test_what_is_no_number_is_none(text):
    assert read_cell(text) is None


@pytest.mark.parametrize(
    ("text", "bold", "underlined"),
    [
        ("**0.5**", True, False),
        (r"\textbf{0.5}", True, False),
        (r"\underline{0.5}", False, True),
        ("<b>0.5 ± .1</b>", True, False),
        ("0.5", False, False),
    ],
)
def test_marks_of_best_and_second_are_seen(text, bold, underlined):
    cell = read_cell(text)
    assert (cell.number.value, cell.bold, cell.underlined) == (0.5, bold, underlined)


@pytest.mark.parametrize(
    ("text", "name", "rest", "sd"),
    [
        ("RMSE", "rmse", "", False),
        ("test RMSE (km)", "rmse", "", False),
        ("New York R²", "r2", "New York", False),
        ("R2_std", "r2", "", True),
        ("r2_log", "r2_log", "", False),
        ("Macro-F1", "f1_macro", "", False),
        ("F1 (weighted)", "f1_weighted", "", False),
        ("F1[Civic & Community]", "f1[Civic & Community]", "", False),
        ("Top-1 Acc", "accuracy", "", False),
    ],
)
def test_heads_are_read_by_their_words(text, name, rest, sd):
    found = read_metric(text)
    assert (found.name, found.rest, found.sd) == (name, rest, sd)


def test_words_inside_other_words_are_no_metrics():
    assert read_metric("formae") is None
    assert read_metric("Occupancy") is None


def test_shares_in_percent_come_to_one_scale_and_an_outlier_among_shares_does_not(table_of):
    percent = table_of("model,F1\nA,88.2\nB,70.1\nC,0.9")
    assert [line.measures["f1"].mean.value for line in percent.lines] == pytest.approx([0.882, 0.701, 0.009])
    shares = table_of("model,F1\nA,.88\nB,.70\nC,90.1")
    assert [line.measures["f1"].mean.value for line in shares.lines] == pytest.approx([0.88, 0.70, 90.1])


def test_a_label_in_percent_does_not_make_its_r2_one(table_of):
    table = table_of(
        "model,metric,mean,unit\nA,RMSE,12.1,percent\nA,R2,.45,percent\nB,RMSE,11.0,percent\nB,R2,.55,percent"
    )
    assert [line.measures["r2"].mean.value for line in table.lines] == [0.45, 0.55]
    table = table_of("model,metric,mean,unit\nA,F1,0.9,percent\nB,F1,1.2,percent\nC,F1,1.4,percent")
    assert [line.measures["f1"].mean.value for line in table.lines] == pytest.approx([0.009, 0.012, 0.014])


def test_repeats_stay_side_by_side_where_one_has_no_value(table_of):
    [line] = table_of("model,metric,mean,values\nA,R2,.5,.4 nan .6\nA,RMSE,2,1 2 3").lines
    assert [str(one) for one in line.measures["r2"].values] == ["0.4", "nan", "0.6"]
    assert line.measures["rmse"].values == (1, 2, 3)


def test_numbers_without_a_model_are_facts(table_of):
    table = table_of("city,model,metric,mean\nOslo,-,n_regions,300\nOslo,A,R2,.5")
    assert [(fact.name, fact.number.value) for fact in table.facts] == [("n_regions", 300)]
    assert [line.model for line in table.lines] == ["A"]


def test_a_column_without_a_known_word_tells_lines_apart_only_where_it_has_to(table_of):
    needed = table_of("model,metric,mean,trick\nA,R2,.5,with\nA,R2,.6,without")
    assert [line.setting for line in needed.lines] == ["with", "without"]
    idle = table_of("model,metric,mean,trick\nA,R2,.5,with\nA,RMSE,6,without")
    assert [(line.setting, sorted(line.measures)) for line in idle.lines] == [("", ["r2", "rmse"])]


def test_the_reader_says_what_it_took_for_what(table_of):
    told = dict(table_of(LONG + "Oslo,rent,C,R2,.1,.1").read)
    assert told == {
        "city": "city",
        "task": "task",
        "Method": "model",
        "measure": "metric",
        "value": "mean",
        "std": "spread (sd)",
    }


def test_a_map_mends_what_no_word_tells(table_of):
    table = table_of("wer,was,wieviel\nA,R2,.5\nB,R2,.6", said=["model=wer", "metric=was", "mean=wieviel"])
    assert [(line.model, line.measures["r2"].mean.value) for line in table.lines] == [("A", 0.5), ("B", 0.6)]
    table = table_of("wer,Fehler\nA,5.1\nB,5.2", said=["rmse=Fehler"])
    assert [line.measures["rmse"].mean.value for line in table.lines] == [5.1, 5.2]


def test_errors_say_the_columns_and_the_mend(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("who,what\nA,good\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"No column of numbers is known among who, what.*--map metric="):
        read_table(path, {})
    with pytest.raises(BadInput, match=r"'Nobody', which is not there. Columns: who, what"):
        read_table(path, parse_map(["model=Nobody"]))
    with pytest.raises(UnknownName, match="Did you mean 'model'"):
        parse_map(["modle=who"])
    with pytest.raises(BadInput, match="ROLE=COLUMN"):
        parse_map(["model"])
    with pytest.raises(DataMissing, match="Check the path"):
        read_table(tmp_path / "absent.csv", {})
    path.write_bytes(b"model,R2\nA,\xff\n")
    with pytest.raises(BadInput, match="UTF-8"):
        read_table(path, {})
    path.write_text("model,R2\n", encoding="utf-8")
    with pytest.raises(BadInput, match="1 rows"):
        read_table(path, {})
