"""SpaBERT whole: encoders and their heads, training, vectors of POIs, regions and buildings."""

import copy
import dataclasses
import json

import numpy as np
import pytest
import shapely
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
)

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, ExtraMissing, InputMasked, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.models._spabert import reading
from urbanbench.models._spabert.backbones import NEW_HEAD, PRETRAINED_HEAD, load_backbone
from urbanbench.models._spabert.net import read_batch
from urbanbench.models._spabert.pretrain import gather_entities
from urbanbench.models._spabert.reading import pivot_vectors
from urbanbench.models._spabert.sentences import sentences_at
from urbanbench.models.spabert import SpaBERT
from urbanbench.toolkit.texts.place_texts import is_object, is_place
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

QUICK = {
    "text_encoder": "hashing",
    "neighbours": 3,
    "max_tokens": 20,
    "batch": 32,
    "max_steps": 3,
    "lr": 1e-3,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "parking", "school", "restaurant", "shop", "station"]


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(scope="module")
def view(city):
    return city.view(frozenset({"poi", "polygon"}))


@pytest.fixture(scope="module")
def trained(view):
    model = SpaBERT(**QUICK)
    return model, model.pretrain(view, seed=0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """BERT with and without a masked-language head, and a model that is no BERT, as transformers saves them."""
    places = {
        name: tmp_path_factory.mktemp("weights") / name for name in ("whole", "bare", "other", "hollow")
    }
    sizes = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(WORDS), max_position_embeddings=40, **sizes)
    with seeded_torch(0, "encoders"):
        whole = BertForMaskedLM(config)
        torch.nn.init.normal_(whole.cls.predictions.bias)
        whole.save_pretrained(places["whole"])
        BertModel(config).save_pretrained(places["bare"])
        BertModel(config).save_pretrained(places["hollow"])
        DistilBertModel(DistilBertConfig(vocab_size=10, dim=8, hidden_dim=8, n_layers=1, n_heads=1)).save_pretrained(places["other"])  # fmt: skip
    stated = json.loads((places["hollow"] / "config.json").read_text())
    (places["hollow"] / "config.json").write_text(json.dumps(stated | {"architectures": ["BertForMaskedLM"]}))
    for place in places.values():
        BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(place)
    return {name: str(place) for name, place in places.items()}


def test_a_whole_model_brings_its_head_and_guesses_as_transformers_does(folders):
    backbone = load_backbone(folders["whole"], scale=0.0)
    assert backbone.head == PRETRAINED_HEAD
    reference = BertForMaskedLM.from_pretrained(folders["whole"]).eval()
    reference.bert.embeddings.token_type_embeddings.weight.data.zero_()
    token = torch.tensor([[2, 5, 4, 7, 3], [2, 8, 9, 4, 3]])
    seen = torch.ones_like(token, dtype=torch.bool)
    with torch.no_grad():
        hidden = backbone.net(token, torch.zeros(2, 5, 2), seen)
        torch.testing.assert_close(
            backbone.net.logits(hidden.flatten(0, 1)).view(2, 5, -1), reference(token).logits
        )


def test_a_model_without_head_gets_a_new_one_and_says_so(folders, view):
    assert load_backbone(folders["bare"], scale=0.01).head == NEW_HEAD
    for name, head in (("bare", NEW_HEAD), ("whole", PRETRAINED_HEAD)):
        told = SpaBERT(text_encoder=folders[name]).variant(view)
        assert told["text"].startswith(f"{name}@")
        assert told["masked-language head"] == head
    frozen = SpaBERT(text_encoder=folders["bare"], train=False).variant(view)
    assert frozen["text"].endswith("(frozen)")
    assert "masked-language head" not in frozen


def test_the_packaged_encoder_is_named_with_its_head(view, capfd):
    assert SpaBERT.from_settings("small").variant(view) == {
        "text": "all-minilm-l6-v2 (trained)",
        "masked-language head": "new, tied to the word embeddings",
    }
    backbone = load_backbone("minilm", scale=0.01)
    assert backbone.head == NEW_HEAD
    assert backbone.tokenizer.split(["Coffee bar"], 9) == [[4157, 3347]]
    assert capfd.readouterr().err == ""


def test_a_name_cannot_smuggle_special_tokens_into_a_sentence():
    tokenizer = load_backbone("minilm", scale=0.01).tokenizer
    split = tokenizer.split(["[MASK] [SEP] [CLS] [PAD] bar", "[UNK]"], 99)
    special = {tokenizer.cls, tokenizer.sep, tokenizer.pad, tokenizer.mask, tokenizer.unknown}
    assert not special & {one for part in split for one in part}


def test_encoders_that_do_not_fit_are_refused(folders, view, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadInput, match=r"type 'distilbert'. SpaBERT expected 'bert'.*multilingual"):
        load_backbone(folders["other"], scale=0.01)
    with pytest.raises(BadInput, match="of its weights are missing"):
        load_backbone(folders["hollow"], scale=0.01)
    with pytest.raises(ExtraMissing, match="text_encoder=minilm"):
        load_backbone(str(tmp_path), scale=0.01)
    with pytest.raises(BadInput, match=r"'max_tokens' of SpaBERT is 300.*reads at most 40"):
        SpaBERT(text_encoder=folders["whole"]).pretrain(view, seed=0)


def test_the_preset_paper_trains_a_whole_model_from_a_folder(folders, view):
    settings = {"text_encoder": folders["whole"], "max_tokens": "40", "max_steps": "2"}
    model = SpaBERT.from_settings("paper", settings)
    assert (model.neighbours, model.batch, model.lr, model.lr_head) == (20, 12, 5e-5, 5e-5)
    made = model.embed(view, units=Units("region", view.region_ids[:5]), seed=0, device="cpu")
    assert made.vectors.shape == (5, 12)


def test_same_seed_same_bits_and_another_seed_other_vectors(view):
    units = Units("region", view.region_ids[:20])
    made = []
    for seed in (0, 0, 1):
        with fresh_cache():
            made.append(SpaBERT(**QUICK).embed(view, units=units, seed=seed, device="cpu"))
    assert made[0].vectors.tobytes() == made[1].vectors.tobytes()
    assert not np.allclose(made[0].vectors, made[2].vectors)


def test_without_training_the_weights_are_those_loaded(folders, view):
    model = SpaBERT(text_encoder=folders["bare"], max_tokens=40, train=False)
    result = model.pretrain(view, seed=0)
    assert result.log is None
    loaded = load_backbone(folders["bare"], scale=0.01).net.bert.state_dict()
    for name, one in result.net.bert.state_dict().items():
        torch.testing.assert_close(one, loaded[name])


def by_id(result):
    rows = np.arange(len(result.entities))
    vectors = pivot_vectors(result.net, result.sentences, rows, "cpu")
    return dict(zip(result.entities.ids, vectors, strict=True))


def embedded(trained, view, level, ids):
    from urbanbench.models._spabert.readout import embed_units

    return embed_units(*trained, view, Units(level, tuple(ids)))


def test_pois_have_their_pivot_vector_and_street_furniture_none(trained, view):
    ids = view.pois.index[::-3]
    made, vectors = embedded(trained, view, "poi", ids), by_id(trained[1])
    zeros = np.zeros(made.dim)
    np.testing.assert_allclose(made.vectors, [vectors.get(one, zeros) for one in ids], atol=1e-5)
    assert made.mask.tolist() == [one in vectors for one in ids]
    assert 0 < made.mask.mean() < 1


def test_regions_have_the_mean_over_their_pois(trained, view):
    ids = view.region_ids[::-2]
    made, vectors = embedded(trained, view, "region", ids), by_id(trained[1])
    region = view.pois["region_id"]
    for row, one in enumerate(ids):
        inside = [vectors[poi] for poi in region.index[region == one] if poi in vectors]
        wanted = np.mean(inside, axis=0) if inside else np.zeros(made.dim)
        np.testing.assert_allclose(made.vectors[row], wanted, atol=1e-5)
        assert made.mask[row] == bool(inside)


def test_buildings_have_the_mean_over_pois_nearby_and_themselves_as_pivot(trained, view):
    model, result = trained
    ids = view.buildings.index[:60]
    made, vectors = embedded(trained, view, "building", ids), by_id(result)
    outlines, pois = view.buildings.geometry.loc[ids], view.pois
    xy = np.array([[one.centroid.x, one.centroid.y] for one in outlines])
    own = result.sentences
    assert result.unnamed == len(result.entities.names)
    pivots = sentences_at(xy, result.unnamed, result.entities, own.words, own.form)
    itself = pivot_vectors(result.net, pivots, np.arange(60), "cpu")
    sizes = []
    for row, outline in enumerate(outlines):
        near = pois.index[shapely.distance(np.asarray(pois.geometry), outline) <= model.radius_m]
        around = [vectors[one] for one in near if one in vectors]
        np.testing.assert_allclose(made.vectors[row], np.mean([*around, itself[row]], axis=0), atol=1e-5)
        sizes.append(len(around))
    assert min(sizes) < max(sizes)
    assert made.mask.all()


def test_sentences_that_the_same_net_read_before_are_not_read_again(trained, view, monkeypatch):
    net, sentences = copy.deepcopy(trained[1].net), trained[1].sentences
    rows, seen = np.arange(12), []

    def read(rows=rows, sentences=sentences):
        before = len(seen)
        made = pivot_vectors(net, sentences, rows, "cpu")
        return made, len(seen) > before

    monkeypatch.setattr(reading, "read_batch", lambda *words: seen.append(1) or read_batch(*words))
    with fresh_cache():
        first, new = read()
        again, anew = read()
        assert (new, anew) == (True, False)
        assert first.tobytes() == again.tobytes()
        assert read(rows[::-1])[1]
        moved = dataclasses.replace(sentences, pivot_xy=sentences.pivot_xy + 500.0)
        renamed = dataclasses.replace(sentences, pivot_name=sentences.pivot_name[::-1])
        framed = dataclasses.replace(
            sentences, form=dataclasses.replace(sentences.form, neighbours=2, fill=9.0)
        )
        words = sentences.words
        tokens = dataclasses.replace(words.tokens, member=words.tokens.member[::-1])
        respelt = dataclasses.replace(sentences, words=dataclasses.replace(words, tokens=tokens))
        for other in (moved, renamed, framed, respelt):
            made, new = read(sentences=other)
            assert new
            assert not np.array_equal(made, first)
        with torch.no_grad():
            net.bert.encoder.layer[0].output.dense.weight[0, 0] += 1.0
        made, new = read()
        assert new
        assert not np.array_equal(made, first)


def test_a_building_is_not_told_by_its_own_tags(city, view, trained):
    ids = view.buildings.index[:40]
    hidden = city.view(frozenset({"poi", "polygon"}), withholds=("target_building",), target_ids=tuple(ids))
    kept = set(hidden.pois.index)
    assert embedded(trained, view, "building", ids).dim == 128
    entities = gather_entities(hidden, poi_filter="paper", use_name=True, use_kind=False)
    assert set(entities.ids) <= kept
    assert len(kept) < len(view.pois)


@pytest.mark.parametrize(("poi_filter", "told"), [("paper", is_place), ("all", is_object)])
def test_entities_are_what_the_filter_keeps(view, poi_filter, told):
    entities = gather_entities(view, poi_filter=poi_filter, use_name=True, use_kind=False)
    pois = view.pois
    assert entities.ids.tolist() == pois.index[told(tag_table(pois["tags"]))].tolist()
    named = [dict(one).get("name") for one in pois["tags"].iloc[entities.row]]
    called = [entities.names[one] for one in entities.name]
    assert all(own == name for own, name in zip(called, named, strict=True) if name)
    assert [one[0].isalpha() for one in called] == entities.spoken.tolist()
    np.testing.assert_allclose(entities.xy[:, 0], pois.geometry.iloc[entities.row].x)


def test_buildings_need_polygons_and_a_city_needs_pois(city, trained, village):
    with pytest.raises(InputMasked):
        embedded(trained, city.view(frozenset({"poi"})), "building", city.buildings.index[:2])
    few = City.open(village).view(frozenset({"poi"}))
    few._kept["pois"] = few.pois.iloc[:3]
    with pytest.raises(RunRefused, match=r"has 3 POIs left after the filter 'paper'\. Expected at least 4"):
        SpaBERT(**QUICK).embed(few, units=Units("region", few.region_ids), seed=0, device="cpu")


@pytest.mark.parametrize(
    ("setting", "error", "says"),
    [
        ({"poi_filter": "some"}, UnknownName, "Unknown POI filter 'some'"),
        ({"neighbours": 0}, BadInput, "'neighbours' of SpaBERT is 0. Expected at least 1"),
        ({"max_tokens": 2}, BadInput, "'max_tokens' of SpaBERT is 2. Expected at least 3"),
        ({"mask_share": 0.0}, BadInput, "'mask_share' of SpaBERT is 0.0. Expected a share above 0"),
    ],
)
def test_impossible_settings_are_refused(setting, error, says):
    with pytest.raises(error, match=says):
        SpaBERT(**setting)


def test_the_contract_is_kept_for_regions(city):
    check_model(SpaBERT(**QUICK), city, level="region")


@pytest.mark.slow
def test_the_contract_is_kept_at_every_level(city):
    check_model(SpaBERT(**QUICK), city)


def test_the_small_preset_reads_twenty_neighbours_and_what_they_are(view):
    model = SpaBERT.from_settings("small", {"text_encoder": "hashing", "train": "false"})
    entities = gather_entities(view, poi_filter="paper", use_name=True, use_kind=model.use_kind)
    assert (model.neighbours, model.max_tokens, model.use_kind) == (20, 128, True)
    tags = [dict(one) for one in view.pois["tags"].iloc[entities.row[:40]]]
    for called, told in zip((entities.names[one] for one in entities.name[:40]), tags, strict=True):
        kinds = [value.replace("_", " ") for key, value in told.items() if key != "name"]
        assert any(called.endswith(kind) for kind in kinds)
    sentences = model.pretrain(view, seed=0).sentences
    assert ((sentences.neighbour >= 0).sum(axis=1) == 20).all()
