"""Averaged caption vectors against a loop over sentences."""

import shutil

import numpy as np
import pytest

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.errors import BadInput, InputMasked, RunRefused
from urbanbench.models.minilm_captions import MinilmCaptions
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

MODEL = MinilmCaptions(text_encoder="hashing")


@pytest.fixture(scope="module")
def folder(tiny_toyville_without_pictures, tmp_path_factory):
    return shutil.copytree(tiny_toyville_without_pictures, tmp_path_factory.mktemp("captioned") / "city")


@pytest.fixture(scope="module")
def city(folder, add_captions):
    ids = City.open(folder).regions.index.tolist()
    rows = [(one, f"Sentence {k} of a place") for j, one in enumerate(ids[:-2]) for k in range(j % 3 + 1)]
    add_captions(folder, [*rows, (ids[0], "Sentence 0 of a place")])
    return City.open(folder)


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Features never come from another test."""


def test_regions_have_the_mean_over_their_sentences_each_time_they_stand(city):
    view = city.view({"captions"})
    ids = view.region_ids[::-1]
    space = MODEL.embed(view, units=Units("region", ids), seed=0, device="cpu")
    with seeded_torch(0, "minilm-captions"):
        encoder = load_text_encoder("hashing")
    for one, row, known in zip(ids, space.vectors, space.mask, strict=True):
        mine = view.captions[view.captions["region_id"] == one]["caption"].tolist()
        assert known == bool(mine)
        expected = encode_texts(encoder, mine).mean(axis=0) if mine else np.zeros(encoder.dim)
        np.testing.assert_allclose(row, expected, atol=1e-6)
    assert (~space.mask).sum() == 2
    assert view.touched == {"captions"}


def test_keeps_its_contract(city):
    check_model(MODEL, city)


def test_needs_captions_and_known_regions(city, tiny_toyville_without_pictures):
    with pytest.raises(InputMasked):
        MODEL.embed(city.view({"poi"}), units=Units("region", ("x",)), seed=0, device="cpu")
    with pytest.raises(BadInput):
        MODEL.embed(city.view({"captions"}), units=Units("region", ("x",)), seed=0, device="cpu")
    with pytest.raises(RunRefused, match="needs captions"):
        check_model(MODEL, City.open(tiny_toyville_without_pictures))


def test_the_variant_names_the_encoder(city):
    assert MinilmCaptions.from_settings("small").variant(city.view({"captions"})) == {
        "text": "all-minilm-l6-v2 (frozen)"
    }
