"""What nodes, triples and captions say, and that nothing is left of what a task hides."""

import json
import re
from itertools import islice, pairwise

import numpy as np
import pandas as pd
import pytest

from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.graph.bearings import DIRECTIONS, direction_of
from urbanbench.graph.captions import context_captions, file_captions, read_captions
from urbanbench.graph.hiding import LEAKS, mentions, without
from urbanbench.graph.node_link import node_record
from urbanbench.graph.tables import KINDS
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import fact, gives_away, tell, told_steps


@pytest.fixture(scope="module")
def images(graph):
    return graph.nodes.rows("image")


@pytest.fixture(scope="module")
def paths(graph, images, plan):
    return [told_steps(graph, walk) for some in walk_from(graph, images[::15], plan) for walk in some]


@pytest.fixture(scope="module")
def captions(graph, images, plan):
    return list(context_captions(graph, images[::8], plan))


@pytest.fixture(scope="module")
def told_of(graph):
    """Tell which names of places, streets and districts a text holds, as whole words."""

    def plain(text):
        words = re.findall(r"[^\W_]+", text.lower())
        return f" {' '.join(words)} "

    every = {str(one) for key in ("name", "street", "district") for one in getattr(graph.nodes, key)} - {""}
    secrets = {plain(one) for one in every}

    def found(text):
        there = plain(text)
        return [one for one in secrets if one in there]

    return found


@pytest.mark.parametrize(
    ("degrees", "word"), [(0, "north"), (22.4, "north"), (22.5, "north-east"), (337.5, "north")]
)
def test_a_direction_is_the_nearest_of_eight(degrees, word):
    assert direction_of(degrees) == word
    assert [direction_of(45.0 * k) for k in range(8)] == list(DIRECTIONS)


def test_a_triple_says_distance_and_direction_from_its_head_to_its_tail(graph):
    for step in range(0, 2 * len(graph.edges), 997):
        told = fact(graph, step)
        rows = [int(np.flatnonzero(graph.nodes.ids == told[end])[0]) for end in ("head", "tail")]
        assert rows == [graph.step_to[step ^ 1], graph.step_to[step]]
        if told["distance_m"] >= 1:
            assert f"{told['distance_m']:.0f} m {told['direction']} to" in told["text"]
        points = all(KINDS[graph.nodes.kind[row]] in {"poi", "image", "crossing"} for row in rows)
        if points and told["distance_m"] > 5:
            east, north = graph.nodes.xy[rows[1]] - graph.nodes.xy[rows[0]]
            assert told["direction"] == direction_of(np.degrees(np.arctan2(east, north)) % 360) or (
                abs(np.degrees(np.arctan2(east, north)) % 45 - 22.5) < 0.1
            )


def test_a_step_back_has_the_opposite_bearing(graph):
    for step in range(0, 2 * len(graph.edges), 1998):
        one, other = fact(graph, step), fact(graph, step + 1)
        assert (one["head"], one["tail"]) == (other["tail"], other["head"])
        if one["bearing"] is not None:
            assert abs((one["bearing"] - other["bearing"]) % 360 - 180) < 0.11


def test_a_path_is_told_step_by_step(paths):
    for one in paths[:50]:
        assert one["text"].count(". ") == len(one["triples"]) - 1
        ends = [(each["head"], each["tail"]) for each in one["triples"]]
        assert all(left[1] == right[0] for left, right in pairwise(ends))
        assert one["text"].lower() == " ".join(f"{each['text']}." for each in one["triples"]).lower()


def test_texts_hold_no_name_coordinate_street_or_district(graph, paths, captions, told_of):
    for one in [*paths, *captions]:
        assert told_of(one["text"]) == []
        assert not any(f"{value:.3f}" in one["text"] for value in graph.nodes.lonlat[:50].ravel())


def test_without_leaves_nothing_that_gives_away(graph, paths, captions, images, told_of):
    for record in [*paths, *captions, *(node_record(graph, row) for row in images[:20])]:
        left = without(record)
        assert "gives_away" not in json.dumps(left)
        assert told_of(json.dumps(left)) == []
        assert "gives_away" in json.dumps(record)
        assert told_of(json.dumps(record))


def test_without_hides_what_is_named_and_keeps_the_rest(paths):
    triple = next(one for one in paths[0]["triples"] if "street" in one["gives_away"])
    left = without(triple, "street", "coordinates")
    assert set(left["gives_away"]) == set(triple["gives_away"]) - {"street", "coordinates"}
    with pytest.raises(UnknownName, match="streets"):
        without(triple, "streets")


def test_a_triple_tells_what_it_may(graph):
    row = next(row for row in graph.nodes.rows("poi") if graph.nodes.name[row] and graph.nodes.street[row])
    step = next(int(one) for one in graph.steps.take(np.array([row]))[0])
    triple = fact(graph, step)
    away = gives_away(graph, row)
    whole = tell(triple, LEAKS)
    assert all(away[key] in whole for key in ("name", "street", "district"))
    assert f"{away['coordinates'][1]:.6f}" in whole
    assert away["name"] not in tell(triple)
    assert away["name"] not in tell(without(triple, "name"), LEAKS)
    with pytest.raises(UnknownName):
        tell(triple, ["places"])


def test_a_caption_counts_what_lies_around_and_begins_with_the_street(graph, captions, plan):
    for one in captions:
        assert one["from"] == "template"
        assert one["text"].startswith(f"Around the picture, within {plan.context_m:.0f} m: ")
        heads = {each["head"] for each in one["facts"]}
        assert heads == {f"image/{one['image']}"}
        if any(each["relation"] == "nearest" for each in one["facts"]):
            assert one["facts"][0]["relation"] == "nearest"


def test_captions_of_a_file_say_which_names_they_mention(graph, images, plan):
    row = next(row for row in images if graph.nodes.street[row])
    one, street = graph.nodes.ids[row].partition("/")[2], graph.nodes.street[row]
    text = f"A quiet corner of {street.upper()} with trees."
    (found,) = file_captions(graph, images, {one: text, "unknown": "x"}, plan, source="file c.csv")
    assert (found["from"], found["text"], found["mentions"]) == ("file c.csv", text, {"street": [street]})
    assert without(found, "street")["text"] == "A quiet corner of [street] with trees."


def test_captions_that_name_no_image_are_refused(graph, images, plan):
    with pytest.raises(BadInput, match=r"file c.csv name no image of the graph \(first: nobody\)"):
        list(file_captions(graph, images, {"nobody": "x"}, plan, source="file c.csv"))


def test_a_table_of_captions_is_read_and_judged(tmp_path):
    good = tmp_path / "good.csv"
    good.write_text("view_id,caption\nv1, A wall. \nv2,Trees\n")
    assert read_captions(good) == {"v1": "A wall.", "v2": "Trees"}
    other = tmp_path / "other.parquet"
    pd.DataFrame({"view_id": ["v1"], "text": ["x"]}).to_parquet(other)
    twice = tmp_path / "twice.csv"
    twice.write_text("view_id,caption\nv1,a\nv1,b\n")
    empty = tmp_path / "empty.csv"
    empty.write_text("view_id,caption\nv1,\n")
    for path, said in (
        (other, "expected columns view_id and caption, found view_id, text"),
        (twice, "twice \\(v1\\)"),
        (empty, "none for 1 views"),
    ):
        with pytest.raises(BadInput, match=said):
            read_captions(path)
    with pytest.raises(DataMissing):
        read_captions(tmp_path / "none.csv")


def test_mentions_are_whole_words_whatever_their_case():
    words = {"street": ["Mill Lane", "St"], "name": ["Café (Nord)"]}
    assert mentions("The mill lane and Café (Nord).", words) == {
        "street": ["Mill Lane"],
        "name": ["Café (Nord)"],
    }
    assert mentions("Windmill Laneway", words) == {}


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("Straße des 17. Juni", "Am STRASSE DES 17 JUNI vorbei.", "Am [street] vorbei."),
        ("Île-de-Ré", "Une vue de l'ile de re.", "Une vue de l'[street]."),
        ("Beacon Street", "#BeaconStreet, beacon_street kiosk", "#[street], [street] kiosk"),
        ("Rosengarten", "Das Rosengartenfest.", "Das [street]fest."),
        ("人民路", "我们在人民路上。", "我们在[street]上。"),
        ("南山", "深圳南山区的公园", "深圳[street]区的公园"),
        ("강남", "강남에서 찍은 사진", "[street]에서 찍은 사진"),
        ("Ii", "A view of Ii from the north.", "A view of [street] from the north."),
        (
            "A7",
            "A7 runs behind the houses, and a7 does not.",
            "[street] runs behind the houses, and a7 does not.",
        ),
        ("Å", "The road to Å.", "The road to [street]."),
        ("Mill Lane", "Mill Lane, mill-lane; Mill\u00a0Lane", "[street], [street]; [street]"),
    ],
)
def test_names_of_any_script_and_length_are_found_and_hidden(name, text, shown):
    found = mentions(text, {"street": [name]})
    assert found == {"street": [name]}
    assert without({"text": text, "mentions": found}, "street")["text"] == shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Mill", "The windmill and the mills."),
        ("In", "In the middle of the city. In it."),
        ("An", "an old house (An inn)."),
        ("75", "about 75 m to the north"),
        ("山", "火山口附近的公园"),
        ("Rose Wood", "A rose. Mr Wood says so; roses would."),
        ("Route 1234", "Beside route 12345."),
        ("Ase", "Fase, base, case"),
        ("Rosenweg 1", "Rosenweg 12"),
    ],
)
def test_what_only_looks_like_a_name_is_left(name, text):
    assert mentions(text, {"street": [name]}) == {}


def test_of_names_that_lie_over_one_another_the_longest_is_hidden_and_words_for_hiding_are_no_names():
    record = {
        "text": "By Old Mill Lane and Mill Lane in Street.",
        "mentions": {"street": ["Mill Lane", "Old Mill Lane"], "district": ["Street"]},
    }
    assert without(record)["text"] == "By [street] and [street] in [district]."


def test_captions_are_made_one_at_a_time(graph, images, plan):
    assert len(list(islice(context_captions(graph, images, plan), 2))) == 2
