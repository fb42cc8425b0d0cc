"""Questions out of files: asked as they were written, and wrong lines refused with their place."""

import json

import numpy as np
import pytest

from urbanbench.asking.written import written_questions
from urbanbench.city.city import City
from urbanbench.errors import BadInput, DataMissing, RunRefused
from urbanbench.scoring.retrieval.evaluate import evaluate
from urbanbench.scoring.retrieval.sets import draw_sets
from urbanbench.space import EmbeddingSpace

QUERIES = [
    {"id": "q1", "image": "v000000", "text": "What for?", "positive": "living", "also_right": ["home"]},
    {"id": "q2", "text": "A street of work.", "positive": "front1", "candidates": ["front2", "front1", "front3"]},
    {"id": "q3", "image": "v000005", "positive": "work"},
]  # fmt: skip
CANDIDATES = [
    {"id": "living", "text": "living", "group": "uses", "likeness": "calm"},
    {"id": "home", "text": "at home", "group": "uses", "likeness": "calm"},
    {"id": "work", "text": "work", "group": "uses"},
    {"id": "trade", "text": "trade", "group": "uses"},
    *({"id": f"front{k}", "image": f"v{k:06d}"} for k in (1, 2, 3)),
    {"id": "unused", "text": "of no question", "group": "others"},
]
LESSONS = [{"image": "v000007", "text": "What for?", "answer": "trade"}]


@pytest.fixture
def folder(tmp_path):
    """Write questions about tiny toyville and return a writer that changes a file."""

    def write(queries=QUERIES, candidates=CANDIDATES, lessons=LESSONS):
        for name, rows in (("queries", queries), ("candidates", candidates), ("lessons", lessons)):
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
        return tmp_path

    write()
    return write


def told(asked, name):
    """What an item consists of, pictures by the city's own ids."""
    item = asked.exam.items[name]
    return item.text, asked.exam.pictures.get(item.image, "")


def test_queries_and_their_answers_are_those_that_were_written(toy, folder):
    asked = written_questions(toy, folder(), "Choose.")
    pairs = {
        (told(asked, one), told(asked, right))
        for one, right in zip(asked.queries, asked.positive, strict=True)
    }
    assert pairs == {
        (("What for?", "v000000"), ("living", "")),
        (("A street of work.", ""), ("", "v000001")),
        (("", "v000005"), ("work", "")),
    }  # fmt: skip
    assert {asked.exam.items[one].instruction for one in asked.queries} == {"Choose."}
    assert {asked.exam.items[one].instruction for one in asked.pool} == {""}
    (lesson,) = asked.exam.lessons
    assert (lesson.anchor.text, asked.exam.pictures[lesson.anchor.image]) == ("What for?", "v000007")
    assert lesson.positive.text == "trade"
    shown = " ".join([*asked.exam.items, *asked.exam.pictures])
    assert not any(word in shown for word in ("q1", "front", "living", "v0000"))


def test_a_query_chooses_from_its_own_candidates_or_else_from_the_group_of_the_right_one(toy, folder):
    asked = written_questions(toy, folder())
    (sets,) = draw_sets(asked, range(3))
    for row, query in enumerate(sets.queries):
        offered = {told(asked, asked.pool[one]) for one in sets.rows[0, row] if one >= 0}
        words = told(asked, asked.queries[query])[0]
        assert (
            offered
            == {
                "What for?": {("living", ""), ("work", ""), ("trade", "")},  # "at home" is right as well
                "A street of work.": {("", "v000001"), ("", "v000002"), ("", "v000003")},
                "": {("living", ""), ("at home", ""), ("work", ""), ("trade", "")},
            }[words]
        )
    assert asked.main_metric == "hit@1"
    assert not any("of no question" in told(asked, one) for one in asked.pool)
    more = [{"id": f"more{k}", "text": f"answer {k}", "group": "uses"} for k in range(4)]
    assert written_questions(toy, folder([QUERIES[2]], CANDIDATES + more)).main_metric == "hit@5"


def test_a_query_with_candidates_of_its_own_is_no_form_of_questions(toy, folder):
    own = [
        {"id": f"own{k}", "text": f"Is it {k}?", "positive": "work", "candidates": ["work", "home"]}
        for k in range(3)
    ]
    shared = [{"id": f"shared{k}", "text": f"Is it so {k}?", "positive": "work"} for k in range(3)]
    for queries, forms in (
        (own, None),
        (own + shared, {"group uses"}),
        ([*own, *shared, QUERIES[1]], {"group uses"}),
    ):
        asked = written_questions(toy, folder(queries, lessons=[]))
        drawn = np.random.default_rng(0).standard_normal((len(asked.ids), 8)).astype(np.float32)
        told = evaluate(EmbeddingSpace("item", asked.ids, drawn), asked, (0, 1)).section["candidates"]
        assert set(told.get("forms", ())) == (forms or set())
        assert told["pool"] == 6 * (own[0] in queries) + 4 * (len(queries) > 3) + 3 * (QUERIES[1] in queries)


def test_answers_that_are_pictures_lie_where_they_were_taken(toy, folder):
    asked = written_questions(toy, folder())
    points = toy.street_views.geometry
    for name, place in zip(asked.pool, asked.candidate_xy, strict=True):
        view = told(asked, name)[1]
        wanted = (points[view].x, points[view].y) if view else (np.nan, np.nan)
        np.testing.assert_array_equal(place, wanted)
    assert asked.placed.sum() == 1


def test_another_word_makes_other_questions(toy, folder):
    first = written_questions(toy, folder()).digest()
    assert written_questions(toy, folder()).digest() == first
    assert (
        written_questions(toy, folder([{**QUERIES[0], "text": "What else?"}, *QUERIES[1:]])).digest() != first
    )
    assert written_questions(toy, folder(lessons=[])).digest() != first


def query(**change):
    return {"queries": [{**QUERIES[0], **change}]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (query(image="v99"), r"queries.jsonl, line 1: image 'v99' is no street view of 'toyville'. Expected a view_id, such as 'v000000'. Mend: urbanbench data images"),
        (query(image="../v000000.png"), "is no street view"),
        (query(positive="sleep"), "line 1: 'sleep' is no id in candidates.jsonl. Expected one of its 8"),
        (query(candidates=[]), "line 1: 'candidates' is empty"),
        (query(candidates=["work", "trade"]), "line 1: 'candidates' lacks the right one, 'living'"),
        (query(candidates=["work", "living", "work"]), "'candidates' names 'work' twice"),
        (query(candidates=["living", "home"]), "line 1: query 'q1' has nothing wrong to choose: each of its 2 candidates says what is right"),
        (query(candidates="work"), "expected ids of candidates.jsonl as 'candidates', found 'work'"),
        (query(answer="living"), "expected fields id, text, image, positive, candidates, also_right, found 'answer'"),
        (query(id=7), "expected a text as 'id', found 7"),
        (query(text=" "), "expected a text as 'text'"),
        ({"queries": [{"id": "q1", "positive": "work"}]}, "expected a 'text', an 'image' or both, found neither"),
        ({"queries": [{"id": "q1", "text": "What?"}]}, "expected 'positive', found an object without"),
        ({"queries": [QUERIES[0], QUERIES[2], QUERIES[0]]}, "queries.jsonl, line 3: id 'q1' stands in line 1, too"),
        ({"queries": []}, "queries.jsonl has no line. Expected one at least"),
        ({"queries": [["q1"]]}, "expected an object such as .*, found list"),
        ({"candidates": []}, "candidates.jsonl has no line"),
        ({"candidates": [*CANDIDATES, CANDIDATES[2]]}, "candidates.jsonl, line 9: id 'work' stands in line 3, too"),
        ({"queries": [{"id": "q", "image": "v000000", "positive": "a"}], "candidates": [{"id": "a", "text": "same"}, {"id": "b", "text": "same"}]}, "nothing wrong to choose"),
        ({"queries": [{"id": "q", "image": "v000001", "positive": "front1"}]}, "line 1: the query shows picture 'v000001', which is its right answer"),
        ({"lessons": [*LESSONS, {"image": "v000005", "answer": "work"}]}, "lessons.jsonl, line 2: picture 'v000005' is learned from here, and asked about in queries.jsonl, line 3"),
        ({"lessons": [{"image": "v000008"}]}, "lessons.jsonl, line 1: expected 'answer'"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_with_its_place(toy, folder, change, said):
    with pytest.raises(BadInput, match=said):
        written_questions(toy, folder(**change))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"id": "stra\xdfe", "text": "a"}\n', "line 2: expected UTF-8, found other bytes. Mend: iconv"),
        (b'{"id": "x", "text": "a"\n', "line 2: expected an object such as .*, found none"),
        (b'{"id": "x", "id": "y", "text": "a"}\n', "a field twice"),
        (b"[" * 100_000 + b"\n", "line 2: expected an object"),
        (b'{"id": "x", "text": "' + b"a" * (1 << 20) + b'"}\n', "line 2: expected an object of fewer than"),
    ],
)
def test_bytes_that_are_no_lines_of_objects_are_refused(toy, folder, text, said):
    path = folder() / "candidates.jsonl"
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n" + text)
    with pytest.raises(BadInput, match=said):
        written_questions(toy, path.parent)


def test_a_mark_of_the_encoding_and_empty_lines_are_read_over(toy, folder):
    path = folder() / "queries.jsonl"
    first = written_questions(toy, path.parent).digest()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert written_questions(toy, path.parent).digest() == first


def test_files_that_are_not_there_or_lead_out_of_the_folder_are_refused(toy, folder, tmp_path):
    place = folder()
    with pytest.raises(DataMissing, match=r"No queries.jsonl in .* \(found no such file\). Expected a file"):
        written_questions(toy, place / "none")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.jsonl"
    for name in ("lessons", "queries"):
        (place / f"{name}.jsonl").rename(outside)
        (place / f"{name}.jsonl").symlink_to(outside)
        with pytest.raises(DataMissing, match=f"No {name}.jsonl in .*leads out of the folder"):
            written_questions(toy, place)
        folder()


def test_a_city_without_pictures_is_refused(tiny_toyville_without_pictures, folder):
    with pytest.raises(RunRefused, match="has no street views, which are the pictures of questions"):
        written_questions(City.open(tiny_toyville_without_pictures), folder())
