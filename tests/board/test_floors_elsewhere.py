"""Every finished floor is on the board: those of other inputs marked, unranked, and named where they are better."""

import csv
import io
import re

import pytest

from urbanbench.board import render
from urbanbench.board.blocks import make_groups
from urbanbench.board.leading import BEST
from urbanbench.board.marks import best_floor, by_score, floor_above, floor_beyond, marks
from urbanbench.board.rows import read_rows

FULL = {"floor": True, "inputs": "full"}


@pytest.fixture
def results(make_result):
    """A model of POIs beside a weak floor of POIs and a strong one of polygons."""
    return [
        make_result("mine", (0.3, 0.4), used=["poi"], inputs="full"),
        make_result("tfidf", (-0.3, -0.2), used=["poi"], **FULL),
        make_result("building-stats", (0.7, 0.8), used=["polygon"], **FULL),
        make_result(
            "building-stats", (0.75, 0.85), used=["polygon"], head="select", chosen=["rf", "rf"], **FULL
        ),
        make_result("flow-rows", (0.0, 0.1), used=["flow"], **FULL),
    ]


def block_of(results):
    ((block,),) = (group.blocks for group in make_groups(read_rows(results)))
    return block


def test_floors_of_other_inputs_stand_where_their_score_puts_them_and_take_no_part_in_marks(results):
    block = block_of(results)
    assert [row.name for row in block.elsewhere] == ["building-stats", "building-stats", "flow-rows"]
    assert [row.name for row in by_score(block)] == [
        "building-stats",
        "building-stats",
        "mine",
        "flow-rows",
        "tfidf",
    ]
    assert marks(block, "r2")[by_score(block)[2].run_id] == BEST
    assert not {row.run_id for row in block.elsewhere} & set(marks(block, "r2"))
    assert best_floor(block, (0, 1)).name == "tfidf"
    assert floor_above(block, block.models[0]) is None


def test_a_better_floor_of_other_inputs_is_named_with_its_inputs_and_score(results):
    block = block_of(results)
    assert floor_beyond(block, block.models[0]).head == "mlp"
    line = next(one for one in render(results, format="md").splitlines() if one.startswith("| mine"))
    assert "lower than building-stats (mlp; polygon), a floor of other inputs: 0.750 ± 0.071" in line


def test_a_floor_of_other_inputs_that_is_lower_than_the_own_best_one_is_not_named(make_result, results):
    near = make_result("poi-counts", (0.9, 0.9), used=["poi"], **FULL)
    block = block_of([*results, near])
    assert floor_above(block, block.models[0]).name == "poi-counts"
    assert floor_beyond(block, block.models[0]) is None


@pytest.mark.parametrize("style", ["md", "html", "tex", "csv"])
def test_every_format_holds_every_floor(results, style):
    text = render(results, format=style)
    for name in ("mine", "tfidf", "building-stats", "flow-rows"):
        assert name in text


@pytest.mark.parametrize("style", ["md", "html", "tex"])
def test_tables_mark_floors_of_other_inputs(results, style):
    assert render(results, format=style).count("floor, other inputs") >= 3


def test_no_table_calls_a_floor_the_best_that_is_not(results, make_result):
    more = [make_result("mine", (0.1, 0.2), used=["poi"], inputs="full", split="group")]
    text = render([*results, *more], format="md")
    overview = text.partition("## singapore")[0]
    head, line = (
        one
        for one in overview.splitlines()
        if one.startswith(("| city", "| singapore · popdensity · random"))
    )
    cells = dict(zip(*([part.strip() for part in one.split("|")] for one in (head, line)), strict=True))
    assert cells["best floor of these inputs and head"] == "tfidf"
    assert cells["higher floor of other inputs, same head"] == "building-stats, from polygon"
    assert cells["its score"] == "0.750 ± 0.071"
    assert "best floor " not in text.replace("best floor of", "")


def test_csv_says_below_which_floor_of_other_inputs_a_model_is(results):
    lines = list(csv.DictReader(io.StringIO(render(results, format="csv", metrics=["r2"]))))
    told = {line["model"]: line["below_floor_of_other_inputs"] for line in lines}
    assert told["mine"] == "building-stats (mlp)"
    assert len(lines) == 5


def test_a_floor_that_stands_in_no_other_table_is_shown_though_it_saw_more_elsewhere(make_result):
    floor = {"floor": True}
    results = [
        make_result("large"),
        make_result("tfidf", (0.1, 0.2, 0.3), used=["poi"], inputs="poi", **floor),
        make_result("tfidf", (0.4, 0.5, 0.6), used=["poi", "polygon"], inputs="full", **floor),
    ]
    assert len(re.findall(r"^\| tfidf", render(results, format="md"), re.MULTILINE)) == 2
    assert len(re.findall(r"^\| tfidf", render(results[1:], format="md"), re.MULTILINE)) == 2


def test_vectors_of_unstated_inputs_are_ranked_with_floors_that_see_nothing_and_say_so(make_result, results):
    given = make_result("vectors", (0.5, 0.6), used=[], inputs="given")
    text = render([given, *results[1:]], format="md")
    assert "### Inputs: not stated · ranked: head mlp" in text
    line = next(one for one in text.splitlines() if one.startswith("| vectors"))
    assert "nobody says what these vectors were made of" in line
    assert "lower than building-stats (mlp; polygon)" in line
    block = block_of([given, *results[1:]])
    assert (len(block.floors), len(block.elsewhere)) == (0, 4)


def test_vectors_whose_inputs_are_stated_stand_with_the_floors_of_these(make_result, results):
    given = make_result("vectors", (0.5, 0.6), used=["poi"], inputs="given")
    given["model"]["inputs_touched"] = []
    block = block_of([given, *results[1:]])
    assert (sorted(block.inputs), [row.name for row in block.floors]) == (["poi"], ["tfidf"])
    assert block.models[0].used == {"poi"}


def test_rows_stand_by_score_and_those_with_other_seeds_last(make_result):
    block = block_of(
        [
            make_result("a", (0.2, 0.3)),
            make_result("b", (0.6, 0.7)),
            make_result("tfidf", (0.4, 0.5), used=["poi"], **FULL),
            make_result("quick", (0.99,)),
        ]
    )
    assert [row.name for row in by_score(block)] == ["b", "tfidf", "a", "quick"]


def test_the_overview_names_no_model_of_other_seeds_as_the_best(make_result):
    results = [
        make_result("quick", (0.99,)),
        *(make_result(name, (0.4, 0.5), split=split) for name in ("a", "b") for split in ("random", "group")),
    ]
    overview = render(results, format="md").partition("## singapore")[0]
    assert "quick" not in overview


def test_a_row_without_a_score_on_some_seed_is_not_ranked_and_says_so(make_result):
    gap = make_result("gap", (0.9, 0.9, 0.9))
    gap["scores"]["r2"] = [0.9, None, 0.9]
    block = block_of([gap, make_result("a", (0.5, 0.5, 0.5)), make_result("b", (0.4, 0.4, 0.4))])
    found = {row.name: marks(block, "r2").get(row.run_id) for row in block.models}
    assert found["gap"] is None
    assert found["a"] == BEST
    text = render([gap, make_result("a", (0.5, 0.5, 0.5))], format="md")
    assert "no finite score on 1 of 3 seeds, not ranked" in text
