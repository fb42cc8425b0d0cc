"""Rows that differ in their readout alone share one training: HGI, CityFM and SpaBERT, as UrbanMFM (test_urbanmfm_kept.py)."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.home import cache_root, fresh_cache
from urbanbench.models._cityfm import pretrain as cityfm_training
from urbanbench.models._hgi import pretrain as hgi_training
from urbanbench.models._spabert import pretrain as spabert_training
from urbanbench.models.cityfm import CityFM
from urbanbench.models.hgi import HGI
from urbanbench.models.spabert import SpaBERT
from urbanbench.seen import seeing
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

HGI_BRIEF = {"dim": "16", "max_steps": "3", "walks": "1"}
CITYFM_BRIEF = {
    "text_encoder": "hashing", "image_encoder": "random-efficientnet-lite0", "raster_size": "16",
    "dim": "16", "max_steps": "3", "batch": "32", "chunk": "16",
}  # fmt: skip
SPABERT_BRIEF = {"text_encoder": "hashing", "neighbours": "3", "max_tokens": "20", "max_steps": "3"}
TRAINING = {HGI: hgi_training, CityFM: cityfm_training, SpaBERT: spabert_training}
BRIEF = {HGI: HGI_BRIEF, CityFM: CITYFM_BRIEF, SpaBERT: SPABERT_BRIEF}
TEXTS = ("poi", "road")
"""Without footprints CityFM has one stage, and no image encoder to wait for."""

READOUTS = [
    (HGI, {"region_vector": "pooled"}, ("poi", "polygon"), "region", 2),
    (CityFM, {"region_zero": "false"}, TEXTS, "region", 1),
    (CityFM, {"with_pe": "true"}, TEXTS, "region", 1),
    (CityFM, {"context_radius_m": "20", "region_polygons": "all"}, ("poi", "polygon"), "building", 2),
    (SpaBERT, {"radius_m": "30"}, ("poi", "polygon"), "building", 1),
]
TRAINED_OTHERWISE = [
    (HGI, {"alpha": "0.4"}),
    (HGI, {"features": "one-hot"}),
    (CityFM, {"temperature": "0.4"}),
    (CityFM, {"mask_same_text": "false"}),
    (SpaBERT, {"mask_share": "0.3"}),
    (SpaBERT, {"neighbours": "2"}),
    (SpaBERT, {"use_name": "false"}),
]


def made(kind, **settings):
    return kind.from_settings("small", BRIEF[kind] | settings)


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


def embedded(model, city, inputs=TEXTS, *, seed=0, level="region"):
    """Embed, and tell what was touched and seen, what the stages did, and what was read from disk."""
    view = city.view(frozenset(inputs) | ({"coordinates"} & set(model.card.needs)))
    units = Units(level, view.region_ids if level == "region" else tuple(view.buildings.index[:40]))
    with seeing() as seen, recording() as stages, reading() as read:
        space = model.embed(view, units=units, seed=seed, device="cpu")
    steps = [(one.name, one.steps) for one in stages]
    return space, (set(view.touched), seen.to_record(), steps), [one["part"] for one in read.to_record()]


def trainings():
    return sorted(path.name for path in (cache_root() / "training").glob("*.safetensors"))


@pytest.mark.parametrize(("kind", "settings", "inputs", "level", "stages"), READOUTS)
def test_another_readout_reads_the_stages_and_gives_the_bits_of_its_own_training(
    city, monkeypatch, kind, settings, inputs, level, stages
):
    with fresh_cache():
        alone, facts, _ = embedded(made(kind, **settings), city, inputs, level=level)
    with fresh_cache():
        embedded(made(kind), city, inputs, level=level)
        before = trainings()
        assert len(before) == stages
        with monkeypatch.context() as patch:
            patch.setattr(TRAINING[kind], "train_stage", lambda *_, **__: pytest.fail("trained once more"))
            shared, told, read = embedded(made(kind, **settings), city, inputs, level=level)
        assert trainings() == before
    np.testing.assert_array_equal(shared.vectors, alone.vectors)
    np.testing.assert_array_equal(shared.mask, alone.mask)
    assert told == facts
    assert sum(part.startswith("stage ") for part in read) == stages


@pytest.mark.parametrize(("kind", "settings"), TRAINED_OTHERWISE)
def test_what_changes_the_training_is_trained_anew(city, kind, settings):
    with fresh_cache():
        embedded(made(kind), city)
        before = trainings()
        _, _, read = embedded(made(kind, **settings), city)
        assert len(trainings()) > len(before)
    assert not [part for part in read if part.startswith("stage ")]


@pytest.mark.parametrize(("kind", "stages"), [(HGI, 2), (CityFM, 1), (SpaBERT, 1)])
def test_another_seed_is_trained_anew(city, kind, stages):
    with fresh_cache():
        first = embedded(made(kind), city)[0]
        second = embedded(made(kind), city, seed=1)[0]
        assert len(trainings()) == 2 * stages
    assert not np.array_equal(first.vectors, second.vectors)


@pytest.mark.parametrize(("kind", "stages"), [(HGI, 2), (CityFM, 1), (SpaBERT, 1)])
def test_what_is_learned_for_another_city_is_the_training_of_its_own_vectors(city, kind, stages):
    with fresh_cache():
        made(kind).learn(city.view(frozenset(TEXTS)), seed=0, device="cpu")
        before = trainings()
        _, _, read = embedded(made(kind), city)
        assert trainings() == before
    assert sum(part.startswith("stage ") for part in read) == stages


def test_stages_that_runs_have_in_common_are_shared(city):
    with fresh_cache():
        embedded(made(CityFM, stages="text"), city, ("poi", "polygon"))
        first = trainings()
        embedded(made(CityFM), city, ("poi", "polygon"))
        assert len(first) == 1
        assert set(first) < set(trainings())


@pytest.mark.parametrize("kind", [HGI, CityFM, SpaBERT])
def test_a_broken_file_is_trained_anew(city, kind):
    with fresh_cache():
        whole = embedded(made(kind), city)[0]
        for path in (cache_root() / "training").glob("*.safetensors"):
            path.write_bytes(b"half a file")
        mended, _, read = embedded(made(kind), city)
    np.testing.assert_array_equal(whole.vectors, mended.vectors)
    assert not [part for part in read if part.startswith("stage ")]


@pytest.mark.parametrize(("kind", "inputs"), [(SpaBERT, ("poi",)), (HGI, ("poi", "polygon"))])
def test_views_that_differ_in_nothing_that_is_read_share_a_training(city, kind, inputs):
    units = Units("region", city.view(frozenset({"poi"})).region_ids)
    other = city.view(frozenset({"poi", "polygon", "road"}), withholds=("landuse",))
    with fresh_cache():
        own = embedded(made(kind), city, inputs)[0]
        before = trainings()
        with reading() as read:
            shared = made(kind).embed(other, units=units, seed=0, device="cpu")
        assert trainings() == before
    assert sum(one["part"].startswith("stage ") for one in read.to_record()) == len(before)
    np.testing.assert_array_equal(own.vectors, shared.vectors)


def test_another_layer_that_is_read_is_trained_anew(city):
    with fresh_cache():
        embedded(made(HGI), city, ("poi",))
        embedded(made(HGI), city, ("poi", "polygon"))
        assert len(trainings()) == 4


def test_places_that_are_withheld_are_missing_in_a_training_of_their_own(city):
    ids = tuple(city.view(frozenset({"polygon"})).buildings.index[:40])
    units = Units("building", ids)
    less = city.view(frozenset({"poi", "polygon"}), withholds=("target_building",), target_ids=ids)
    with fresh_cache():
        embedded(made(SpaBERT), city, ("poi", "polygon"))
        made(SpaBERT).embed(less, units=units, seed=0, device="cpu")
        assert len(trainings()) == 2


def changed(record, name):
    """Return a frozen record with one entry of one array changed."""
    array = np.array(getattr(record, name))
    array[0] = array[0] + 1
    return replace(record, **{name: array})


def test_everything_that_hgi_reads_counts(city):
    view = city.view(frozenset({"poi", "polygon"}))
    places, shapes = hgi_training.gather_places(made(HGI), view), np.asarray(view.regions.geometry)
    other_shapes = np.append(shapely.buffer(shapes[:1], 1.0), shapes[1:])
    kinds = places.categories
    told = [
        hgi_training._digest(places, shapes),
        hgi_training._digest(places, other_shapes),
        *(hgi_training._digest(changed(places, name), shapes) for name in ("xy", "region")),
        *(
            hgi_training._digest(replace(places, categories=other), shapes)
            for other in (
                *(changed(kinds, name) for name in ("of_place", "parent")),
                replace(kinds, names=(*kinds.names[1:], "shop=dairy")),
            )
        ),
    ]
    assert len(set(told)) == len(told)


def test_everything_that_spabert_reads_counts(city):
    model, view = made(SpaBERT), city.view(frozenset({"poi"}))
    whole, _ = spabert_training.prepare(model, view, seed=0, device="cpu")
    entities, words = whole.entities, whole.sentences.words
    told = [
        spabert_training._digest(whole),
        *(
            spabert_training._digest(replace(whole, entities=changed(entities, name)))
            for name in ("xy", "name")
        ),
        spabert_training._digest(replace(whole, entities=replace(entities, spoken=~entities.spoken))),
        *(
            spabert_training._digest(
                replace(
                    whole,
                    sentences=replace(
                        whole.sentences, words=replace(words, tokens=changed(words.tokens, name))
                    ),
                )
            )
            for name in ("start", "member")
        ),
    ]
    assert len(set(told)) == len(told)
