"""The HTML page: whole, safe and accessible."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from urbanbench.board import render

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, checks that they close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def results(make_result):
    ceiling = {"inputs": {"poi,polygon": {"r2": 0.9}}}
    return [
        make_result("a", (0.3, 0.4), ceiling=ceiling),
        make_result("b", (0.6, 0.7)),
        make_result("tfidf", (0.5, 0.6), floor=True),
        make_result("c", status="refused", reason="No layer."),
        make_result("a", task="gdp"),
    ]


def test_tags_close_in_order_and_ids_are_unique(results):
    page = Page(render(results, format="html", published=True))
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"] for attrs in page.all("a")]
    assert links
    assert all(link.removeprefix("#") in ids for link in links)


def test_nothing_is_loaded_from_elsewhere(results):
    text = render(results, format="html", published=True)
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    assert not [tag for tag, attrs in Page(text).tags if "src" in attrs or tag in {"link", "img", "iframe"}]


def test_the_policy_allows_exactly_the_pages_own_style_and_script(results):
    text = render(results, format="html")
    policy = next(
        attrs["content"]
        for attrs in Page(text).all("meta")
        if "content" in attrs and "default-src" in attrs["content"]
    )
    for tag in ("style", "script"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_heads_have_a_scope_and_tables_a_caption(results):
    page = Page(render(results, format="html"))
    assert {attrs.get("scope") for attrs in page.all("th")} == {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table"))
    assert page.all("html")[0]["lang"] == "en"


def test_marks_are_said_in_words_and_flags_have_a_sign(results):
    text = render(results, format="html")
    best = re.search(r'<td class="number best"[^>]*>(.*?)</td>', text).group(1)
    assert "(best)" in best
    assert "<span>a ▼</span><small>▼ below tfidf (mlp)</small></th>" in text


def test_values_per_seed_are_in_the_tooltip_and_means_sort(results):
    text = render(results, format="html", metrics=["r2"])
    assert 'title="seed 0: 0.3, seed 1: 0.4"' in text
    assert 'data-value="0.35"' in text


def test_ceilings_and_refused_runs_stay_out_of_the_sorted_body(results):
    first = render(results, format="html").partition("<tbody>")[2].partition("<tbody>")
    bodies = re.findall(r"<tbody>(.*?)</tbody>", render(results, format="html"), re.DOTALL)
    assert first[1]
    kinds = [re.findall(r'<tr class="(\w+)"', body) for body in bodies]
    assert ["model", "floor", "model"] in kinds
    assert ["ceiling", "unscored"] in kinds


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='x",
        "</style></title><b>",
    ],
)
def test_every_text_of_a_result_is_escaped(make_result, evil):
    good = Page(
        render(
            [
                make_result("a", preset="p", city="c", task="t"),
                make_result("b", city="c", task="t", status="failed", reason="r"),
            ],
            format="html",
        )
    )
    result = make_result(
        evil,
        preset=evil,
        city=evil,
        task=evil,
        unit=evil,
        used=[evil],
        inputs=evil,
        parameters={evil: evil},
        urbanbench=evil,
    )
    result["model"] |= {"title": evil, "variant": {evil: evil}}
    result["task"] |= {"title": evil, "level": evil, "withholds": [evil]}
    result["scores"] = {"r2": [0.1, 0.2], evil: [0.3, 0.4]}
    other = make_result("b", city=evil, task=evil, status="failed", reason=evil)
    text = render(
        [result, make_result("d", city=evil, task=evil), other],
        format="html",
        title=evil,
        metrics=["r2", evil],
    )
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in good.tags} | {"nav", "a", "strong", "small"}
    allowed = {
        "class",
        "id",
        "scope",
        "title",
        "href",
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "type",
        "role",
        "tabindex",
        "aria-label",
        "aria-labelledby",
        "data-value",
    }
    assert {name for _, attrs in page.tags for name in attrs} <= allowed


def test_anchors_are_what_sections_are_called_whatever_else_is_there(results, make_result):
    def anchors(some):
        return [attrs["id"] for attrs in Page(render(some, format="html")).all("section")]

    assert anchors(results)[1:] == ["singapore-gdp-random", "singapore-popdensity-random"]
    more = [*results, make_result("a", city="aachen"), make_result("b", city="aachen")]
    assert set(anchors(results)) <= set(anchors(more))


def test_sections_of_one_title_are_told_apart(results):
    from urbanbench.board.html import to_html
    from urbanbench.board.layout import Board, Section

    alike = [Section(title, (), (), ()) for title in ("Rows: a", "Rows, a", "…", "Rows a")]
    page = Page(to_html(Board("A board", "", tuple(alike), ())))
    assert [attrs["id"] for attrs in page.all("section")] == ["rows-a", "rows-a--2", "section", "rows-a--3"]


def test_what_the_board_says_stands_before_the_list_of_sections(results):
    text = render(results, format="html")
    assert text.index('id="overview"') < text.index("<nav") < text.index('id="singapore-gdp-random"')


def test_a_better_floor_of_other_inputs_stands_above_a_learned_model(make_result):
    floors = [
        make_result("building-stats", (value, value), used=["polygon"], floor=True, inputs="full")
        for value in (0.7,)
    ]
    worse = make_result("flow-rows", (0.1, 0.1), used=["flow"], floor=True, inputs="full")
    text = render(
        [make_result("mine", (0.3, 0.4), used=["poi"], inputs="full"), *floors, worse], format="html"
    )
    named = re.findall(r'<tr class="(\w+)"><th scope="row"[^>]*><span>([\w-]+)', text.split("<table>")[-1])
    assert named == [("elsewhere", "building-stats"), ("model", "mine"), ("elsewhere", "flow-rows")]
