"""Results that are not whole: refused, failed, of one seed, without a finite score, own, trained elsewhere, none at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from urbanbench.report.content import content_of
from urbanbench.report.html import page_of


def odd(results, change):
    return content_of([change(one) for one in results.load_all()], maps=False)


def refused(one):
    return replace(
        one,
        status="refused",
        reason="No layer 'pois'.",
        scores={},
        scores_covered={},
        evaluation={},
        cost={},
        provenance={},
    )


def one_seed(one):
    scores = {name: values[:1] for name, values in one.scores.items()}
    return replace(one, cell=replace(one.cell, seeds=(0,)), scores=scores)


def not_finite(one):
    return replace(one, scores={name: [float("nan")] * len(values) for name, values in one.scores.items()})


def own(one):
    return replace(one, own=True)


def elsewhere(one):
    return replace(one, cell=replace(one.cell, train_city="hamlet"))


@pytest.mark.parametrize("change", [refused, one_seed, not_finite, own, elsewhere])
def test_the_page_shows_what_there_is(results, open_page, tmp_path, change):
    content = odd(results, change)
    assert len(content["rows"]) == 16
    file = tmp_path / "odd.html"
    file.write_text(page_of(content), encoding="utf-8")
    tab = open_page(file.as_uri())
    for place in (
        "#/",
        "#/results",
        f"#/result/{content['questions'][0]['id']}",
        f"#/run/{content['rows'][0]['id']}",
        "#/model/area",
    ):
        tab.evaluate("place => { location.hash = place; }", place)
        tab.wait_for_timeout(80)
        assert "No " not in tab.locator("h1").first.inner_text()[:3]


def test_refused_runs_say_why(results):
    content = odd(results, refused)
    assert {one["reason"] for question in content["questions"] for one in question["unscored"]} == {
        "refused: No layer 'pois'"
    }


def test_one_seed_and_scores_that_are_no_numbers_rank_nothing(results):
    for change in (one_seed, not_finite):
        content = odd(results, change)
        lines = [
            line
            for question in content["questions"]
            for table in question["tables"]
            for line in table["lines"]
        ]
        assert lines
        assert not any("rank" in line for line in lines)


def test_rows_trained_elsewhere_have_questions_of_their_own(results):
    content = odd(results, elsewhere)
    assert {question["id"] for question in content["questions"]} == {
        f"village/{task}/{split}-from-hamlet"
        for task in ("income", "popdensity")
        for split in ("random", "block")
    }


def test_no_results_make_a_page_that_says_so(open_page, tmp_path):
    file = tmp_path / "none.html"
    file.write_text(page_of(content_of([])), encoding="utf-8")
    assert "No question here" in open_page(file.as_uri()).locator(".lead").inner_text()
