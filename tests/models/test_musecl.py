"""MuseCL as a whole on a tiny city: what its vectors are, what it refuses, and whether it learns."""

import dataclasses

import numpy as np
import pytest
import torch

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.errors import BadInput, CityFaults, ExtraMissing, RunRefused, UnknownName
from urbanbench.hashing import value_digest
from urbanbench.models.musecl import MuseCL
from urbanbench.registry import load_task
from urbanbench.run.admission import refusal
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

BRIEF = dataclasses.replace(
    MuseCL.from_settings("small"),
    dim=16,
    street_encoder="tiny-cnn",
    overhead_encoder="tiny-cnn",
    street_size=32,
    overhead_size=48,
    max_steps=3,
    word_epochs=2,
)
FULL = frozenset({"poi", "polygon", "street_view", "satellite", "flow"})


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def view(city):
    return city.view(FULL)


class Changed:
    """A view with some of its frames replaced."""

    def __init__(self, view, broken=(), **frames):
        self._view, self._broken, self._frames = view, set(broken), frames

    def __getattr__(self, name):
        return self._frames[name] if name in self._frames else getattr(self._view, name)

    def open_image(self, path):
        if path in self._broken:
            raise CityFaults("here", [f"{path}: expected a picture"])
        return self._view.open_image(path)

    def picture_digest(self, paths):
        return value_digest([self._view.picture_digest(paths), sorted(self._broken)])


def every(view):
    return Units("region", view.region_ids)


def embedded(model, view, seed=0):
    return model.embed(view, units=every(view), seed=seed, device="cpu")


def test_the_model_conforms(city):
    check_model(BRIEF, city)


def test_it_conforms_with_encoders_that_are_trained_along(city):
    model = dataclasses.replace(
        BRIEF, train_encoders=True, sv_positive="auto", align="projections", max_steps=1
    )
    check_model(model, city)


def test_all_stages_lower_their_loss_and_are_recorded(view):
    model = dataclasses.replace(
        BRIEF, max_steps=150, align="projections", fusion_epochs=150, word_epochs=20, street_size=48
    )
    model = dataclasses.replace(
        model, street_encoder="efficientnet-lite0", overhead_encoder="efficientnet-lite0"
    )
    with recording() as stages:
        trained = model.pretrain(view, seed=0)
    assert tuple(stages) == trained.log
    assert [one.name for one in stages] == ["street", "overhead", "words", "fusion"]
    for one in stages[:3]:
        assert one.best < 0.88 * one.held_out_chance
        assert one.best < one.checks[0][1]
    assert np.mean(stages[3].steps[-5:]) < np.mean(stages[3].steps[:5])
    assert (stages[0].chance, stages[0].held_out_chance) == (5.0, 5.0)


def test_a_regions_vector_is_the_weighted_sum_of_its_kinds(view):
    trained = BRIEF.pretrain(view, seed=0)
    made = embedded(BRIEF, view)
    with torch.no_grad():
        kinds = trained.kinds(torch.arange(len(made)))
        weights = trained.fusion.weights(kinds, trained.kinds.present)
    assert kinds.shape == (len(view.region_ids), 2, 16)
    np.testing.assert_allclose(made.vectors, (weights[..., None] * kinds).sum(dim=1), atol=1e-5)
    seen = set(view.street_views["region_id"].dropna())
    assert trained.kinds.present[:, 0].tolist() == [one in seen for one in view.region_ids]
    assert made.mask.all()
    assert 0 < len(seen) < len(made)
    other = embedded(BRIEF, view, seed=1)
    assert not np.allclose(made.vectors, other.vectors)


def test_regions_without_any_picture_are_not_covered(view):
    bare = view.region_ids[4]
    streets, above = view.street_views, view.satellite
    changed = Changed(
        view, street_views=streets[streets["region_id"] != bare], satellite=above.drop(index=bare)
    )
    made = embedded(BRIEF, changed)
    assert made.mask.tolist() == [one != bare for one in view.region_ids]
    assert not made.vectors[4].any()


def test_a_picture_that_cannot_be_opened_is_left_out(view):
    region = view.region_ids[2]
    above = view.satellite["image"]
    lost = [above[region], view.street_views["east"].iloc[0]]
    trained = BRIEF.pretrain(Changed(view, broken=lost), seed=0)
    assert trained.kinds.present[:, 1].tolist() == [one != region for one in view.region_ids]
    assert np.isfinite(embedded(BRIEF, Changed(view, broken=lost)).vectors).all()


def test_regions_without_pois_have_vectors_but_teach_nothing(view):
    pois = view.pois
    bare = view.region_ids[1]
    trained = BRIEF.pretrain(Changed(view, pois=pois[pois["region_id"] != bare]), seed=0)
    assert not trained.words[1].any()
    assert trained.kinds.present[1].all()


def test_maps_of_footprints_stand_in_for_satellite_pictures(city):
    view = city.view(frozenset({"poi", "polygon"}))
    assert BRIEF.variant(view) == {
        "overhead image": "tiny-cnn (frozen, 48 px)",
        "overhead": "building footprints drawn from polygons, in place of satellite",
        "fusion": "infonce (attention)",
        "left out": "street views",
    }
    with recording() as stages:
        made = embedded(BRIEF, view)
    built = set(view.buildings["region_id"].dropna())
    assert made.mask.tolist() == [one in built for one in view.region_ids]
    assert {one.name: bool(one.skipped) for one in stages} == {
        "overhead": False,
        "words": False,
        "fusion": True,
    }
    trained = BRIEF.pretrain(view, seed=0)
    with torch.no_grad():
        alone = trained.kinds(torch.arange(len(made)))[:, 0]
    np.testing.assert_allclose(made.vectors[made.mask], alone[made.mask], atol=1e-6)


def test_footprints_are_not_drawn_where_satellite_pictures_are_seen(city, view):
    without = city.view(FULL - {"polygon"})
    np.testing.assert_array_equal(embedded(BRIEF, view).vectors, embedded(BRIEF, without).vectors)
    view.reset_touched()
    embedded(BRIEF, view)
    assert view.touched == {"poi", "street_view", "satellite"}


@pytest.mark.parametrize("kind", ["mobility", "spatial"])
def test_what_makes_street_views_alike_is_a_choice(view, kind):
    model = dataclasses.replace(BRIEF, sv_positive=kind)
    view.reset_touched()
    made = embedded(model, view)
    assert ("flow" in view.touched) == (kind == "mobility")
    assert not np.allclose(made.vectors, embedded(BRIEF, view).vectors)


def test_the_leak_risk_of_trips_is_told(city, view):
    paper = MuseCL.from_settings("paper")
    assert "leak risk" in paper.variant(view)["street positives"]
    assert paper.variant(city.view(FULL - {"flow"}))["street positives"] == "poi"
    assert BRIEF.variant(view)["street positives"] == "poi"


def test_pictures_that_are_no_photographs_are_named(city, view):
    told = BRIEF.variant(view)
    assert told["street_view"] == city.layers["street_views"].kind == "rendered-from-plan"
    assert told["overhead"] == city.layers["satellite"].kind == "rendered-from-plan"


def test_the_card_tells_the_leak_risk():
    assert any("helped" in one and "mobility" in one for one in MuseCL.card.differs_from_paper)


def test_few_satellite_pictures_are_left_out(view):
    with recording() as stages:
        trained = BRIEF.pretrain(Changed(view, satellite=view.satellite.iloc[:3]), seed=0)
    assert len(trained.kinds) == 1
    assert {one.name: one.skipped for one in stages}["overhead"].startswith("3 regions with pictures")


def test_what_cannot_be_done_is_named(city, view):
    with pytest.raises(UnknownName, match="sv positive 'trips'"):
        MuseCL(sv_positive="trips")
    with pytest.raises(BadInput, match="'dim' of MuseCL is 0"):
        MuseCL(dim=0)
    with pytest.raises(BadInput, match=r"'spared' of MuseCL is 0\.7"):
        MuseCL(spared=0.7)
    with pytest.raises(BadInput, match="'margin' of MuseCL is 0"):
        MuseCL(margin=0.0)
    with pytest.raises(BadInput, match="level 'building'"):
        BRIEF.embed(view, units=Units("building", ("b1",)), seed=0, device="cpu")
    with pytest.raises(RunRefused, match="needs trips between regions"):
        embedded(dataclasses.replace(BRIEF, sv_positive="mobility"), city.view(FULL - {"flow"}))
    few = view.pois[view.pois["region_id"].isin(view.region_ids[:2])]
    with pytest.raises(RunRefused, match="no kind of pictures that 4 comparable regions"):
        embedded(BRIEF, Changed(view, pois=few))


def test_pois_alone_are_refused_before_anything_is_trained(city):
    task = load_task("popdensity")
    told = refusal("musecl", MuseCL.card, task.card, city, frozenset({"poi"}))
    assert "needs input 'street_view' or 'satellite' or 'polygon'" in told
    assert not refusal("musecl", MuseCL.card, task.card, city, frozenset({"poi", "polygon"}))


def test_weights_that_are_not_there_are_asked_for(view, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExtraMissing, match="inception_v3"):
        dataclasses.replace(BRIEF, street_encoder="inception_v3").pretrain(view, seed=0)
