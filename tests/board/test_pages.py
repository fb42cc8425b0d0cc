"""A board in pages: one for each city and task, each with the tables the whole board has, and one that leads to them."""

import posixpath
import re
from urllib.parse import unquote

import pytest

from urbanbench.board import EMPTY, render
from urbanbench.board.pages import render_pages
from urbanbench.errors import UnknownName

FIRST = {"md": "README.md", "html": "index.html"}
LINK = {"md": re.compile(r"\]\(<([^>]+)>\)"), "html": re.compile(r'href="([^"#]+)"')}


@pytest.fixture
def results(make_result):
    """Two learned models and a floor of two cities, two tasks and two splits."""
    return [
        make_result(model, values, floor=model == "tfidf", city=city, task=task, split=split)
        for city in ("oslo", "rome")
        for task in ("label:air quality", "popdensity")
        for split in ("random", "block")
        for model, values in {"hgi": (0.3, 0.4), "cityfm": (0.5, 0.7), "tfidf": (0.4, 0.4)}.items()
    ]


@pytest.mark.parametrize("kind", ["md", "html"])
def test_every_page_is_reached_from_the_first_and_leads_back(results, kind):
    pages = render_pages(results, format=kind)
    first = FIRST[kind]
    assert [*pages] == [
        first,
        *(
            f"{city}/{task}.{kind}"
            for city in ("oslo", "rome")
            for task in ("label-air-quality", "popdensity")
        ),
    ]
    links = [unquote(one) for one in LINK[kind].findall(pages[first])]
    assert set(links) == set(pages) - {first}
    assert len(links) == 4 + 8  # a line in the list of pages and one for each table of the overview
    for place in links:
        back = [unquote(one) for one in LINK[kind].findall(pages[place])]
        assert {posixpath.normpath(posixpath.join(posixpath.dirname(place), one)) for one in back} == {first}


def test_a_page_has_the_tables_and_marks_of_the_whole_board(results):
    whole = render(results, format="md", published=True)
    for place, text in render_pages(results, format="md", published=True).items():
        if place == FIRST["md"]:
            continue
        sections = [part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if " · " in part[:60]]
        assert len(sections) == 2  # random and block
        for section in sections:
            tables = section.partition("\n- ")[0].rstrip()
            assert tables in whole


def test_the_first_page_names_pages_without_learned_models_too(make_result):
    pages = render_pages(
        [make_result("tfidf", floor=True, used=["poi"], city="oslo", task="gdp")], format="md"
    )
    assert "[oslo · gdp](<oslo/gdp.md>) | random | 1 | 1 |" in " ".join(pages["README.md"].split())


def test_tasks_whose_names_make_one_file_name_share_a_page(make_result):
    pages = render_pages(
        [make_result("hgi", task="label:a"), make_result("cityfm", task="label-a")], format="md"
    )
    assert [*pages] == ["README.md", "singapore/label-a.md"]
    page = pages["singapore/label-a.md"]
    assert page.startswith("# singapore · label-a, singapore · label:a\n")
    assert "| hgi " in page
    assert "| cityfm " in page


def test_no_name_of_a_result_leads_out_of_the_folder(make_result):
    evil = "../../<b>\"'](x)"
    pages = render_pages([make_result("hgi", city=evil, task=evil)], format="html")
    assert not [place for place in pages if ".." in place.split("/") or place.startswith("/")]
    assert not [text for text in pages.values() if "<b>" in text]


def test_without_results_there_is_one_page_that_says_so():
    (page,) = render_pages([], format="md").values()
    assert EMPTY.split(":")[0] in page


def test_other_formats_have_no_pages(results):
    with pytest.raises(UnknownName, match="csv"):
        render_pages(results, format="csv")
