"""What is right, measured again from the layers of the city and not from its graph."""

import json
import re
from functools import cache

import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import RunRefused
from urbanbench.registry import load_task
from urbanbench.toolkit.ground.roads import FOOT_ROADS, without_classes

STEP_M = 25.0
SIDES = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def right(asked):
    """Yield (view, query, right candidate) of questions about pictures."""
    exam = asked.exam
    for name, positive in zip(asked.queries, asked.positive, strict=True):
        item = exam.items[name]
        yield (exam.pictures[item.image] if item.image else None), item, exam.items[positive]


def metres_of(text):
    found = re.match(r"about (\d+) m", text)
    assert found or text == "less than 12.5 m"
    return float(found[1]) if found else 0.0


@cache
def places(toy):
    pois = toy.pois
    kinds = [{value.replace("_", " ") for _, value in row} for row in pois["tags"]]
    return np.array(kinds, dtype=object), np.column_stack([pois.geometry.x, pois.geometry.y])


@cache
def around(toy, view):
    """POIs by distance from a view: the values of their tags, metres, offsets."""
    point = toy.street_views.geometry[view]
    kinds, xy = places(toy)
    offset = xy - [point.x, point.y]
    away = np.hypot(*offset.T)
    order = np.argsort(away, kind="stable")
    return kinds[order], away[order], offset[order]


def test_a_place_is_told_by_the_street_nearest_to_it_the_ground_it_lies_in_and_its_region(toy, questions):
    roads = toy.roads[without_classes(toy.roads, FOOT_ROADS)]
    tags = tag_table(roads["tags"]).with_key("name")
    names = dict(zip(tags.rows.tolist(), tags.value.tolist(), strict=True))
    for view, _, told in right(questions("geolocation")):
        point = toy.street_views.geometry[view]
        away = roads.geometry.distance(point).to_numpy()
        nearest = {names.get(row, "") for row in np.flatnonzero(away < away.min() + 0.01)}
        assert any(
            told.text.startswith(name) if name else told.text.startswith("A street") for name in nearest
        )
        region = toy.regions["name"][toy.street_views["region_id"][view]]
        assert f"in {region}" in told.text


def test_the_middle_of_the_city_lies_as_far_and_in_the_direction_that_is_told(toy, questions):
    centres = toy.regions.geometry.centroid
    middle = np.array([centres.x.mean(), centres.y.mean()])
    for view, _, told in right(questions("geolocation")):
        point = toy.street_views.geometry[view]
        east, north = point.x - middle[0], point.y - middle[1]
        if "in the middle of the city" in told.text:
            assert np.hypot(east, north) <= 250
            continue
        km, side = re.search(r"about ([\d.]+) km ([\w-]+) of the middle", told.text).groups()
        assert abs(np.hypot(east, north) / 1000 - float(km)) <= 0.25 + 1e-9
        angle = np.degrees(np.arctan2(east, north)) % 360
        assert abs((angle - 45 * SIDES.index(side) + 180) % 360 - 180) <= 22.6


def test_the_nearest_place_of_a_question_is_the_nearest_and_no_other_kind_is_nearly_as_near(toy, questions):
    seen = 0
    for view, query, told in right(questions("spatial-grounding")):
        if not query.text.startswith("What kind"):
            continue
        kinds_of, away, _ = around(toy, view)
        word = told.text.partition(" ")[2]
        kinds = [word in some for some in kinds_of]
        assert kinds[0]
        other = next(k for k, same in enumerate(kinds) if not same)
        assert away[other] - away[0] >= 10
        seen += 1
    assert seen > 20


def test_landmarks_lie_as_far_and_where_the_answer_says(toy, questions):
    seen = 0
    for view, query, told in right(questions("spatial-grounding")):
        found = re.match(r"How far from the picture is the nearest (.*), and", query.text)
        if not found:
            continue
        kinds_of, away, offset = around(toy, view)
        kinds = [found[1] in some for some in kinds_of]
        first = kinds.index(True)
        metres, side = re.match(r"about (\d+) m to the ([\w-]+)", told.text).groups()
        assert abs(away[first] - float(metres)) <= STEP_M / 2 - 2.5
        angle = np.degrees(np.arctan2(*offset[first])) % 360
        assert abs((angle - 45 * SIDES.index(side) + 180) % 360 - 180) <= 20
        seen += 1
    assert seen > 20


def test_distances_between_kinds_are_those_between_the_nearest_of_each(toy, questions):
    seen = 0
    for view, query, told in right(questions("spatial-grounding")):
        found = re.match(r"Of the places nearest .* from the (.*) to the (.*)\?", query.text)
        if not found:
            continue
        kinds_of, _, offset = around(toy, view)
        ends = []
        for word in found.groups():
            kinds = [word in some for some in kinds_of]
            ends.append(offset[kinds.index(True)])
        metres = metres_of(told.text)
        assert abs(np.hypot(*(ends[0] - ends[1])) - metres) <= STEP_M / 2 - 2.5
        seen += 1
    assert seen > 20


def test_crossings_of_the_nearest_street_lie_where_the_answer_says(toy, questions):
    ends = shapely.get_coordinates(toy.roads[without_classes(toy.roads, FOOT_ROADS)].geometry.to_numpy())
    seen = 0
    for view, query, told in right(questions("spatial-grounding")):
        if not query.text.startswith("Which kind of street"):
            continue
        kind, metres, side = re.match(
            r"a street \((\w+)\), with a crossing about (\d+) m to the ([\w-]+)", told.text
        ).groups()
        point = toy.street_views.geometry[view]
        roads = toy.roads[without_classes(toy.roads, FOOT_ROADS)]
        nearest = roads.iloc[int(roads.geometry.distance(point).to_numpy().argmin())]
        assert kind in {value for _, value in nearest["tags"]}
        offset = ends - [point.x, point.y]
        angle = np.degrees(np.arctan2(*offset.T)) % 360
        there = abs(np.hypot(*offset.T) - float(metres)) <= STEP_M / 2 + 1e-6
        assert (there & (abs((angle - 45 * SIDES.index(side) + 180) % 360 - 180) <= 22.6)).any()
        seen += 1
    assert seen > 10


def test_wrong_answers_of_a_form_are_answers_of_that_form(questions):
    asked = questions("spatial-grounding")
    group = dict(zip(asked.pool, asked.groups, strict=True))
    text = {one: asked.exam.items[one].text for one in asked.pool}
    assert all(
        ("to the" in text[one]) == (group[one] in {"landmark", "nearest-street"}) for one in asked.pool
    )
    assert all(
        text[one].startswith(("about", "less than")) == (group[one] in {"landmark", "distance"})
        for one in asked.pool
    )


def test_a_way_ends_at_its_picture_and_others_to_which_the_same_words_lead_are_right_as_well(toy, questions):
    asked = questions("image-retrieval")
    seen = 0
    for name, positive in zip(asked.queries, asked.positive, strict=True):
        text = asked.exam.items[name].text
        if not text.startswith("From") or " 0 m " in text.split(". ")[-1]:
            continue
        word, metres, side = re.match(
            r"From an? (.*) (\d+) m ([\w-]+) to a place with a picture", text.split(". ")[-1]
        ).groups()
        view = asked.exam.pictures[asked.exam.items[positive].image]
        if word.startswith(("area", "street")) or word == "place with a picture":
            continue
        kinds_of, away, offset = around(toy, view)
        fits = [
            word in some and abs(gone - float(metres)) <= 0.6
            for some, gone in zip(kinds_of, away, strict=True)
        ]
        angles = np.degrees(np.arctan2(*-offset[np.array(fits)].T)) % 360
        assert (abs((angles - 45 * SIDES.index(side) + 180) % 360 - 180) <= 22.6).any()
        seen += 1
    assert seen > 5


def test_of_pictures_at_one_point_none_is_wrong(copied):
    import geopandas as gpd

    folder = copied()
    views = gpd.read_parquet(folder / "street_views.parquet")
    views.loc[1::2, "geometry"] = views.loc[::2, "geometry"].to_numpy()
    views.to_parquet(folder / "street_views.parquet")
    city = City.open(folder)
    asked = load_task("image-retrieval").targets(city)
    exam = asked.exam
    place = {one: city.street_views.geometry[exam.pictures[exam.items[one].image]] for one in asked.pool}
    answer = dict(zip(asked.pool, asked.answer_codes.tolist(), strict=True))
    twins = 0
    for name, positive in zip(asked.queries, asked.positive, strict=True):
        same = {one for one in asked.pool if place[one].equals(place[positive])} - {positive}
        twins += len(same)
        right_too = asked.also_right.get(name, frozenset()) | {
            one for one in asked.pool if answer[one] == answer[positive]
        }
        assert same <= right_too
    assert twins > 10


def test_what_people_find_is_told_in_thirds_of_the_pictures_that_may_be_learned_from(toy, questions, ground):
    value = toy.label("perception_wealthy")["value"]
    learned = value[[ground.view_ids[k] for k in ground.learned]]
    low, high = np.quantile(learned, [1 / 3, 2 / 3])
    asked = questions("perception")
    pairs = [(view, told.text) for view, _, told in right(asked) if view]
    pairs += [
        (asked.exam.pictures[told.image], query.text) for view, query, told in right(asked) if view is None
    ]
    assert len(pairs) == len(asked)
    for view, text in pairs:
        third = "low" if value[view] < low else "high" if value[view] >= high else "middling"
        assert f"wealthy {third}" in text


def test_pictures_of_which_people_find_the_same_are_never_wrong_answers(questions):
    asked = questions("perception")
    said = dict(zip(asked.pool, asked.answers, strict=True))
    code = dict(zip(asked.pool, asked.answer_codes.tolist(), strict=True))
    assert (
        len({(said[one], code[one]) for one in asked.pool})
        == len(set(said.values()))
        == len(set(code.values()))
    )


def test_the_same_city_gives_the_same_questions(questions, copied):
    again = load_task("spatial-grounding").targets(City.open(copied()))
    assert again.digest() == questions("spatial-grounding").digest()


@pytest.mark.parametrize("task", ["geolocation", "image-retrieval", "perception", "spatial-grounding"])
def test_a_city_without_street_views_is_refused_in_words(task, tiny_toyville_without_pictures):
    with pytest.raises(RunRefused, match="street_views"):
        load_task(task).targets(City.open(tiny_toyville_without_pictures))


def without(folder, *layers):
    """Leave layers out of a city."""
    told = json.loads((folder / "city.json").read_text())
    told["layers"] = {name: entry for name, entry in told["layers"].items() if name not in layers}
    (folder / "city.json").write_text(json.dumps(told))
    return City.open(folder)


def test_of_a_city_without_a_map_places_are_told_by_region_and_direction_and_nothing_else_is_asked(copied):
    city = without(copied(), "roads", "pois", "landuse")
    asked = load_task("geolocation").targets(city)
    texts = {asked.exam.items[one].text for one in asked.pool}
    assert all(
        re.fullmatch(r"In \w+, (about [\d.]+ km [\w-]+ of|in) the middle of the city\.", one) for one in texts
    )
    for task in ("image-retrieval", "spatial-grounding"):
        with pytest.raises(RunRefused, match="neither streets nor POIs"):
            load_task(task).targets(city)


def test_of_a_city_without_roads_no_street_is_asked_for(copied):
    asked = load_task("spatial-grounding").targets(without(copied(), "roads"))
    assert set(asked.groups) == {"nearest-place", "distance", "landmark"}
