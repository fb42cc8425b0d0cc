"""Models that say they can embed a city they were not trained on do; the law and the words, model by model."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from urbanbench.card import TRANSFERS, ModelCard
from urbanbench.checks import check_transfer
from urbanbench.errors import BadInput, Conformance, UnknownName
from urbanbench.learned import Learned
from urbanbench.model import Model
from urbanbench.models.hgi import HGI
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.models.tfidf import TfIdf
from urbanbench.registry import entries, load_model
from urbanbench.space import EmbeddingSpace
from urbanbench.units import Units

CHEAP = {
    "cityfm": {"text_encoder": "hashing", "image_encoder": "tiny-cnn", "raster_size": "16", "max_steps": "1",
               "train_text_encoder": "true", "train_image_encoder": "true"},
    "hgi": {"max_steps": "2", "dim": "16"},
    "musecl": {"street_encoder": "tiny-cnn", "overhead_encoder": "tiny-cnn", "train_encoders": "true", "street_size": "16",
               "overhead_size": "16", "max_steps": "1", "dim": "16", "word_epochs": "1"},
    "spabert": {"text_encoder": "hashing", "max_tokens": "16", "neighbours": "2", "max_steps": "1"},
    "urbanclip": {"image_tower": "scratch", "text_tower": "scratch", "size": "16", "patch": "8", "image_layers": "1", "max_steps": "1", "dim": "16",
                  "heads": "2", "queries": "2", "decoder_layers": "1", "text_layers": "1"},
    "urbanmfm": {"text_encoder": "hashing", "image_encoder": "tiny-cnn", "raster_size": "16", "street_size": "16", "satellite_size": "16",
                 "max_steps": "1", "max_neighbours": "4", "max_street_views": "2", "train_text_encoder": "true", "train_image_encoder": "true"},
}  # fmt: skip
FLOORS = (
    "poi-counts",
    "places-counts",
    "neighbour-counts",
    "poi-shares",
    "tfidf",
    "building-stats",
    "area",
    "mean",
    "random",
)


def cheap(name):
    model = load_model(name)
    preset = "quick" if "quick" in model.presets else ""
    return model.from_settings(preset, CHEAP.get(name, {}))


@pytest.mark.parametrize("name", [*FLOORS, *CHEAP])
def test_a_model_that_says_so_embeds_a_city_it_was_not_trained_on(name, home, other):
    rules = []
    model = cheap(name)
    check_transfer(model, home, other, held=lambda _level, rule: rules.append(rule))
    assert len(rules) == 4


def test_every_registered_model_says_whether_it_can():
    told = {entry.name: entry.card for entry in entries("model") if isinstance(entry.card, ModelCard)}
    silent = [name for name, card in told.items() if card.transfers not in set(TRANSFERS) - {""}]
    assert silent == []
    assert {name for name, card in told.items() if card.transfers == "transductive"} == {
        "urban2vec", "geovectors", "coordinates", "spatial-lag", "flow-rows",
    }  # fmt: skip


def region_tags(city):
    pois = city.pois
    return list(zip(pois["region_id"], pois["tags"], strict=True))


def test_poi_counts_of_another_city_stand_in_the_columns_of_the_first(home, other):
    from urbanbench.toolkit.texts.counts import POI_KEYS

    words_of = lambda tags: [f"{key}={value}" for key, value in tags if key in POI_KEYS]  # noqa: E731
    total = Counter(word for _, tags in region_tags(home) for word in words_of(tags))
    columns = sorted(total, key=lambda word: (-total[word], word))[:20]
    model = PoiCounts(max_columns=20)
    learned = model.learn(home.view({"poi"}), seed=0, device="cpu")
    assert learned.facts["words"] == columns
    units = Units("region", tuple(other.unit_ids("region")))
    space = model.embed_with(learned, other.view({"poi"}), units=units, seed=0, device="cpu")
    counts = Counter((region, word) for region, tags in region_tags(other) for word in words_of(tags))
    area = other.regions["area_km2"]
    expected = [[np.log1p(counts[one, word] / area[one]) for word in columns] for one in units.ids]
    np.testing.assert_allclose(space.vectors, expected, rtol=1e-5)


def test_words_weigh_as_they_do_where_they_were_learned(home, other):
    model = TfIdf(names=False, max_columns=30)
    learned = model.learn(home.view({"poi"}), seed=0, device="cpu")
    regions = {one: set() for one in home.unit_ids("region")}
    for region, tags in region_tags(home):
        if region is not None:
            regions[region] |= {f"{key}={value}" for key, value in tags}
    n = len(regions)
    expected = [
        np.log((1 + n) / (1 + sum(word in held for held in regions.values()))) + 1
        for word in learned.facts["words"]
    ]
    np.testing.assert_allclose(learned.arrays["weights"], expected)
    units = Units("region", tuple(other.unit_ids("region")))
    space = model.embed_with(learned, other.view({"poi"}), units=units, seed=0, device="cpu")
    lengths = np.linalg.norm(space.vectors[space.mask], axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)


def test_a_category_that_hgi_has_not_met_says_nothing():
    from urbanbench.models._hgi.categories import UNKNOWN, known_categories

    names = ("amenity=bar", "amenity=other", "shop=bakery")
    found = known_categories(["shop=bakery", "amenity=cafe", "shop=books", "tourism=zoo"], names)
    assert [found.names[one] for one in found.of_place] == ["shop=bakery", "amenity=other", UNKNOWN, UNKNOWN]


def test_hgi_gives_unknown_categories_zeros(home, other):
    from urbanbench.models._hgi.transfer import trained_elsewhere

    model = cheap("hgi")
    learned = model.learn(home.view({"poi"}), seed=0, device="cpu")
    kept = [name for name in learned.facts["names"] if not name.startswith("shop")]
    rows = [learned.facts["names"].index(name) for name in kept]
    less = Learned(learned.arrays | {"categories": learned.arrays["categories"][rows]}, {"names": kept})
    made = trained_elsewhere(model, less, other.view({"poi"}), seed=0, device="cpu")
    unknown = made.places.categories.of_place == len(kept)
    assert unknown.any()
    assert not made.material.table.numpy()[-1].any()
    assert isinstance(model, HGI)


def test_what_is_learned_survives_a_file(tmp_path):
    made = Learned({"a": np.arange(6.0).reshape(2, 3), "n": np.array(3)}, {"words": ("x", "y"), "most": None})
    made.save(tmp_path / "one.safetensors", {"seconds": 2.5})
    again, told = Learned.load(tmp_path / "one.safetensors")
    assert again.digest() == made.digest()
    assert again.facts == {"words": ["x", "y"], "most": None}
    assert told == {"seconds": 2.5}


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "one.safetensors"
    Learned({"a": np.zeros(4)}).save(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="is damaged"):
        Learned.load(path)


def test_words_are_no_arrays():
    with pytest.raises(BadInput, match="put words under facts"):
        Learned({"names": np.array(["a"])})
    with pytest.raises(BadInput, match="cannot be written down"):
        Learned(facts={"at": object()})


def test_a_card_must_say_why_not():
    parts = {"title": "T", "summary": "S", "needs": (), "embeds": ("region",)}
    with pytest.raises(BadInput, match="transductive' and not why"):
        ModelCard(**parts, transfers="transductive")
    with pytest.raises(UnknownName, match="inductive"):
        ModelCard(**parts, transfers="sometimes")


class Cheater:
    card = ModelCard(
        title="T", summary="S", needs=("poi",), embeds=("region",), floor=True, transfers="inductive"
    )


def ones(units, columns=2, value=1.0):
    return EmbeddingSpace(
        units.level, np.array(units.ids), np.full((len(units), columns), value, dtype=np.float32)
    )


@dataclass(frozen=True)
class Promises(Cheater, Model):
    def embed(self, view, *, units, seed, device):
        return ones(units)


@dataclass(frozen=True)
class Wider(Promises):
    """Has a column for every region of the city it looks at."""

    def learn(self, view, *, seed, device):
        return Learned()

    def embed(self, view, *, units, seed, device):
        return ones(units, len(view.region_ids))

    def embed_with(self, learned, view, *, units, seed, device):
        return ones(units, len(view.region_ids) + ("toyville" not in view.city_name))


@dataclass(frozen=True)
class Lawless(Wider):
    def embed_with(self, learned, view, *, units, seed, device):
        return ones(units, len(view.region_ids), 2.0)


@dataclass(frozen=True)
class Trains(Promises):
    """Trains on whatever it embeds."""

    def learn(self, view, *, seed, device):
        return Learned()

    def embed_with(self, learned, view, *, units, seed, device):
        from urbanbench.toolkit.training.stage_log import StageLog, record

        record(StageLog("own", 1, 1))
        return ones(units)


@dataclass(frozen=True)
class NoNumber(Wider):
    def embed_with(self, learned, view, *, units, seed, device):
        return ones(units, value=np.nan)


@dataclass(frozen=True)
class Peeps(Wider):
    def learn(self, view, *, seed, device):
        return Learned({"at": view.coordinates(Units("region", tuple(view.region_ids)))})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Promises(), "has no method 'learn' of its own"),
        (Wider(), "gave 61 columns in another city and 60 in its own"),
        (Lawless(), "gave other vectors than `embed` in its own city"),
        (NoNumber(), r"NoNumber\.embed_with raised BadInput\. \d+ embedding rows hold NaN"),
        (Peeps(), r"Peeps\.learn raised InputMasked\. Input 'coordinates' is masked"),
        (Trains(), r"trained on the city it embeds \(own\)"),
    ],
)
def test_a_broken_promise_is_named(model, message, home, other):
    with pytest.raises(Conformance, match=message):
        check_transfer(model, home, other)
