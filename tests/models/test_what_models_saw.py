"""What models say they used of a view against counts by hand; what they lack for want of data; whether they know their place."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import CityFaults
from urbanbench.models.building_stats import BuildingStats
from urbanbench.models.geovectors import GeoVectors
from urbanbench.models.hgi import HGI
from urbanbench.models.imagenet_features import ImagenetFeatures
from urbanbench.models.musecl import MuseCL
from urbanbench.models.neighbour_counts import NeighbourCounts
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.models.tfidf import TfIdf
from urbanbench.models.urban2vec import Urban2Vec
from urbanbench.models.urbanclip import UrbanCLIP
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.seen import seeing
from urbanbench.toolkit.texts.counts import POI_KEYS
from urbanbench.toolkit.texts.place_texts import is_place, is_shaped_place
from urbanbench.units import Units

EVERYTHING = frozenset({"poi", "polygon", "road", "street_view", "satellite"})
HGI_BRIEF = dataclasses.replace(HGI.from_settings("small"), dim=16, min_steps=0, max_steps=3, walks=1)


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


def used(model, view, units):
    with seeing() as seen:
        model.embed(view, units=units, seed=0, device="cpu")
    return {kind: one["used"] for kind, one in seen.to_record().items()}


def regions(view, count=None):
    return Units("region", tuple(view.region_ids[:count]))


def holds(tags, keys):
    return bool({key for key, _ in tags} & set(keys))


def test_counts_use_the_pois_of_the_units_that_have_a_kept_word(city):
    view = city.view({"poi"})
    some = regions(view, 20)
    pois = view.pois
    inside = pois["region_id"].isin(some.ids)
    wanted = sum(holds(tags, POI_KEYS) for tags in pois["tags"][inside])
    assert 0 < wanted < len(pois)
    assert used(PoiCounts(), view, some) == {"poi": wanted}
    pairs = pd.Series([f"{key}={value}" for tags in pois["tags"] for key, value in tags if key in POI_KEYS])
    top = pairs.value_counts().index[0]
    few = sum(any(f"{key}={value}" == top for key, value in tags) for tags in pois["tags"][inside])
    assert used(PoiCounts(max_columns=1), view, some) == {"poi": few}


def test_words_of_few_regions_and_pois_outside_are_not_used(city):
    view = city.view({"poi"})
    with_words = used(TfIdf(), view, regions(view))["poi"]
    inside = view.pois["region_id"].notna().sum()
    assert used(TfIdf(min_regions=61), view, regions(view))["poi"] == 0
    assert 0 < with_words <= inside


def test_statistics_of_buildings_use_them_and_those_near(city):
    view = city.view({"polygon"})
    buildings = view.buildings
    ids = tuple(buildings.index[:5])
    centres = shapely.centroid(np.asarray(buildings.geometry))
    near = np.zeros(len(buildings), dtype=bool)
    for one in centres[:5]:
        near |= shapely.distance(centres, one) <= 100.0
    near[:5] = True
    assert used(BuildingStats(), view, Units("building", ids)) == {"polygon": int(near.sum())}
    inside = int(buildings["region_id"].isin(view.region_ids[:7]).sum())
    assert used(BuildingStats(), view, regions(view, 7)) == {"polygon": inside}


def test_graph_nodes_are_the_pois_and_the_buildings_that_are_or_all_of_them(city):
    view = city.view({"poi", "polygon"})
    points = int(is_place(tag_table(view.pois["tags"])).sum())
    shaped = int(is_shaped_place(tag_table(view.buildings["tags"])).sum())
    assert used(HGI_BRIEF, view, regions(view)) == {"poi": points, "polygon": shaped}
    every = dataclasses.replace(HGI_BRIEF, untagged="poi")
    assert used(every, view, regions(view)) == {"poi": points, "polygon": len(view.buildings)}
    assert every.variant(view)["nodes"] == "POIs and all buildings"


def test_every_building_is_a_node_with_its_category_when_asked(city):
    view = city.view({"poi", "polygon"})
    trained = dataclasses.replace(HGI_BRIEF, untagged="poi", min_count=1).pretrain(view, seed=0)
    places, buildings = trained.places, view.buildings
    named = dict(
        zip(places.ids, (places.categories.names[one] for one in places.categories.of_place), strict=True)
    )
    assert set(places.ids[places.is_building]) == set(buildings.index)
    bare = [
        one for one, tags in buildings["tags"].items() if not dict(tags) or dict(tags) == {"building": "yes"}
    ]
    assert bare
    assert {named[one] for one in bare} == {"building=yes"}


def test_pois_without_a_known_word_are_used_for_their_place_only(city, tmp_path):
    view = city.view({"poi"})
    (tmp_path / "words.vec").write_text("amenity 1 0\n", encoding="utf-8")
    brief = {"words": str(tmp_path / "words.vec"), "walks": 1, "epochs": 1, "location_dim": 4}
    amenities = sum(holds(tags, ["amenity"]) for tags in view.pois["tags"][view.pois["region_id"].notna()])
    assert used(GeoVectors(parts=("tags",), **brief), view, regions(view)) == {"poi": amenities}
    tagged = sum(len(tags) > 0 for tags in view.pois["tags"])
    assert used(GeoVectors(**brief), view, regions(view)) == {"poi": tagged}
    inside = view.pois[view.pois["region_id"].isin(view.region_ids[:3])]
    few = used(GeoVectors(parts=("location",), max_nodes=50, **brief), view, regions(view, 3))["poi"]
    assert len(inside) <= few <= len(inside) + 50


class Broken:
    """A view of which some pictures do not open."""

    def __init__(self, view, paths):
        self._view, self._paths = view, set(paths)

    def __getattr__(self, name):
        return getattr(self._view, name)

    def open_image(self, path):
        if path in self._paths:
            raise CityFaults("here", [f"{path}: expected a picture"])
        return self._view.open_image(path)

    def picture_digest(self, paths):
        return f"{self._view.picture_digest(paths)}{sorted(self._paths)}"


@pytest.mark.parametrize("name", ["imagenet", "musecl"])
def test_pictures_that_do_not_open_are_not_used(city, name, own_cache):
    view = city.view(EVERYTHING)
    views = view.street_views
    columns = [one for one in ("image", "east", "south", "west", "north") if one in views]
    lost = views.index[[0, 7]]
    paths = [path for path in views.loc[lost, columns].to_numpy().ravel() if isinstance(path, str)]
    seen = Broken(view, [*paths, view.satellite["image"].iloc[3]])
    model = ImagenetFeatures(size=32)
    if name == "musecl":
        model = dataclasses.replace(
            MuseCL.from_settings("small"), dim=8, street_encoder="tiny-cnn", overhead_encoder="tiny-cnn",
            street_size=16, overhead_size=16, max_steps=1, word_epochs=1,
        )  # fmt: skip
    told = used(model, seen, regions(view))
    shared = set(paths)
    still = sum(
        bool({path for path in row if isinstance(path, str)} - shared)
        for row in views.loc[views["region_id"].notna(), columns].to_numpy()
    )
    assert told["street_view"] == still
    assert told["satellite"] == len(view.satellite) - 1


def test_what_takes_the_place_of_missing_data_is_said(city):
    full, flat, bare = city.view(EVERYTHING), city.view({"poi", "polygon"}), city.view({"poi"})
    said = {
        Urban2Vec.from_settings("small"): ((), ("footprints for street views",), ("no street views",)),
        MuseCL.from_settings("small"): (
            (),
            ("footprint maps for satellite", "one kind of picture, no fusion"),
            ("one kind of picture, no fusion",),
        ),
        UrbanMFM.from_settings("small"): ((), ("no stage svi+macro+global",), ("no stage svi+macro+global",)),
        HGI.from_settings("small"): ((), (), ()),
    }
    for model, wanted in said.items():
        assert tuple(model.lacks(one) for one in (full, flat, bare)) == wanted
    assert Urban2Vec.from_settings("small").lacks(city.view({"polygon"})) == (
        "footprints for street views",
        "no words",
    )
    assert Urban2Vec.from_settings("small", {"pictures": "polygon"}).lacks(flat) == ()
    assert UrbanMFM.from_settings("small", {"stages": "poi,local"}).lacks(bare) == ()
    assert UrbanCLIP.from_settings("small").lacks(full) == ("template captions",)


def test_models_know_their_place_by_what_is_in_their_vectors():
    known = {
        "walks between near objects": GeoVectors(),
        "graph of neighbouring regions": HGI(),
        "neighbouring regions": NeighbourCounts(),
        "graphs of neighbours": UrbanMFM(graph_vector=True),
        "position encoding": UrbanMFM(with_pe=True),
        "position encoding, graphs of neighbours": UrbanMFM(with_pe=True, graph_vector=True),
    }
    assert {words: model.knows_place() for words, model in known.items()} == {words: words for words in known}
    silent = [GeoVectors(parts=("tags",)), HGI(region_vector="pooled"), UrbanMFM(), PoiCounts(), MuseCL()]
    assert {model.knows_place() for model in silent} == {""}
