"""Urban2Vec as a whole on a tiny city: what its vectors are, what it refuses, and whether it learns."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, ExtraMissing, InputMasked, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.models._urban2vec.pictures import gather_pictures
from urbanbench.models._urban2vec.words import gather_words
from urbanbench.models.urban2vec import Urban2Vec
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.place_texts import is_place, is_shaped_place
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

BRIEF = dataclasses.replace(
    Urban2Vec.from_settings("small"),
    dim=16,
    image_encoder="tiny-cnn",
    street_size=32,
    raster_size=24,
    pairs=400,
    held_out_pairs=80,
    batch=64,
    epochs=2,
    word_epochs=2,
)
INPUTS = frozenset({"poi", "polygon", "street_view"})


@pytest.fixture(scope="module", autouse=True)
def _cache():
    with fresh_cache():
        yield


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def view(city):
    return city.view(INPUTS)


class Seen:
    """A view with some of its layers replaced."""

    def __init__(self, view, **layers):
        self.__dict__.update(layers)
        self.view = view

    def __getattr__(self, name):
        return getattr(self.view, name)


@pytest.mark.parametrize("level", ["region", "street_view"])
def test_the_model_conforms(city, level):
    check_model(BRIEF, city, level=level)


def test_the_model_conforms_in_the_unified_setting(city):
    check_model(BRIEF, city.view(frozenset({"poi", "polygon"})), level="region")


@pytest.mark.slow
def test_the_model_conforms_while_it_trains_its_encoder(city):
    check_model(dataclasses.replace(BRIEF, train_image_encoder=True), city)


def test_pictures_are_all_directions_of_all_street_views(view):
    made, frame = gather_pictures(BRIEF, view), view.street_views
    sides = frame[["east", "south", "west", "north"]]
    assert len(made) == sides.notna().to_numpy().sum()
    for k in range(0, len(made), 97):
        assert made.sources[made.source[k]] in sides.iloc[made.unit[k]].tolist()
        assert view.region_ids[made.region[k]] == frame["region_id"].iloc[made.unit[k]]
    # a point is where its view is; distances stay
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    one, other = 5, len(made) - 3
    there = np.hypot(*(made.xy[made.point[one]] - made.xy[made.point[other]]))
    assert there == pytest.approx(
        np.hypot(x[made.unit[one]] - x[made.unit[other]], y[made.unit[one]] - y[made.unit[other]]), abs=0.01
    )


def test_views_of_one_location_or_place_are_one_point(view):
    frame = view.street_views.iloc[:6].copy()
    frame["location_id"] = ["a", "a", None, None, "b", None]
    frame.loc[frame.index[3], "geometry"] = frame.geometry.iloc[2]
    frame["image"] = [frame["east"].iloc[0], None, None, None, None, None]  # repeats a direction
    made = gather_pictures(BRIEF, Seen(view, street_views=frame))
    points = [set(made.point[made.unit == k].tolist()) for k in range(6)]
    assert all(len(one) == 1 for one in points)
    assert points[0] == points[1]
    assert points[2] == points[3]
    assert len(set.union(*points)) == 4
    assert len(made) == frame[["east", "south", "west", "north"]].notna().to_numpy().sum()


def test_footprints_take_the_place_of_street_views(city, view):
    unified = city.view(frozenset({"poi", "polygon"}))
    made = gather_pictures(BRIEF, unified)
    assert made.kind == "polygon"
    assert len(made) == len(unified.buildings)
    assert made.region.tolist() == [
        unified.region_ids.index(one) if one else -1 for one in unified.buildings["region_id"]
    ]
    np.testing.assert_allclose([one.area for one in made.sources], unified.buildings["area_m2"], rtol=2e-3)
    assert gather_pictures(dataclasses.replace(BRIEF, pictures="polygon"), view).kind == "polygon"
    assert gather_pictures(dataclasses.replace(BRIEF, pictures="none"), view) is None
    assert gather_pictures(BRIEF, city.view(frozenset({"poi"}))) is None


def test_words_are_those_of_pois_in_regions_and_of_tagged_buildings(city, view):
    words = gather_words(BRIEF, view)
    pois, buildings = view.pois, view.buildings
    wanted = {}
    for frame, told in ((pois, is_place), (buildings, is_shaped_place)):
        kept = told(tag_table(frame["tags"]))
        for region, tags, used in zip(frame["region_id"], frame["tags"], kept, strict=True):
            if used and region:
                for key in {"shop", "amenity"} & dict(tags).keys():
                    name = f"{key}={dict(tags)[key]}"
                    wanted.setdefault(name, []).append(view.region_ids.index(region))
    common = {name: sorted(rows) for name, rows in wanted.items() if len(rows) >= 5}
    assert common
    for name, rows in common.items():
        found = words.region[words.word == words.names.tolist().index(name)]
        assert sorted(found.tolist()) == rows
    assert not set(wanted) - set(common) & set(words.names.tolist())
    bare = gather_words(dataclasses.replace(BRIEF, use_name=False), view)
    assert all("=" in name for name in bare.names)
    assert len(gather_words(BRIEF, city.view(frozenset({"poi"})))) < len(words)
    assert gather_words(BRIEF, city.view(frozenset({"street_view"}))) is None


def test_common_and_rare_words_of_names_are_dropped(view):
    names = [one for one in gather_words(BRIEF, view).names if "=" not in one]
    model = dataclasses.replace(BRIEF, min_name_count=20, max_name_count=60)
    fewer = gather_words(model, view)
    counts = dict(zip(fewer.names.tolist(), fewer.counts.tolist(), strict=True))
    kept = [one for one in fewer.names.tolist() if "=" not in one]
    assert 0 < len(kept) < len(names)
    assert all(20 <= counts[one] <= 60 for one in kept)


def test_training_lowers_both_losses_and_the_vectors_are_the_table(view):
    model = dataclasses.replace(BRIEF, epochs=8, pairs=1500, lr=2e-3, word_epochs=10)
    trained = model.pretrain(view, seed=0)
    pictures, words = trained.log
    assert (pictures.name, words.name) == ("pictures", "words")
    assert pictures.best < pictures.checks[0][1]
    assert words.best < 0.8 * words.checks[0][1]
    assert (pictures.chance, words.chance) == (5.0, 2.0)
    assert trained.covered.all()
    ids = view.region_ids[::-7]
    made = model.embed(view, units=Units("region", ids), seed=0, device="cpu")
    np.testing.assert_array_equal(made.vectors, trained.vectors[::-7])
    assert not np.allclose(trained.first, trained.vectors)


def test_a_region_begins_as_the_mean_of_its_pictures(view):
    trained = BRIEF.pretrain(view, seed=0)
    sight, row = trained.sight, 11
    own = np.flatnonzero(sight.pictures.region == row)
    with torch.no_grad():
        each = sight.head(sight.features.rows(sight.pictures.source[own])).numpy()
    np.testing.assert_allclose(trained.first[row], each.mean(axis=0), rtol=1e-4, atol=1e-5)


def test_another_seed_gives_other_vectors(view):
    units = Units("region", view.region_ids)
    one, other = (BRIEF.embed(view, units=units, seed=seed, device="cpu") for seed in (0, 1))
    assert not np.allclose(one.vectors, other.vectors)


def test_regions_without_data_are_not_covered_and_others_begin_from_their_neighbours(view):
    ids = view.region_ids
    pois, buildings, streets = view.pois, view.buildings, view.street_views
    seen = Seen(
        view,
        pois=pois[~pois["region_id"].isin([ids[3], ids[5]])],
        buildings=buildings[~buildings["region_id"].isin([ids[3], ids[5]])],
        street_views=streets[~streets["region_id"].isin([ids[3], ids[4]])],
    )
    trained = BRIEF.pretrain(seen, seed=0)
    made = BRIEF.embed(seen, units=Units("region", ids), seed=0, device="cpu")
    assert np.flatnonzero(~made.mask).tolist() == [3]
    assert not made.vectors[3].any()
    # without pictures: the mean of neighbouring regions, then moved by the words
    shapes = np.asarray(view.regions.geometry)
    near = [k for k in range(len(ids)) if k not in {3, 4} and shapes[k].distance(shapes[4]) <= 1.0]
    assert near
    np.testing.assert_allclose(trained.first[4], trained.first[near].mean(axis=0), rtol=1e-4, atol=1e-5)
    assert not np.array_equal(trained.first[4], trained.vectors[4])
    # without words: the vector of its pictures stays
    np.testing.assert_array_equal(trained.first[5], trained.vectors[5])


def test_street_views_have_the_mean_of_their_pictures(view):
    frame = view.street_views
    ids = tuple(frame.index[::-9])
    made = BRIEF.embed(view, units=Units("street_view", ids), seed=0, device="cpu")
    sight = BRIEF.pretrain(view, seed=0).sight
    every = sight.vectors(np.arange(len(sight.pictures)))
    for row, one in enumerate(ids[:5]):
        own = sight.pictures.unit == frame.index.get_loc(one)
        np.testing.assert_allclose(made.vectors[row], every[own].mean(axis=0), rtol=1e-4, atol=1e-5)
    assert made.mask.all()


def test_broken_pictures_are_left_out(city, tmp_path):
    shutil.copytree(city.path, tmp_path, dirs_exist_ok=True)
    frame = City.open(tmp_path).view(INPUTS).street_views
    for side in ("east", "south", "west", "north"):
        if frame[side].iloc[2]:
            (tmp_path / frame[side].iloc[2]).write_bytes(b"no picture")
    (tmp_path / frame["east"].iloc[7]).write_bytes(b"")
    view = City.open(tmp_path).view(INPUTS)
    units = Units("street_view", tuple(frame.index))
    for trains in (False, True):
        model = dataclasses.replace(BRIEF, train_image_encoder=trains, epochs=1, max_steps=2)
        made = model.embed(view, units=units, seed=0, device="cpu")
        assert np.flatnonzero(~made.mask).tolist() == [2]
        assert np.isfinite(made.vectors).all()


@pytest.mark.parametrize(("count", "trains"), [(0, False), (1, False), (5, False), (6, True), (10, True)])
def test_step_1_is_judged_by_real_negatives_or_left_out(view, count, trains):
    trained = BRIEF.pretrain(Seen(view, street_views=view.street_views.iloc[:count]), seed=0)
    log = trained.log[0]
    assert bool(log.skipped) == (not trains)
    # without a third point among those held out every triplet would count for nothing: a loss of 0, whatever the weights
    assert all(2.0 < loss < 8.0 for _, loss in log.checks)
    assert np.isfinite(trained.vectors).all()
    assert trained.covered.all()


def test_words_alone_and_pictures_alone_do(city):
    for inputs, stages in (({"poi"}, ["no pictures", ""]), ({"street_view"}, ["", "POIs may not be seen"])):
        view = city.view(frozenset(inputs))
        trained = BRIEF.pretrain(view, seed=0)
        assert [log.skipped for log in trained.log] == stages
        assert trained.covered.mean() > 0.8
    np.testing.assert_array_equal(trained.first, trained.vectors)


def test_siblings_are_partners_on_request(view):
    from urbanbench.models._urban2vec.pretrain import _pairs

    pictures = gather_pictures(BRIEF, view)
    for allow, same in ((False, False), (True, True)):
        pairs = _pairs(dataclasses.replace(BRIEF, allow_siblings=allow), pictures, 0)
        point = pictures.point[pairs.picture]
        assert bool((point[:, 0] == point[:, 1]).any()) == same
        assert (pairs.picture[:, 0] != pairs.picture[:, 1]).all()
    literal = dataclasses.replace(BRIEF, allow_siblings=True, negatives="shuffle")
    assert literal.pretrain(view, seed=0).log[0].steps


def test_the_encoder_moves_where_it_is_trained_and_only_there(city):
    view = city.view(frozenset({"polygon", "street_view"}))
    with seeded_torch(0, "urban2vec", "image encoder"):
        fresh = load_image_encoder("tiny-cnn")
    model = dataclasses.replace(BRIEF, train_image_encoder=True, epochs=3, max_steps=9, held_out_pairs=200)
    assert (
        not dataclasses.replace(model, train_image_encoder=False)
        .pretrain(view, seed=0)
        .sight.features.modules()
    )
    for pictures in ("street_view", "polygon"):
        trained = dataclasses.replace(model, pictures=pictures).pretrain(view, seed=0)
        [encoder] = trained.sight.features.modules()
        pairs = zip(encoder.parameters(), fresh.parameters(), strict=True)
        moved = [not torch.equal(one, other) for one, other in pairs]
        assert all(moved) if trained.log[0].best_step else not any(moved)  # the best weights stay
    assert trained.log[0].best_step > 0


def test_given_word_vectors_are_where_words_of_names_begin(view, tmp_path):
    from urbanbench.models._urban2vec.pretrain import first_words

    words = gather_words(BRIEF, view)
    name = next(one for one in words.names.tolist() if "=" not in one)
    file = tmp_path / "vectors.txt"
    file.write_text(f"{name} {' '.join(['0.5'] * 16)}\n", encoding="utf-8")
    model = dataclasses.replace(BRIEF, word_vectors=str(file))
    table, plain = first_words(model, words, 0), first_words(BRIEF, words, 0)
    row = words.names.tolist().index(name)
    assert (table[row] == 0.5).all()
    np.testing.assert_array_equal(np.delete(table, row, axis=0), np.delete(plain, row, axis=0))
    assert plain.std() == pytest.approx(0.1, abs=0.01)
    assert model.variant(view)["word vectors"].startswith("vectors.txt@")


def test_the_papers_values_are_the_defaults_and_the_variant_is_honest(city, view):
    assert Urban2Vec.from_settings("paper") == Urban2Vec()
    paper = Urban2Vec()
    assert (paper.dim, paper.image_encoder, paper.street_size, paper.batch) == (200, "inception_v3", 299, 72)
    assert paper.variant(view)["image"] == "inception_v3 (trained)"
    small = Urban2Vec.from_settings("small")
    assert small.variant(city.view(frozenset({"poi", "polygon"}))) == {
        "pictures": "drawn footprints, 64 px",
        "words": "OpenStreetMap tags",
        "image": "efficientnet-lite0 (frozen, head trained)",
        "word vectors": "random",
    }
    assert small.variant(view)["pictures"] == "street views, 96 px"
    assert small.variant(city.view(frozenset({"poi"})))["pictures"] == "none"


def test_what_cannot_be_done_is_named(city, view, monkeypatch):
    with pytest.raises(UnknownName, match="negatives 'none'"):
        Urban2Vec(negatives="none")
    with pytest.raises(BadInput, match=r"'neighbours' of Urban2Vec is 0"):
        Urban2Vec(neighbours=0)
    with pytest.raises(BadInput, match=r"'held_out_share' of Urban2Vec is 1"):
        Urban2Vec(held_out_share=1.0)
    with pytest.raises(BadInput, match=r"'dropout' of Urban2Vec is 1"):
        Urban2Vec(dropout=1.0)
    regions = Units("region", view.region_ids)
    with pytest.raises(BadInput, match="level 'poi'"):
        BRIEF.embed(view, units=Units("poi", ("p",)), seed=0, device="cpu")
    with pytest.raises(RunRefused, match="neither street views nor footprints nor POIs"):
        BRIEF.embed(city.view(frozenset()), units=regions, seed=0, device="cpu")
    streets = Units("street_view", city.unit_ids("street_view")[:2])
    with pytest.raises(InputMasked):
        BRIEF.embed(city.view(frozenset({"poi"})), units=streets, seed=0, device="cpu")
    with pytest.raises(BadInput, match="pictures='polygon' does not look at street views"):
        dataclasses.replace(BRIEF, pictures="polygon").embed(view, units=streets, seed=0, device="cpu")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        ExtraMissing, match=r"'inception_v3' cannot be loaded .*image_encoder=efficientnet-lite0"
    ):
        Urban2Vec(pairs=4, held_out_pairs=2).embed(view, units=regions, seed=0, device="cpu")
