"""Averaged sentence vectors against a loop over POIs."""

import numpy as np
import pytest
import shapely

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, InputMasked, UnknownName
from urbanbench.models.text_mean import TextMean
from urbanbench.toolkit.texts.place_texts import is_object, is_place, is_shaped_place, place_texts
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

MODEL = TextMean(text_encoder="hashing")


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Features never come from another test."""


def texts_of(frame, told, **how):
    tags = tag_table(frame["tags"])
    kept = told(tags)
    return {
        one: text for one, text, keep in zip(frame.index, place_texts(tags, **how), kept, strict=True) if keep
    }


def encoded(texts):
    with seeded_torch(0, "text-mean"):
        encoder = load_text_encoder("hashing")
    return dict(zip(texts, encode_texts(encoder, list(texts.values())), strict=True))


def mean_of(vectors, ids):
    found = [vectors[one] for one in ids if one in vectors]
    return np.mean(found, axis=0) if found else np.zeros(384)


@pytest.mark.parametrize(
    ("settings", "told", "how"),
    [
        ({}, is_place, {}),
        ({"use_name": False}, is_place, {"use_name": False}),
        ({"poi_filter": "all"}, is_object, {"every_key": True}),
    ],
)
def test_regions_have_the_mean_over_their_pois(city, settings, told, how):
    view = city.view(frozenset({"poi"}))
    ids = view.region_ids[::-3]
    made = TextMean(text_encoder="hashing", **settings).embed(
        view, units=Units("region", ids), seed=0, device="cpu"
    )
    vectors = encoded(texts_of(view.pois, told, **how))
    pois = view.pois["region_id"]
    wanted = [mean_of(vectors, pois.index[pois == region]) for region in ids]
    np.testing.assert_allclose(made.vectors, wanted, atol=1e-6)
    assert made.mask.tolist() == [bool(np.any(row)) for row in wanted]


def test_pois_have_their_own_vector_and_street_furniture_none(city):
    view = city.view(frozenset({"poi"}))
    ids = tuple(view.pois.index[::-1])
    made = MODEL.embed(view, units=Units("poi", ids), seed=0, device="cpu")
    vectors = encoded(texts_of(view.pois, is_place))
    np.testing.assert_allclose(made.vectors, [mean_of(vectors, [one]) for one in ids], atol=1e-6)
    assert made.mask.tolist() == [one in vectors for one in ids]


def test_buildings_have_the_mean_around_and_their_own_vector(city):
    view = city.view(frozenset({"poi", "polygon"}))
    own = texts_of(view.buildings, is_shaped_place)
    ids = (*list(own)[:5], *view.buildings.index[:60:2].difference(list(own)[:5]))
    made = MODEL.embed(view, units=Units("building", ids), seed=0, device="cpu")
    around, inside = encoded(texts_of(view.pois, is_place)), encoded(own)
    for row, one in enumerate(ids):
        near = shapely.distance(np.asarray(view.pois.geometry), view.buildings.geometry[one]) <= 100.0
        wanted = np.concatenate([mean_of(around, view.pois.index[near]), mean_of(inside, [one])])
        np.testing.assert_allclose(made.vectors[row], wanted, atol=1e-6)
        assert made.mask[row] == np.any(wanted)
    assert made.vectors[:5, 384:].any(axis=1).all()


def test_withheld_buildings_have_no_text_of_their_own(city):
    full = city.view(frozenset({"poi", "polygon"}))
    targets = tuple(texts_of(full.buildings, is_shaped_place))[:4]
    view = city.view(frozenset({"poi", "polygon"}), withholds=("target_building",), target_ids=targets)
    made = MODEL.embed(view, units=Units("building", targets), seed=0, device="cpu")
    assert not made.vectors[:, 384:].any()


@pytest.mark.parametrize("level", ["region", "building", "poi"])
def test_the_model_conforms(city, level):
    check_model(MODEL, city, level=level)


def test_features_are_kept_between_runs(city, own_cache, monkeypatch):
    view, units = city.view(frozenset({"poi"})), Units("region", city.unit_ids("region"))
    first = MODEL.embed(view, units=units, seed=0, device="cpu")
    assert len(list((own_cache / "features").glob("*.safetensors"))) == 1
    monkeypatch.setattr("urbanbench.toolkit.texts.text_encoders.encode_texts", None)
    again = MODEL.embed(view, units=units, seed=0, device="cpu")
    assert first.vectors.tobytes() == again.vectors.tobytes()


def test_the_variant_names_the_encoder(city):
    view = city.view(frozenset({"poi"}))
    assert TextMean.from_settings("small").variant(view) == {"text": "all-minilm-l6-v2 (frozen)"}
    assert TextMean().variant(view) == {"text": "bert-base-uncased (frozen)"}


def test_what_cannot_be_embedded_is_named(city):
    with pytest.raises(UnknownName, match="POI filter 'some'"):
        TextMean(poi_filter="some")
    with pytest.raises(InputMasked):
        MODEL.embed(
            city.view(frozenset({"poi"})),
            units=Units("building", city.unit_ids("building")[:2]),
            seed=0,
            device="cpu",
        )
    views = Units("street_view", ("v1",))
    with pytest.raises(BadInput, match="level 'street_view'"):
        MODEL.embed(city.view(frozenset({"poi"})), units=views, seed=0, device="cpu")
