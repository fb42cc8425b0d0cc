"""Warnings about rows that may not be comparable."""

import pytest

from urbanbench.board.blocks import make_groups
from urbanbench.board.mixing import group_warnings
from urbanbench.board.rows import read_rows


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
