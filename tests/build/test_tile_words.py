"""What tiles call things, in the words of OpenStreetMap: both schemas, and the versions of Protomaps."""

import pytest

from urbanbench.build.tiles.openmaptiles import OpenMapTiles
from urbanbench.build.tiles.osm_keys import AREA_KEYS, POINT_KEYS
from urbanbench.build.tiles.protomaps import Protomaps
from urbanbench.build.tiles.schema import meant_names
from urbanbench.toolkit.texts.counts import POI_KEYS

OMT, PROTOMAPS = OpenMapTiles(), Protomaps()


@pytest.mark.parametrize(
    ("attributes", "tags"),
    [
        (
            {"class": "cafe", "subclass": "cafe", "name": "Luna", "rank": 3},
            {"name": "Luna", "amenity": "cafe"},
        ),
        ({"class": "shop", "subclass": "charity"}, {"shop": "charity"}),
        ({"class": "office", "subclass": "charity"}, {"office": "charity"}),
        (
            {"class": "grocery", "subclass": "supermarket"},
            {"shop": "supermarket", "openmaptiles:class": "grocery"},
        ),
        ({"class": "lodging", "subclass": "hotel"}, {"tourism": "hotel", "openmaptiles:class": "lodging"}),
        ({"class": "railway", "subclass": "station"}, {"railway": "station"}),
        ({"class": "aerialway", "subclass": "station"}, {"aerialway": "station"}),
        ({"class": "railway", "subclass": "subway"}, {"railway": "station", "station": "subway"}),
        ({"class": "bus", "subclass": "bus_stop"}, {"highway": "bus_stop", "openmaptiles:class": "bus"}),
        (
            {"class": "place_of_worship", "subclass": "muslim"},
            {"amenity": "place_of_worship", "religion": "muslim"},
        ),
        ({"class": "place_of_worship"}, {"amenity": "place_of_worship"}),
        ({"class": "pitch", "subclass": "tennis"}, {"leisure": "pitch", "sport": "tennis"}),
        ({"class": "information", "subclass": "board"}, {"tourism": "information", "information": "board"}),
        (
            {"class": "odd", "subclass": "odder"},
            {"openmaptiles:subclass": "odder", "openmaptiles:class": "odd"},
        ),
    ],
)
def test_places_of_openmaptiles(attributes, tags):
    assert OMT.tags("poi", attributes) == tags


@pytest.mark.parametrize(
    ("attributes", "tags"),
    [
        ({"class": "minor"}, {"highway": "road"}),
        ({"class": "primary", "ramp": 1, "oneway": 1}, {"highway": "primary_link", "oneway": "yes"}),
        ({"class": "path", "subclass": "steps"}, {"highway": "steps"}),
        (
            {"class": "service", "service": "alley", "surface": "paved"},
            {"highway": "service", "service": "alley", "surface": "paved"},
        ),
        (
            {"class": "tertiary", "brunnel": "tunnel", "layer": -1},
            {"highway": "tertiary", "layer": "-1", "tunnel": "yes"},
        ),
        ({"class": "trunk_construction"}, {"highway": "construction", "construction": "trunk"}),
        ({"class": "transit", "subclass": "tram"}, "transit: no road"),
        ({"class": "ferry"}, "ferry: no road"),
        ({}, "no class: no road"),
    ],
)
def test_roads_of_openmaptiles(attributes, tags):
    assert OMT.tags("transportation", attributes) == tags


def test_a_height_of_five_is_none_because_openmaptiles_writes_it_where_nothing_is_known():
    assert OMT.tags("building", {"render_height": 5, "render_min_height": 0}) == {"building": "yes"}
    told = OMT.tags("building", {"render_height": 12.5, "render_min_height": 3, "colour": "#aaa"})
    assert told == {"building": "yes", "height": "12.5", "min_height": "3", "building:colour": "#aaa"}


def test_ground_of_openmaptiles():
    assert OMT.tags("landuse", {"class": "school"}) == {"amenity": "school"}
    assert OMT.tags("landcover", {"class": "wood", "subclass": "forest"}) == {
        "landuse": "forest",
        "openmaptiles:class": "wood",
    }
    assert OMT.tags("landcover", {"class": "wetland", "subclass": "marsh"}) == {
        "wetland": "marsh",
        "natural": "wetland",
    }
    assert OMT.tags("park", {"class": "nature_reserve", "name": "Moor"}) == {
        "leisure": "nature_reserve",
        "name": "Moor",
    }
    assert OMT.tags("landcover", {}) == "no class"


@pytest.mark.parametrize(
    ("layer", "by_version", "tags"),
    [
        (
            "pois",
            [
                {"amenity": "cafe", "name": "L", "pmap:kind": "cafe"},
                {"pmap:kind": "cafe", "name": "L"},
                {"kind": "cafe", "name": "L", "min_zoom": 16},
            ],
            {"amenity": "cafe", "name": "L"},
        ),
        (
            "landuse",
            [
                {"leisure": "park", "pmap:kind": "park"},
                {"pmap:kind": "park"},
                {"kind": "park", "sort_rank": 189},
            ],
            {"leisure": "park"},
        ),
        (
            "roads",
            [
                {"highway": "residential", "pmap:kind": "minor_road"},
                {"pmap:kind": "path", "pmap:kind_detail": "residential"},
                {"kind": "minor_road", "kind_detail": "residential"},
            ],
            {"highway": "residential"},
        ),
        (
            "roads",
            [
                {"highway": "motorway_link", "pmap:kind": "highway", "bridge": "yes"},
                {"pmap:kind": "highway", "pmap:link": 1, "pmap:level": 1},
                {"kind": "highway", "kind_detail": "motorway_link", "is_link": True, "is_bridge": True},
            ],
            {"highway": "motorway_link", "bridge": "yes"},
        ),
        (
            "buildings",
            [
                {"height": "9"},
                {"pmap:kind": "building", "height": 9.0},
                {"kind": "building", "height": 9, "sort_rank": 400},
            ],
            {"building": "yes", "height": "9"},
        ),
    ],
    ids=["place", "ground", "street", "link", "building"],
)
def test_three_versions_of_protomaps_say_the_same(layer, by_version, tags):
    for attributes in by_version:
        assert PROTOMAPS.tags(layer, attributes) == tags


@pytest.mark.parametrize(
    ("layer", "attributes", "tags"),
    [
        (
            "roads",
            {"kind": "minor_road", "kind_detail": "driveway"},
            {"highway": "service", "service": "driveway"},
        ),
        ("roads", {"kind": "path", "kind_detail": "sidewalk"}, {"highway": "footway", "footway": "sidewalk"}),
        ("roads", {"pmap:kind": "medium_road", "pmap:level": -1}, {"highway": "secondary", "tunnel": "yes"}),
        ("roads", {"kind": "rail", "kind_detail": "tram"}, "rail: no road"),
        ("roads", {"kind": "path", "kind_detail": "pier"}, "path: no road"),
        ("pois", {"kind": "restaurant", "cuisine": "thai"}, {"cuisine": "thai", "amenity": "restaurant"}),
        ("pois", {"kind": "unheard_of"}, {"protomaps:kind": "unheard_of"}),
        ("landuse", {"kind": "other"}, "of the kind other, which says nothing"),
        ("landuse", {}, "no kind"),
    ],
)
def test_words_of_protomaps(layer, attributes, tags):
    assert PROTOMAPS.tags(layer, attributes) == tags


def test_numbers_of_protomaps_hold_openstreetmaps_ids():
    assert [PROTOMAPS.object_id("pois", (kind << 44) + 5) for kind in (1, 2, 3, 0)] == [
        "n5",
        "w5",
        "r5",
        "pois-5",
    ]
    assert OMT.object_id("poi", 51) == "poi-51"


def test_names_in_other_languages_are_kept_where_they_differ():
    told = {
        "name": "Roma",
        "name_en": "Rome",
        "name_de": "Rom",
        "name:fr": "Rome",
        "name:latin": "Roma",
        "name_int": "Roma",
        "name:it": "Roma",
    }
    assert meant_names(told) == {"name": "Roma", "name:en": "Rome", "name:de": "Rom", "name:fr": "Rome"}


def test_the_keys_are_those_that_models_read():
    """A floor that counts POIs by key and value has to see the places of tiles."""
    assert set(POINT_KEYS.values()) <= {*POI_KEYS, "attraction"}
    assert {"landuse", "leisure", "natural"} <= set(AREA_KEYS.values())
