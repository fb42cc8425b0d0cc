"""Parity rows: a section of their own, labelled, and in no table, ranking or overview with default rows."""

import csv
import io

import pytest

from urbanbench.board import FORMATS, render
from urbanbench.board.assemble import assemble
from urbanbench.board.blocks import make_groups
from urbanbench.board.rows import read_rows

LABEL = {
    "name": "paper:mvure",
    "title": "MVURE",
    "scored": "regression of regions: 10 contiguous folds in the order of unit ids; ridge; once",
    "spread": "one repeat without a ±",
    "leaks": ["folds follow the order of the label file"],
    "differs": ["one", "two"],
    "sources": ["a paper"],
}


@pytest.fixture
def make_parity(make_result):
    def make(model, value=0.9, *, name="paper:mvure", folds=(), **more):
        result = make_result(model, (value,), split=name, head="ridge-1", **more)
        details = [{"r2_by_fold": list(folds)}] if folds else [{}]
        return result | {"protocol": LABEL | {"name": name}, "head_details": details}

    return make


def board_of(results, *, published=False):
    return assemble(make_groups(read_rows(results)), title="", metrics=None, published=published)


def sections_of(board):
    return {section.title: section for section in board.sections}


def models_of(section):
    return {line.entries[0].text for table in section.tables for line in table.lines}


def test_parity_rows_stand_in_a_section_of_their_own(make_result, make_parity):
    board = board_of([make_result("a"), make_parity("b"), make_parity("c", 0.8), make_result("d")])
    found = sections_of(board)
    ours = models_of(found["singapore · popdensity · random"])
    parity = models_of(found["singapore · popdensity · paper:mvure (parity rows)"])
    assert (ours, parity) == ({"a", "d"}, {"b", "c"})
    assert list(found).index("singapore · popdensity · random") < list(found).index(
        "singapore · popdensity · paper:mvure (parity rows)"
    )


def test_best_marks_of_default_rows_do_not_depend_on_parity_rows(make_result, make_parity):
    ours = [make_result("a", (0.1, 0.2)), make_result("b", (0.2, 0.3))]
    alone = sections_of(board_of(ours))["singapore · popdensity · random"]
    beside = sections_of(board_of([*ours, make_parity("a", 0.99), make_parity("b")]))
    assert beside["singapore · popdensity · random"] == alone


def test_the_label_tells_protocol_spread_and_leaks(make_parity):
    [section] = board_of([make_parity("a")]).sections
    assert f"protocol: {LABEL['scored']}" in section.facts
    assert LABEL["spread"] in section.facts
    assert any(
        "2 notes on how it differs" in fact and "describe paper:mvure" in fact for fact in section.facts
    )
    assert section.warnings[0] == (
        "Parity rows, not comparable with other sections: folds follow the order of the label file."
    )


def test_a_score_of_pooled_folds_has_no_spread_but_a_note(make_parity):
    [section] = board_of([make_parity("a", 0.5, folds=(0.1, 0.3))]).sections
    [line] = section.tables[0].lines
    assert "0.500" in [entry.text for entry in line.entries]
    assert "R² of single folds, 2: 0.200 ± 0.141" in line.notes


def test_overview_leaves_parity_rows_out(make_result, make_parity):
    results = [
        make_result("a"),
        make_result("a", split="block"),
        make_parity("b"),
        make_parity("b", name="paper:hgi"),
    ]
    overview = board_of(results).sections[0]
    assert overview.title == "Overview"
    assert [line.entries[0].text for line in overview.tables[0].lines] == [
        "singapore · popdensity · random",
        "singapore · popdensity · block",
    ]
    assert "Overview" not in sections_of(board_of(results[2:]))


def test_footer_speaks_of_parity_rows_only_where_there_are_some(make_result, make_parity):
    said = "Parity rows follow a paper's protocol"
    assert not any(said in sentence for sentence in board_of([make_result("a")]).footer)
    assert any(said in sentence for sentence in board_of([make_parity("a")]).footer)


def test_published_numbers_stand_beside_the_same_papers_protocol_only(make_result, make_parity):
    def published(results):
        return [
            column.title
            for section in board_of(results, published=True).sections
            for table in section.tables
            for column in table.columns
            if column.published
        ]

    assert published([make_result("cityfm")])
    assert published([make_parity("cityfm", name="paper:urbanmfm")])
    assert not published([make_parity("cityfm")])
    text = render([make_parity("cityfm")], format="csv", published=True)
    assert {row["published_mean"] for row in csv.DictReader(io.StringIO(text))} == {""}


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_names_the_protocol(make_result, make_parity, style):
    assert "paper:mvure" in render([make_result("a"), make_parity("b")], format=style)
