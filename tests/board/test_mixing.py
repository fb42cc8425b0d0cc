"""Warnings about rows that may not be comparable."""

import pytest

from urbanbench.board import render
from urbanbench.board.blocks import make_groups
from urbanbench.board.leading import BEST
from urbanbench.board.marks import marks
from urbanbench.board.mixing import group_warnings
from urbanbench.board.rows import read_rows
from urbanbench.board.versions import older_words


def warnings_of(*results):
    (group,) = make_groups(read_rows(results))
    return group_warnings(group)


def test_equal_provenance_gives_no_warning(make_result):
    assert (
        warnings_of(make_result("a"), make_result("b"), make_result("tfidf", used=["poi"], floor=True)) == []
    )


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("data_digest", "Mixed data: 2 versions of the city (dddddddd: a; other: b)."),
        (
            "targets_digest",
            "Mixed labels: 2 versions of the targets (other: b; tttttttt: a). Scores across them cannot be compared.",
        ),
        ("urbanbench", "Mixed versions of urbanbench (0.1.0: a; other: b)."),
    ],
)
def test_a_digest_that_differs_is_named_with_its_models(make_result, field, words):
    assert warnings_of(make_result("a"), make_result("b", **{field: "other"})) == [words]


def test_two_views_of_the_same_inputs_are_mixed_data_and_of_other_inputs_are_not(make_result):
    first = make_result("a", view_key="1")
    assert warnings_of(first, make_result("b", used=["poi"], view_key="2")) == []
    (found,) = warnings_of(first, make_result("b", view_key="2"))
    assert found == "Mixed data: 2 versions of the layers poi,polygon (1: a; 2: b)."


def test_split_digests_are_compared_among_rows_with_equal_seeds(make_result):
    (found,) = warnings_of(make_result("a", split_digest="1"), make_result("b", split_digest="2"))
    assert found.startswith("Mixed splits: 2 sets of test units (1: a; 2: b).")
    (found,) = warnings_of(make_result("a", split_digest="1"), make_result("b", (0.1, 0.2), split_digest="2"))
    assert found.startswith("Rows rest on different seeds (2 to 3 of them)")


def test_versions_of_numeric_packages_are_named(make_result):
    results = [
        make_result("a", packages={"torch": "2.1", "rich": "1"}),
        make_result("b", packages={"torch": "2.2", "rich": "2"}),
    ]
    assert warnings_of(*results) == ["Mixed versions of packages: torch 2.1 and 2.2."]


def _made_by(result, **versions):
    return result | {"versions": {"model": 1, "task": 1, "split": 1, "head": 1, "metrics": 1, **versions}}


def test_rows_of_an_older_head_are_marked_told_and_not_bold(make_result):
    scores = [(0.80, 0.81, 0.82), (0.80, 0.81, 0.81), (0.1, 0.9, 0.5)]
    names = ("old", "new", "far")
    rows = [
        _made_by(make_result(name, values), head=1 if name == "old" else 2)
        for name, values in zip(names, scores, strict=True)
    ]
    assert warnings_of(*rows) == [
        "Tables mix versions of head mlp (1 and 2): rows of older ones are marked \N{DOUBLE DAGGER}."
    ]
    shown = render(rows, format="md")
    assert "old \N{DOUBLE DAGGER} " in shown
    assert "\N{DOUBLE DAGGER} head version 1, newest here 2, not ranked" in shown
    assert "marks a row of older versions than the newest of its table" in shown
    ((block,),) = (group.blocks for group in make_groups(read_rows(rows)))
    named = {row.run_id: row.name for row in block.scored}
    assert [named[one] for one in marks(block, "r2") if marks(block, "r2")[one] == BEST] == ["new"]
    assert "old" not in {named[one] for one in marks(block, "r2")}


def test_an_older_version_of_a_model_is_marked_beside_the_newer_one_and_ranked(make_result):
    rows = [
        _made_by(make_result("a", preset="small"), model=1),
        _made_by(make_result("a", (0.5, 0.6, 0.8), preset="paper"), model=2),
        _made_by(make_result("b", (0.1, 0.2, 0.3)), model=1),
    ]
    assert warnings_of(*rows) == [
        "Tables mix versions of model a (1 and 2): rows of older ones are marked \N{DOUBLE DAGGER}."
    ]
    ((block,),) = (group.blocks for group in make_groups(read_rows(rows)))
    told = {(row.name, row.spec["preset"]): older_words(row, block.shown) for row in block.shown}
    assert told == {
        ("a", "small"): ["model version 1, newest here 2"],
        ("a", "paper"): [],
        ("b", ""): [],
    }
    assert {block.scored[0].run_id, block.scored[1].run_id} == set(marks(block, "r2"))


def test_versions_of_other_heads_are_not_held_against_each_other(make_result):
    rows = [_made_by(make_result("a")), _made_by(make_result("a", head="ridge"), head=3)]
    assert warnings_of(*rows) == []


def test_a_row_that_tells_no_versions_is_older_than_one_that_does(make_result):
    rows = [_made_by(make_result("a")), make_result("b")]
    assert len(warnings_of(*rows)) == 1
    shown = render(rows, format="md")
    assert "head version not told, newest here 1" in shown
    assert warnings_of(make_result("a"), make_result("b")) == []


def test_counts_of_units_that_differ_are_named(make_result):
    other = make_result("b")
    other["n_units"] = 300
    assert warnings_of(make_result("a"), other) == ["Rows rest on different numbers of units (300, 332)."]


def test_seeds_without_a_score_are_named(make_result):
    result = make_result("a")
    result["scores"]["r2"][1] = None
    assert warnings_of(result) == [
        "Some seeds have no finite score, means are over the others and are not ranked: a (2 of 3)."
    ]


def test_refused_runs_cause_no_warning(make_result):
    assert warnings_of(make_result("a"), make_result("b", status="refused", data_digest="x")) == []
