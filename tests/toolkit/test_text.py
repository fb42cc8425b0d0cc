"""Which objects are POIs and how their tags become text."""

import pandas as pd
import pyarrow as pa
import pytest

from urbanbench.city.folder.tags import tag_table
from urbanbench.toolkit.texts.place_texts import (
    EMPTY_TEXT,
    distinct_texts,
    is_object,
    is_place,
    is_shaped_place,
    place_texts,
)


def table(*objects):
    tags = pa.array([list(one.items()) for one in objects], pa.map_(pa.string(), pa.string()))
    return tag_table(pd.Series(tags, dtype=pd.ArrowDtype(tags.type)))


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({"amenity": "cafe"}, True),
        ({"sport": "tennis", "name": "Court"}, True),
        ({"amenity": "bench"}, False),
        ({"amenity": "cafe", "man_made": "fountain"}, False),
        ({"highway": "bus_stop"}, False),
        ({"name": "Nameless class"}, False),
        ({"building": "yes", "name": "Block 7"}, False),
        ({"building": "apartments"}, True),
        ({}, False),
    ],
)
def test_a_point_is_a_place_by_its_keys_and_values(tags, kept):
    assert is_place(table(tags)).tolist() == [kept]


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({"building": "yes"}, False),
        ({"building": "terrace"}, False),
        ({"building": "hotel"}, True),
        ({"building": "yes", "amenity": "school"}, True),
        ({"building": "yes", "leisure": "pitch"}, False),
        ({"building": "yes", "amenity": "parking_space"}, False),
        ({"building": "retail", "amenity": "toilets"}, False),
    ],
)
def test_a_footprint_is_a_place_if_its_use_is_known(tags, kept):
    assert is_shaped_place(table(tags)).tolist() == [kept]


def test_every_object_with_a_primary_key_counts_as_object():
    tags = table({"highway": "bus_stop"}, {"name": "Only a name"}, {"building": "yes"}, {"website": "x"})
    assert is_object(tags).tolist() == [True, False, True, False]


def test_text_follows_the_key_order_and_is_cleaned():
    tags = table(
        {"building": "yes", "shop": "car_repair", "website": "w", "name": 'Ah "Hock" {Auto}\'s'},
        {"website": "w"},
    )
    assert place_texts(tags) == ["name: Ah Hock Autos, shop: car repair, building: yes", EMPTY_TEXT]


def test_text_can_leave_the_name_out_and_add_primary_keys():
    tags = table({"name": "Stop 3", "highway": "bus_stop"}, {"name": "B", "amenity": "bar"})
    assert place_texts(tags, use_name=False) == [EMPTY_TEXT, "amenity: bar"]
    assert place_texts(tags, every_key=True) == ["name: Stop 3, highway: bus stop", "name: B, amenity: bar"]


def test_distinct_texts_lead_back_to_all_texts():
    texts = ["b", "a", "b", "c", "a"]
    known, row = distinct_texts(texts)
    assert len(set(known)) == len(known)
    assert [known[one] for one in row] == texts
