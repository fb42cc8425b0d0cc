"""Models beside tasks in one table: a cell a row and task, marks of each column, rows by mean rank."""

import re

import pytest

from urbanbench.board import render
from urbanbench.errors import BadInput
from urbanbench.terminal import Screen


@pytest.fixture
def results(make_result):
    made = []
    for task, kind, scores in (
        ("popdensity", "regression", {"hgi": (0.5, 0.6), "cityfm": (0.2, 0.3), "tfidf": (0.8, 0.9)}),
        ("income", "regression", {"hgi": (0.4, 0.5), "cityfm": (0.1, 0.1), "tfidf": (0.3, 0.2)}),
    ):
        for name, values in scores.items():
            floor = name == "tfidf"
            made.append(make_result(name, values, task=task, kind=kind, floor=floor, used=["poi"]))
    made.append(make_result("only-here", (0.7, 0.7), task="income", used=["poi"]))
    return made


def table_of(text):
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return rows[0], {row[0].split(" (")[0]: row for row in rows[1:]}


def test_every_task_is_a_column_with_its_metric(results):
    head, rows = table_of(render(results, format="md", pivot=True))
    assert head == ["model", "kind", "income, R² ↑", "popdensity, R² ↑"]
    assert rows["hgi"][2:] == ["0.450 ± 0.071 ▼", "0.550 ± 0.071 ▼"] or "0.550 ± 0.071" in rows["hgi"][3]
    assert rows["only-here"][3] == ""


def test_marks_are_of_each_column(results):
    _, rows = table_of(render(results, format="md", pivot=True))
    assert "<ins>" in rows["tfidf"][3]
    assert "<ins>" not in rows["tfidf"][2]
    assert "▼" in rows["hgi"][3]
    assert "▼" not in rows["hgi"][2]


def test_rows_stand_by_their_mean_rank(results):
    _, rows = table_of(render(results, format="md", pivot=True))
    # shares of rows above: tfidf 0 and 2/3, hgi 1/2 and 1/3, cityfm 1 and 1, only-here 0
    assert list(rows) == ["only-here", "tfidf", "hgi", "cityfm"]


def test_splits_and_cities_have_tables_of_their_own(results, make_result):
    more = [make_result("hgi", (0.1, 0.2), split="block", used=["poi"]), make_result("hgi", city="helsinki")]
    text = render([*results, *more], format="md", pivot=True)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "helsinki · random",
        "singapore · random",
        "singapore · block",
    ]


@pytest.mark.parametrize("style", ["text", "tex", "html"])
def test_other_formats_have_it_too(results, style):
    text = render(results, format=style, pivot=True, screen=Screen(100))
    assert all(word in text for word in ("hgi", "cityfm", "popdensity", "income"))


def test_a_csv_has_a_line_for_every_row_anyway(results):
    with pytest.raises(BadInput, match="--pivot got the format csv"):
        render(results, format="csv", pivot=True)


def test_rows_of_an_older_question_are_left_out(results, make_result):
    asked = [one | {"versions": {"head": 2}} for one in results]
    old = make_result("old", (0.95, 0.95), used=["poi"]) | {"versions": {"head": 1}}
    whole, more = (table_of(render(some, format="md", pivot=True)) for some in (asked, [*asked, old]))
    assert more == whole
