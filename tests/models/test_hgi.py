"""HGI as a whole on a tiny city: what its vectors are, what it refuses, and whether it learns."""

import dataclasses

import numpy as np
import pytest
import torch

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, InputMasked, RunRefused, UnknownName
from urbanbench.models._hgi.categories import category_words
from urbanbench.models._hgi.delaunay import triangulate
from urbanbench.models._hgi.objective import pool_regions
from urbanbench.models._hgi.places import gather_places
from urbanbench.models._hgi.pretrain import _category_schedule, _city_schedule
from urbanbench.models._hgi.readout import region_vectors
from urbanbench.models.hgi import HGI
from urbanbench.toolkit.ground.places import centres, region_rows
from urbanbench.toolkit.texts.place_texts import is_place, is_shaped_place
from urbanbench.toolkit.training.plateau import rate_factor
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

BRIEF = dataclasses.replace(HGI.from_settings("small"), dim=16, max_steps=3, walks=1)


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(scope="module")
def view(city):
    return city.view(frozenset({"poi", "polygon"}))


def test_the_model_conforms_for_regions(city):
    check_model(BRIEF, city, level="region")


@pytest.mark.slow
@pytest.mark.parametrize("level", ["building", "poi"])
def test_the_model_conforms_at_every_level(city, level):
    check_model(BRIEF, city, level=level)


def test_places_are_tagged_objects_in_the_order_of_their_regions(view):
    places = gather_places(BRIEF, view)
    pois, buildings = view.pois, view.buildings
    tags = tag_table(pois["tags"])
    wanted = {*pois.index[is_place(tags)], *buildings.index[is_shaped_place(tag_table(buildings["tags"]))]}
    assert set(places.ids) == wanted
    assert len(places) == len(wanted)
    assert set(places.ids[places.is_building]) <= set(buildings.index)
    inside = places.region[places.region >= 0]
    assert (np.diff(inside) >= 0).all()
    assert (places.region[: len(inside)] >= 0).all()
    words = dict(zip(pois.index, category_words(tags), strict=True))
    kinds = [places.categories.names[k] for k in places.categories.of_place]
    for row in np.flatnonzero(~places.is_building)[::50]:
        one = pois.loc[places.ids[row]]
        assert kinds[row] in {words[one.name], words[one.name].partition("=")[0] + "=other"}
        assert view.region_ids[places.region[row]] == one["region_id"]
        np.testing.assert_allclose(places.xy[row] + places.corner, [one.geometry.x, one.geometry.y])


def test_all_objects_with_a_category_are_places_on_request(view):
    more = gather_places(dataclasses.replace(BRIEF, poi_filter="all"), view)
    assert set(gather_places(BRIEF, view).ids) <= set(more.ids)


def test_training_lowers_both_losses_and_is_recorded(view):
    model = dataclasses.replace(BRIEF, max_steps=60)
    with recording() as stages:
        trained = model.pretrain(view, seed=0)
    assert [one.name for one in stages] == ["categories", "mutual-information"]
    assert tuple(stages) == trained.log
    for one in stages:
        assert one.best < one.checks[0][1]
    assert len(stages[1].steps) == 60
    assert stages[1].chance == pytest.approx(2 * np.log(2))
    assert stages[1].best < 0.9 * stages[1].chance


def test_regions_asked_for_have_their_row_and_another_seed_has_others(view):
    trained = BRIEF.pretrain(view, seed=0)
    with torch.no_grad():
        every = region_vectors(BRIEF, trained)
    ids = view.region_ids[::-7]
    made = BRIEF.embed(view, units=Units("region", ids), seed=0, device="cpu")
    np.testing.assert_array_equal(made.vectors, every[::-7])
    assert made.mask.all()
    own = dataclasses.replace(BRIEF, region_vector="pooled").embed(
        view, units=Units("region", ids), seed=0, device="cpu"
    )
    city = trained.material
    with torch.no_grad():
        pooled = pool_regions(trained.net, city, city.smoothed)
        np.testing.assert_array_equal(own.vectors, pooled.numpy()[::-7])
    other = BRIEF.embed(view, units=Units("region", ids), seed=1, device="cpu")
    assert not np.allclose(made.vectors, other.vectors)


def test_a_region_without_pois_is_not_covered(city):
    view = city.view(frozenset({"poi"}))
    bare = view.region_ids[3]
    pois = view.pois

    class Without:
        """The view with one region emptied."""

        def __getattr__(self, name):
            return getattr(view, name)

        @property
        def pois(self):
            return pois[pois["region_id"] != bare]

    made = BRIEF.embed(Without(), units=Units("region", view.region_ids), seed=0, device="cpu")
    peopled = set(pois["region_id"][is_place(tag_table(pois["tags"]))]) - {bare}
    assert made.mask.tolist() == [one in peopled for one in view.region_ids]
    assert not made.vectors[3].any()
    assert made.vectors[made.mask].any(axis=1).all()


def test_buildings_read_the_pois_around_them_and_pois_have_their_own_vector(view):
    ids = tuple(view.buildings.index)
    buildings = BRIEF.embed(view, units=Units("building", ids), seed=0, device="cpu")
    assert buildings.mask.mean() > 0.8
    assert (buildings.vectors[buildings.mask] != 0).any(axis=1).all()
    pois = BRIEF.embed(view, units=Units("poi", tuple(view.pois.index)), seed=0, device="cpu")
    assert pois.mask.tolist() == is_place(tag_table(view.pois["tags"])).tolist()
    trained = BRIEF.pretrain(view, seed=0)
    with torch.no_grad():
        nodes = trained.net.encode_pois(trained.material.smoothed).numpy()
    row = dict(zip(trained.places.ids, nodes, strict=True))
    for space in (buildings, pois):
        known = [one for one in space.ids if one in row][::40]
        np.testing.assert_array_equal(space.take(known).vectors, [row[one] for one in known])


def test_ids_of_buildings_are_looked_up_by_hashes(view, monkeypatch):
    """`numpy.isin` compares Python objects each with each: hours for a million buildings."""
    plain = np.isin

    def isin(found, sought, **named):
        assert object not in (np.asarray(found).dtype, np.asarray(sought).dtype)
        return plain(found, sought, **named)

    monkeypatch.setattr(np, "isin", isin)
    units = Units("building", tuple(view.buildings.index))
    assert BRIEF.embed(view, units=units, seed=0, device="cpu").mask.any()


def test_a_building_is_a_node_without_features_of_the_graph_of_pois_and_buildings(view):
    from torch_geometric.nn import GCNConv

    trained = BRIEF.pretrain(view, seed=0)
    places, table = trained.places, trained.material.table
    bare = view.buildings[~view.buildings.index.isin(places.ids[places.is_building])]
    xy = np.concatenate([places.xy, centres(bare.geometry) - places.corner])
    assert len(np.unique(xy, axis=0)) == len(xy)  # else places would be moved apart
    region = np.concatenate([places.region, region_rows(view, bare["region_id"].tolist())])
    one, other = triangulate(xy).T
    length, diagonal = np.hypot(*(xy[one] - xy[other]).T), np.hypot(*np.ptp(xy, axis=0))
    weight = np.log((1 + diagonal**1.5) / (1 + length**1.5)) * np.where(region[one] == region[other], 1, 0.4)
    weight = (weight - weight.min()) / np.ptp(weight)
    edges = torch.from_numpy(np.stack([np.append(one, other), np.append(other, one)]))
    features = torch.cat([table[trained.material.category], torch.zeros(len(bare), table.shape[1])])
    layer = GCNConv(table.shape[1], BRIEF.dim)
    layer.lin.weight.data, layer.bias.data = (
        trained.net.poi_layer.weight.data,
        trained.net.poi_layer.bias.data,
    )
    with torch.no_grad():
        nodes = trained.net.poi_act(layer(features, edges, torch.from_numpy(np.tile(weight, 2)).float()))
    wanted = dict(zip(bare.index, nodes.numpy()[len(places) :], strict=True))
    found = BRIEF.embed(view, units=Units("building", tuple(bare.index)), seed=0, device="cpu")
    near = {int(b) for a, b in np.c_[[*one, *other], [*other, *one]] if a < len(places)}
    assert found.mask.tolist() == [len(places) + k in near for k in range(len(bare))]
    known = found.ids[found.mask]
    np.testing.assert_allclose(found.take(known).vectors, [wanted[k] for k in known], atol=1e-4)


def test_the_rate_rises_for_forty_epochs_and_stays_until_the_loss_does():
    schedule = _city_schedule(HGI.from_settings("paper"), 300)
    factors = [rate_factor(step, schedule.warmup, [], schedule.fall_factor) for step in (0, 19, 39, 40, 1999)]
    assert factors == pytest.approx([1 / 40, 0.5, 1, 1, 1])
    assert (schedule.batch, schedule.least_steps(1), schedule.held_out) == (300, 2000, 0.0)
    assert schedule.max_norm == 0.9


@pytest.mark.parametrize(
    ("preset", "passes", "batch", "rate"), [("paper", 100, 128, 5e-4), ("small", 400, 1024, 5e-3)]
)
def test_categories_are_trained_to_their_plateau_or_a_cap_of_passes(preset, passes, batch, rate):
    model = HGI.from_settings(preset)
    schedule = _category_schedule(model)
    assert (schedule.epochs, schedule.batch) == (passes, batch)
    assert (schedule.warmup, model.category_lr) == (0, rate)


def test_pois_start_from_their_category_as_such_on_request(view):
    trained = dataclasses.replace(BRIEF, features="one-hot").pretrain(view, seed=0)
    assert [one.name for one in trained.log] == ["mutual-information"]
    assert np.array_equal(trained.material.table.numpy(), np.eye(len(trained.places.categories)))


def test_a_single_category_leaves_skip_gram_out(village):
    view = City.open(village).view(frozenset({"poi"}))
    trained = BRIEF.pretrain(view, seed=0)
    assert trained.log[0].skipped.startswith("1 categories on ")
    assert trained.log[1].steps


def test_what_stands_in_for_the_papers_data_is_named(city, view):
    assert HGI().variant(view) == {"categories": "OpenStreetMap tags", "nodes": "POIs and tagged buildings"}
    assert HGI().variant(city.view(frozenset({"poi"})))["nodes"] == "POIs"


def test_what_cannot_be_done_is_named(city, view):
    with pytest.raises(UnknownName, match="features 'bert'"):
        HGI(features="bert")
    with pytest.raises(BadInput, match="dim=64 and heads=5"):
        HGI(heads=5)
    with pytest.raises(BadInput, match=r"'walk_length' of HGI is 1. Expected at least 2"):
        HGI(walk_length=1)
    with pytest.raises(BadInput, match=r"'alpha' of HGI is 1\.5"):
        HGI(alpha=1.5)
    with pytest.raises(BadInput, match="'far_bias' of HGI is 0"):
        HGI(far_bias=0.0)
    with pytest.raises(BadInput, match="level 'street_view'"):
        BRIEF.embed(view, units=Units("street_view", ("v1",)), seed=0, device="cpu")
    buildings = Units("building", city.unit_ids("building")[:2])
    with pytest.raises(InputMasked):
        BRIEF.embed(city.view(frozenset({"poi"})), units=buildings, seed=0, device="cpu")


def test_a_city_with_pois_in_few_regions_is_refused(city):
    view = city.view(frozenset({"poi"}))
    pois = view.pois

    class Few:
        """The view with the POIs of three regions."""

        def __getattr__(self, name):
            return getattr(view, name)

        @property
        def pois(self):
            return pois[pois["region_id"].isin(view.region_ids[:3])]

    with pytest.raises(RunRefused, match=r"POIs in 3 of 60 regions .* Expected POIs in at least 4"):
        BRIEF.pretrain(Few(), seed=0)
