"""Trained stages are read again only where the same encoders, processes and packages would train them the same."""

import pytest

from urbanbench.city.city import City
from urbanbench.home import cache_root, fresh_cache
from urbanbench.models._urbanmfm import kept
from urbanbench.models._urbanmfm import pretrain as training
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import kept_stage, seeded_torch

QUICK = {
    "dim": "32",
    "text_encoder": "hashing",
    "raster_size": "16",
    "max_neighbours": "8",
    "max_steps": "2",
    "stages": "poi",
}


@pytest.fixture(scope="module")
def view(tiny_toyville):
    return City.open(tiny_toyville).view({"poi", "polygon", "road"})


def key_of(view, **encoders):
    model = UrbanMFM.from_settings("small", QUICK)
    return kept.stage_keys(model, view, ("poi",), seed=0, device="cpu", encoders=encoders)["poi"]


def test_stage_keys_follow_the_encoders(view):
    keys = [key_of(view, text="a"), key_of(view, text="b"), key_of(view, text="a", image="a")]
    assert len(set(keys)) == 3
    assert key_of(view, text="a") == keys[0]


@pytest.mark.parametrize(("part", "other"), [("processes", 2), ("learned_versions", {"torch": "0.1"})])
def test_stage_keys_follow_processes_and_packages(view, monkeypatch, part, other):
    before = key_of(view)
    monkeypatch.setattr(kept_stage, part, lambda: other)
    assert key_of(view) != before


def test_an_encoder_with_other_weights_under_the_same_word_is_trained_anew(view, monkeypatch):
    """As when a name on the hub, or a folder under the same path, gets other weights."""
    weights = ["first", "first", "second"]

    def load(word, *, pool):
        with seeded_torch(0, weights.pop(0)):
            return load_text_encoder(word, pool=pool)

    monkeypatch.setattr(training, "load_text_encoder", load)
    counts = []
    with fresh_cache():
        for _ in range(3):
            UrbanMFM.from_settings("small", QUICK).pretrain(view, seed=0)
            counts.append(len(list((cache_root() / "training").glob("*.safetensors"))))
    assert counts == [1, 1, 2]


READOUTS = [
    {"pooling": "sum"},
    {"poi_vector": "mean"},
    {"poi_vector": "concat", "raw_length": "true"},
    {"graph_vector": "true"},
    {"context_radius_m": "7"},
    {"with_pe": "true"},
]


@pytest.mark.parametrize("settings", READOUTS, ids="+".join)
def test_readouts_are_of_the_same_trained_stages(tiny_toyville, settings):
    city = City.open(tiny_toyville)
    plain, other = (UrbanMFM.from_settings("small", QUICK | more) for more in ({}, settings))
    keys = []
    for model in (plain, other):
        seen = city.view(model.card.inputs & {"poi", "polygon", "road", "coordinates"})
        keys.append(kept.stage_keys(model, seen, ("poi",), seed=0, device="cpu", encoders={}))
    assert keys[0] == keys[1]


def test_what_is_trained_on_has_stages_of_its_own(view):
    keys = [
        kept.stage_keys(
            UrbanMFM.from_settings("small", QUICK | more), seen, ("poi",), seed=0, device="cpu", encoders={}
        )["poi"]
        for more, seen in (({}, view), ({"untagged": "poi"}, view), ({}, view.without("polygon")))
    ]
    assert len(set(keys)) == 3


def test_a_stage_that_is_read_is_told_with_the_seconds_of_its_training(view):
    told = []
    with fresh_cache():
        for pooling in ("mean", "sum"):
            with reading() as found:
                UrbanMFM.from_settings("small", QUICK | {"pooling": pooling}).pretrain(view, seed=0)
            told.append({one["part"]: one["seconds"] for one in found.to_record()})
    assert told[0] == {}
    assert told[1]["stage poi"] > 0
    assert "features: text" in told[1]
