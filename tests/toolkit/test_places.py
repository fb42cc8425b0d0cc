"""POIs of a view: which there are, where they lie and which footprint they have."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.errors import RunRefused, UnknownName
from urbanbench.seen import seeing
from urbanbench.toolkit.ground.places import centres, gather_places, region_rows
from urbanbench.toolkit.texts.place_texts import EMPTY_TEXT


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


def test_regions_of_objects_are_rows_of_the_view(city):
    view = city.view({"poi"})
    ids = [view.region_ids[3], None, view.region_ids[0]]
    assert region_rows(view, ids).tolist() == [3, -1, 0]


def test_centres_are_points_themselves_and_centroids():
    shapes = gpd.GeoSeries(
        [shapely.Point(3, 4), shapely.box(0, 0, 2, 6), shapely.LineString([(0, 0), (8, 0)])]
    )
    np.testing.assert_allclose(centres(shapes), [[3, 4], [1, 3], [4, 0]])
    assert centres(np.empty(0, dtype=object)).shape == (0, 2)


def test_footprint_of_a_poi_is_the_smallest_building_around_it_or_itself(city):
    view = city.view({"poi", "polygon"})
    places, shapes = gather_places(view, poi_filter="all", use_name=True), np.asarray(view.buildings.geometry)
    assert 0 < places.n_points < len(places)
    assert (places.building[: places.n_points] == -1).any()
    for place in [*range(0, places.n_points, 17), *range(places.n_points, len(places), 5)]:
        around = np.flatnonzero(shapely.covers(shapes, shapely.Point(places.xy[place])))
        if place >= places.n_points:
            assert view.buildings.index[places.building[place]] == places.ids[place]
        elif len(around):
            assert places.building[place] == around[np.argmin(shapely.area(shapes[around]))]
        else:
            assert places.building[place] == -1
    for place in np.flatnonzero(places.shape >= 0)[::25]:
        assert places.shapes[places.shape[place]] is shapes[places.building[place]]


def test_without_polygons_there_are_points_without_footprints(city):
    places = gather_places(city.view({"poi"}), poi_filter="paper", use_name=False)
    assert places.n_points == len(places)
    assert len(places.shapes) == len(places.shape_row) == 0
    assert (places.building == -1).all()


def test_further_texts_stand_among_the_texts_of_no_poi(city):
    view = city.view({"poi"})
    plain = gather_places(view, poi_filter="paper", use_name=True)
    more = gather_places(view, poi_filter="paper", use_name=True, further_texts=("a text of no place",))
    assert set(more.texts) - set(plain.texts) == {"a text of no place"}
    assert [more.texts[row] for row in more.text] == [plain.texts[row] for row in plain.text]


def test_every_building_is_a_place_with_its_shape_when_asked(city):
    view = city.view({"poi", "polygon"})
    strict, every = (
        gather_places(view, poi_filter="paper", use_name=True, untagged=one) for one in ("strict", "poi")
    )
    assert every.ids[every.n_points :].tolist() == view.buildings.index.tolist()
    assert every.building[every.n_points :].tolist() == list(range(len(view.buildings)))
    assert every.n_points == strict.n_points
    written = dict(zip(every.ids.tolist(), (every.texts[one] for one in every.text), strict=True))
    known = set(strict.ids.tolist())
    for one, text in zip(strict.ids.tolist(), (strict.texts[row] for row in strict.text), strict=True):
        assert written[one] == text  # those that tell their use keep their text
    for one, tags in zip(view.buildings.index, view.buildings["tags"], strict=True):
        if one not in known and not {"name"} & {key for key, _ in tags}:
            assert written[one] in {"building", f"building: {dict(tags).get('building')}"}
    assert {"building"} <= set(written.values())
    assert {"building: yes", EMPTY_TEXT}.isdisjoint(written[one] for one in view.buildings.index)


def test_what_is_used_of_a_view_is_what_the_places_are(city):
    view = city.view({"poi", "polygon"})
    with seeing() as seen:
        places = gather_places(view, poi_filter="paper", use_name=True)
    points = places.shape[: places.n_points]
    assert seen.to_record() == {
        "poi": {"used": places.n_points, "of": len(view.pois)},
        "poi_with_footprint": {"used": int((points >= 0).sum()), "of": len(view.pois)},
        "polygon": {"used": len(places.shapes), "of": len(view.buildings)},
    }
    with seeing() as seen:
        gather_places(city.view({"poi"}), poi_filter="all", use_name=True)
    assert list(seen.to_record()) == ["poi"]


def test_unknown_filters_and_cities_without_pois_are_refused(city):
    with pytest.raises(UnknownName, match="POI filter"):
        gather_places(city.view({"poi"}), poi_filter="some", use_name=True)
    with pytest.raises(UnknownName, match=r"word for untagged buildings 'pois'\. Did you mean 'poi'"):
        gather_places(city.view({"poi", "polygon"}), poi_filter="all", use_name=True, untagged="pois")

    class Bare:
        city_name, region_ids = "bare", ("r1",)
        pois = city.view({"poi"}).pois.iloc[:0]

        def has(self, name):
            return name == "poi"

    with pytest.raises(RunRefused, match="no POI left"):
        gather_places(Bare(), poi_filter="all", use_name=True)
