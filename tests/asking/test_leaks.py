"""What nobody may be told: planted and found, planted and taken out, and not there in the first place."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanbench.asking.ground import open_ground
from urbanbench.asking.secrets import told_secrets
from urbanbench.asking.together import Sheet
from urbanbench.checks.retrieval import check_questions
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.city.item_view import ItemView
from urbanbench.errors import BadInput, Conformance, InputMasked
from urbanbench.items import Exam, Item, Lesson
from urbanbench.registry import load_task
from urbanbench.retrieval_task import RetrievalTask
from urbanbench.scoring.retrieval.evaluate import evaluate
from urbanbench.space import EmbeddingSpace

TASKS = ["geolocation", "image-retrieval", "perception", "spatial-grounding"]


def names_of(city):
    """Names of roads and regions, read from the layers and not from the graph."""
    tags = tag_table(city.roads["tags"]).with_key("name")
    return {*map(str, tags.value), *map(str, city.regions["name"])}


def asking_side(exam):
    for name, item in exam.items.items():
        if exam.sides[name] == "query":
            yield item.text
            yield item.instruction
    for one in exam.lessons:
        yield one.anchor.text
        if one.kind in {"caption", "path"}:
            yield one.positive.text
    for graph in exam.graphs.values():
        yield from graph.text


@pytest.mark.parametrize("task", TASKS)
def test_neither_queries_nor_graphs_nor_lessons_name_a_street_a_district_or_a_coordinate(
    task, questions, toy, ground
):
    exam = questions(task).exam
    said = {text.lower() for text in asking_side(exam)}
    words = [name.lower() for name in names_of(toy)]
    assert not [(name, text) for text in said for name in words if name in text]
    assert not [text for text in said if re.search(r"\d\.\d{3}", text)]
    assert told_secrets(exam, ground.secrets) == []


@pytest.mark.parametrize("task", TASKS)
def test_ids_of_items_graphs_and_pictures_tell_nothing_and_stand_in_no_telling_order(task, questions, toy):
    exam = questions(task).exam
    ids = [*exam.items, *exam.graphs, *exam.pictures]
    known = {*toy.street_views.index, *toy.regions.index}
    assert not [one for one in ids if any(other in one for other in known)]
    views = [view for _, view in sorted(exam.pictures.items())]
    ranks = np.argsort(np.argsort(views))
    assert abs(np.corrcoef(ranks, np.arange(len(views)))[0, 1]) < 0.25


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A cafe in {street}, by the river.", "street"),
        ("A quiet corner of {district}.", "district"),
        ("It was taken at 1.984512 north, 2.987654 east.", "coordinates"),
        ("Next to {name}.", "name"),
        ("{street_upper}: two trees.", "street"),
    ],
)
def test_a_sentence_that_gives_a_place_away_is_found_and_taken_out(text, kind, ground):
    nodes = ground.graph.nodes
    street = next(str(one) for one in nodes.name[nodes.kind == 2] if one)
    name = next(str(one) for one in nodes.name[nodes.kind == 0] if one)
    told = text.format(street=street, street_upper=street.upper(), district=nodes.district[0], name=name)
    assert kind in ground.secrets.found(told)
    plain = ground.secrets.veil(told)
    assert f"[{kind}]" in plain
    assert not ground.secrets.found(plain)
    assert not {street.lower(), name.lower()} & {plain.lower()}


def test_a_leak_on_any_side_that_asks_is_caught(ground):
    street = next(str(one) for one in ground.graph.nodes.name[ground.graph.nodes.kind == 2] if one)
    plain, leaky = Item(text="A place."), Item(text=f"A place in {street}.")
    picture = Item(text="What is it?", image="p")
    sides = {"q": "query", "c": "candidate"}
    graph = ground.local(0)
    told = replace(graph, text=(*graph.text[:-1], f"a shop of {street}"))
    caught = [
        Exam({"q": leaky, "c": plain}, sides),
        Exam({"q": replace(plain, instruction=f"Think of {street}."), "c": plain}, sides),
        Exam({"q": plain, "c": plain}, sides, {"g": told}),
        Exam({"q": plain, "c": plain}, sides, lessons=(Lesson("answer", leaky, plain),)),
        Exam({"q": plain, "c": plain}, sides, lessons=(Lesson("caption", picture, leaky),)),
    ]
    assert [len(told_secrets(one, ground.secrets)) for one in caught] == [1] * len(caught)
    allowed = Exam({"q": plain, "c": leaky}, sides, lessons=(Lesson("location", picture, leaky),))
    assert told_secrets(allowed, ground.secrets) == []


def test_what_a_task_writes_loses_its_leaks_when_questions_are_put_together(ground):
    street = next(str(one) for one in ground.graph.nodes.name[ground.graph.nodes.kind == 2] if one)
    sheet = Sheet(ground, "planted", "Which?")
    for k in range(25):
        sheet.candidate(f"c{k}", Item(text=f"Place {k} in {street}"))
        sheet.query(f"q{k}", Item(text=f"{street}, number {k}"), f"c{k}")
    lesson = Lesson("caption", Item(text=f"Where is {street}?"), Item(text=f"{street} is here."))
    exam = sheet.finish([lesson]).exam
    queries = [item.text for name, item in exam.items.items() if exam.sides[name] == "query"]
    assert all(text.startswith("[street], number") for text in queries)
    assert exam.lessons[0].anchor.text == "Where is [street]?"
    assert exam.lessons[0].positive.text == "[street] is here."


def with_planted_category(folder, name):
    """Give the first places of a city a tag whose value holds a street's name, as a mapper might."""
    path = folder / "pois.parquet"
    table = pq.read_table(path)
    tags = [dict(one) for one in table["tags"].to_pylist()]
    for one in tags[:200]:
        one["amenity"] = f"{name} kiosk"
    column = pa.array([list(one.items()) for one in tags], pa.map_(pa.string(), pa.string()))
    pq.write_table(table.set_column(table.column_names.index("tags"), "tags", column), path)


def test_a_category_that_holds_the_name_of_a_street_does_not_reach_a_graph_a_path_or_a_caption(
    copied, ground
):
    street = next(str(one) for one in ground.graph.nodes.name[ground.graph.nodes.kind == 2] if one)
    folder = copied()
    with_planted_category(folder, street)
    city = City.open(folder)
    words = {str(one) for one in open_ground(city).graph.nodes.category}
    assert f"{street} kiosk" in words
    said = list(asking_side(load_task("spatial-grounding").targets(city).exam))
    assert not [text for text in said if street.lower() in text.lower()]
    assert [text for text in said if "[street] kiosk" in text]


@pytest.mark.parametrize("name", ["人民路", "Ii", "A7"])
def test_a_street_of_two_letters_or_of_a_script_without_spaces_does_not_reach_a_graph_or_a_caption(
    name, copied
):
    folder = copied()
    path = folder / "roads.parquet"
    table = pq.read_table(path)
    tags = [dict(one) for one in table["tags"].to_pylist()]
    for one in tags:
        one["name"] = name
    column = pa.array([list(one.items()) for one in tags], pa.map_(pa.string(), pa.string()))
    pq.write_table(table.set_column(table.column_names.index("tags"), "tags", column), path)
    with_planted_category(folder, f"das{name}边" if name == "人民路" else f"old {name}")
    city = City.open(folder)
    said = list(asking_side(load_task("spatial-grounding").targets(city).exam))
    assert not [text for text in said if name in text]
    assert [text for text in said if "[street]" in text]


@pytest.mark.parametrize("planted", ["query", "graph", "lesson"])
def test_the_check_of_a_task_finds_a_leak_wherever_it_was_planted(planted, toy, questions, ground):
    street = next(str(one) for one in ground.graph.nodes.name[ground.graph.nodes.kind == 2] if one)
    asked = questions("geolocation")
    exam = asked.exam
    first, key = asked.queries[0], next(iter(exam.graphs))
    graph, lesson = exam.graphs[key], exam.lessons[0]
    leaky = {
        "query": replace(exam, items={**exam.items, first: replace(exam.items[first], text=f"In {street}?")}),
        "graph": replace(
            exam, graphs={**exam.graphs, key: replace(graph, text=(f"by {street}", *graph.text[1:]))}
        ),
        "lesson": replace(
            exam, lessons=(replace(lesson, anchor=replace(lesson.anchor, text=street)), *exam.lessons)
        ),
    }[planted]

    class Leaky(RetrievalTask):
        card = replace(load_task("geolocation").card, query=("image", "graph", "text"))

        def questions(self, city):
            return replace(asked, exam=leaky)

    with pytest.raises(Conformance, match=f"tells street '{street}'"):
        check_questions("Leaky", Leaky(), toy)


def test_who_matches_letters_of_query_and_candidate_finds_no_place(questions):
    """Names of candidates occur in no query's graph, and the words of a query are the same for all."""
    asked = questions("geolocation")
    exam = asked.exam
    queries = [exam.items[one] for one in asked.queries]
    assert {(item.text, item.instruction) for item in queries} == {("", queries[0].instruction)}
    names = [
        re.findall(r"\b[A-Z]\w+ (?:Street|Road|Avenue|Expressway)|(?<=in )[A-Z]\w+", exam.items[one].text)
        for one in asked.pool
    ]
    assert sum(map(bool, names)) == len(names)
    for item in queries:
        shown = " ".join(exam.graphs[item.graph].text)
        assert not [name for some in names for name in some if name in shown]


def test_a_model_that_matches_words_of_query_and_candidate_is_at_chance_in_geolocation(questions):
    asked = questions("geolocation")
    exam = asked.exam
    said = [f"{exam.items[one].text} {exam.items[one].instruction}".lower() for one in asked.ids]
    words = sorted({word for text in said for word in re.findall(r"\w+", text)})
    vectors = np.array([[text.split().count(word) for word in words] for text in said], dtype="float32")
    scores = evaluate(EmbeddingSpace("item", asked.ids, vectors), asked, range(10))
    assert np.mean(scores.per_seed["hit@5"]) < scores.section["chance"]["hit@5"] + 0.1
    assert np.mean(scores.per_seed["hit@1"]) < scores.section["chance"]["hit@1"] + 0.05


def test_no_graph_says_what_a_candidate_says(questions):
    for task in ("geolocation", "image-retrieval"):
        asked = questions(task)
        texts = {asked.exam.items[one].text for one in asked.pool} - {""}
        assert not [text for graph in asked.exam.graphs.values() for text in graph.text if text in texts]


def test_the_view_shows_pictures_by_keys_alone_and_opens_the_right_ones(toy, questions):
    exam = questions("geolocation").exam
    view = ItemView(toy, frozenset({"street_view", "graph"}), exam=exam)
    frame = view.street_views
    assert set(frame.columns) == {"image", "east", "south", "west", "north"}
    assert list(frame.index) == sorted(exam.pictures)
    key = frame.index[5]
    path, behind = frame.loc[key, "west"], toy.street_views.loc[exam.pictures[key], "west"]
    assert exam.pictures[key] not in path
    assert np.array_equal(
        np.asarray(view.open_image(path)), np.asarray(toy.view({"street_view"}).open_image(behind))
    )
    assert view.picture_digest([path]) == toy.picture_digest([behind])
    with pytest.raises(BadInput, match="No picture"):
        view.open_image(behind)
    with pytest.raises(InputMasked):
        ItemView(toy, frozenset({"graph"}), exam=exam).open_image(path)


def test_feature_tables_go_by_the_same_keys_and_are_part_of_what_a_view_is(copied, questions):
    folder = copied()
    exam = questions("geolocation").exam
    views = sorted(exam.pictures.values())

    def features(scale):
        (folder / "features").mkdir(exist_ok=True)
        rows = pa.array([[scale * k] for k in range(len(views))], pa.list_(pa.float32()))
        pq.write_table(pa.table({"view_id": views, "feature": rows}), folder / "features/toy.parquet")
        view = ItemView(City.open(folder), frozenset({"street_view"}), exam=exam)
        return view.data_key, view.features("toy")

    (one, _), (other, frame) = features(1.0), features(2.0)
    assert list(frame.index) == sorted(exam.pictures)
    assert [float(frame.loc[key, "feature"][0]) for key in frame.index] == [
        2.0 * views.index(exam.pictures[key]) for key in frame.index
    ]
    assert one != other
