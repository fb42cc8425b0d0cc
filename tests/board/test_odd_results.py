"""Boards of little or strange results: every format prints them."""

import math
import re

import pytest

from urbanbench.board import EMPTY, FORMATS, render

REFUSED = {"status": "refused", "reason": "Model 'x' needs input 'poi'. City 'y' has no layer 'pois'."}


@pytest.fixture
def cases(make_result):
    huge, none, infinite = make_result("huge"), make_result("none"), make_result("infinite")
    huge["scores"]["r2"] = [0.5, -386280794510770503680.0, 0.4]
    none["scores"] = {name: [None] * 3 for name in none["scores"]}
    infinite["scores"]["r2"] = [math.inf, math.nan, 0.3]
    bare = make_result("bare")
    bare["model"], bare["cost"], bare["provenance"], bare["task"] = {}, {}, {}, {}
    return {
        "nothing": [],
        "one row": [make_result("never-registered")],
        "one seed": [make_result("a", (0.5,)), make_result("tfidf", (0.4,), floor=True)],
        "refused alone": [make_result("a", **REFUSED), make_result("tfidf", floor=True, **REFUSED)],
        "failed beside": [make_result("a"), make_result("b", status="failed", reason="")],
        "floors alone": [
            make_result(name, used=[name], floor=True, inputs="full") for name in ("poi", "road")
        ],
        "huge": [huge, make_result("a")],
        "no number": [none],
        "no number among floors": [none, make_result("tfidf", floor=True)],
        "infinite": [infinite, make_result("a")],
        "bare": [bare],
        "names": [make_result("上海 ▼ ± | $x_y$ \u202eabc", city="מפה", task="مدينة")],
    }


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize(
    "case",
    [
        "nothing", "one row", "one seed", "refused alone", "failed beside", "floors alone", "huge", "no number",
        "no number among floors", "infinite", "bare", "names",
    ],
)  # fmt: skip
def test_every_format_prints_it_with_and_without_the_papers_numbers(cases, case, style):
    for published in (False, True):
        text = render(cases[case], format=style, published=published)
        assert text.endswith("\n")
        for result in cases[case]:
            if case != "names":
                assert result["spec"]["model"] in text


def test_nothing_says_so(cases):
    assert EMPTY in render(cases["nothing"], format="md")


def test_a_huge_number_is_short_explained_and_whole_in_csv(cases):
    text = render(cases["huge"], format="md")
    assert "-1.29e20 ± 2.2e20" in text
    assert "ten to the power of 20" in text
    assert max(map(len, re.findall(r"\d+", text))) < 9
    assert "386280794510770" in render(cases["huge"], format="csv").replace("e+20", "").replace(".", "")


def test_scores_that_are_no_numbers_say_so_and_are_not_ranked(cases):
    text = render(cases["no number among floors"], format="md")
    assert "not finite" in text
    assert '"not finite": the metric is a finite number on no seed.' in text
    assert "nan" not in re.sub("[a-z]*nan[a-z]+", "", text.lower())
