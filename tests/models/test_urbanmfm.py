"""UrbanMFM end to end on the smallest built-in city."""

import math
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from urbanbench import home
from urbanbench.city.city import City
from urbanbench.errors import BadInput, CityFaults, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.models._urbanmfm.groups import road_groups
from urbanbench.models._urbanmfm.kept import stage_keys
from urbanbench.models._urbanmfm.l_local import LocalObjective
from urbanbench.models._urbanmfm.material import gather_material
from urbanbench.models._urbanmfm.readout import embed_units
from urbanbench.models._urbanmfm.vectors import poi_vectors, text_vectors
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.toolkit.ground.places import gather_places
from urbanbench.units import Units

ALL = frozenset({"poi", "polygon", "road"})
QUICK = {
    "dim": "32",
    "text_encoder": "hashing",
    "raster_size": "16",
    "street_size": "16",
    "satellite_size": "16",
    "max_neighbours": "8",
    "max_steps": "10",
}


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def trained(city):
    """One very short training with everything allowed."""
    model, view = UrbanMFM.from_settings("small", QUICK), city.view(ALL)
    return model, view, model.pretrain(view, seed=0)


def quick(**settings):
    return UrbanMFM.from_settings("small", QUICK | {"max_steps": "2"} | settings)


def test_every_stage_falls_well_below_chance(city):
    result = UrbanMFM.from_settings(
        "small", QUICK | {"dim": "64", "max_steps": "60", "patience": "10"}
    ).pretrain(city.view(ALL), seed=0)
    assert [stage.name for stage in result.log] == ["poi", "local"]
    for stage, margin in zip(result.log, (0.1, 0.5), strict=True):
        assert np.mean(stage.steps[-5:]) < stage.chance - margin
        assert stage.best < stage.checks[0][1]


def test_regions_come_in_the_order_asked_for(trained):
    model, view, result = trained
    ids = view.region_ids
    chosen = (ids[5], ids[0], ids[40])
    all_of_them, some = (embed_units(model, result, view, Units("region", one)) for one in (ids, chosen))
    assert some.ids.tolist() == list(chosen)
    np.testing.assert_array_equal(some.vectors, all_of_them.vectors[[5, 0, 40]])


def test_a_region_is_the_mean_of_its_pois_and_without_any_it_is_not_covered(trained):
    model, view, result = trained
    space = embed_units(model, result, view, Units("region", view.region_ids))
    fused = poi_vectors(result).numpy()
    for row in range(len(space)):
        inside = result.places.region == row
        assert space.mask[row] == inside.any()
        wanted = fused[inside].mean(axis=0) if inside.any() else np.zeros(model.dim)
        np.testing.assert_allclose(space.vectors[row], wanted, atol=1e-5)


def test_a_poi_with_a_footprint_is_the_mean_of_text_and_shape(trained):
    _, _, result = trained
    text, fused = text_vectors(result), poi_vectors(result)
    bare = result.places.shape < 0
    torch.testing.assert_close(fused[bare], text[bare])
    place = int(np.flatnonzero(~bare)[0])
    row = result.places.shape[place]
    shape = result.net.encode_shape(result.shapes.features[[row]], result.shapes.surface[[row]])[0].detach()
    torch.testing.assert_close(fused[place], (text[place] + shape / shape.norm()) / 2, atol=1e-6, rtol=1e-4)


def test_density_columns_count_what_a_mean_forgets(trained):
    _, view, result = trained
    model = quick(pooling="mean+density")
    space = embed_units(model, result, view, Units("region", view.region_ids))
    area, buildings = view.regions["area_km2"].to_numpy(), view.buildings
    for row, region in enumerate(view.region_ids):
        own = buildings[buildings["region_id"] == region]
        pois = (result.places.region == row).sum()
        wanted = np.log1p([pois, pois / area[row], len(own) / area[row], own["area_m2"].sum() / area[row]])
        np.testing.assert_allclose(space.vectors[row, -4:], wanted, rtol=1e-5)
        assert space.mask[row] == bool(pois or len(own))


def test_a_sum_per_km2_keeps_kind_and_number(trained):
    _, view, result = trained
    space = embed_units(quick(pooling="sum"), result, view, Units("region", view.region_ids))
    fused, area = poi_vectors(result).numpy(), view.regions["area_km2"].to_numpy()
    for row in range(len(space)):
        inside = result.places.region == row
        wanted = fused[inside].sum(axis=0) / area[row]
        np.testing.assert_allclose(space.vectors[row], np.sign(wanted) * np.log1p(np.abs(wanted)), atol=1e-4)
        assert space.mask[row] == inside.any()


def test_graph_vectors_follow_the_mean_if_asked(trained):
    _, view, result = trained
    space = embed_units(quick(graph_vector="true"), result, view, Units("region", view.region_ids))
    assert space.dim == 64
    assert space.vectors[space.mask][:, 32:].any(axis=1).all()


def test_a_building_is_its_shape_and_the_texts_around_it(trained):
    model, view, result = trained
    ids = tuple(view.buildings.index[:200])
    space = embed_units(model, result, view, Units("building", ids))
    assert space.dim == 3 * 32 + 2
    text, places = text_vectors(result).numpy(), result.places
    rows = np.where(places.shape >= 0, places.shape_row[places.shape], -1)
    checked = 0
    for row, building in enumerate(view.buildings.geometry.iloc[:200]):
        centre = np.array([building.centroid.x, building.centroid.y])
        near = (np.hypot(*(places.xy - centre).T) <= 100.0) & (rows != row)
        if near.any():
            np.testing.assert_allclose(space.vectors[row, 32:64], text[near].mean(0), atol=1e-5)
            checked += 1
        assert space.vectors[row, 64] == near.any()
        assert space.vectors[row, -1] == space.vectors[row, 65:97].any()
        assert space.vectors[row, -1] == (rows[places.n_points :] == row).any()
        np.testing.assert_allclose(np.linalg.norm(space.vectors[row, :32]), 1.0, rtol=1e-5)
    assert checked > 50


def test_own_tags_of_buildings_are_told_only_if_the_view_shows_them(city, trained):
    model, _, _ = trained
    label = city.label("building_function")
    ids = tuple(label.index[:50])
    view = city.view(ALL, withholds=("target_building",), target_ids=ids)
    space = quick().embed(view, units=Units("building", ids), seed=0, device="cpu")
    assert space.dim == 3 * model.dim + 2
    assert not space.vectors[:, 2 * model.dim + 1 :].any()
    few = embed_units(model, model.pretrain(view, seed=0), view, Units("building", ids[:2]))
    assert few.dim == space.dim


def test_pois_get_their_fused_vector_and_filtered_ones_none(trained):
    model, view, result = trained
    space = embed_units(model, result, view, Units("poi", tuple(view.pois.index)))
    known = set(result.places.ids[: result.places.n_points])
    assert space.mask.tolist() == [one in known for one in view.pois.index]
    row = int(np.flatnonzero(space.mask)[3])
    place = int(np.flatnonzero(result.places.ids == view.pois.index[row])[0])
    np.testing.assert_allclose(space.vectors[row], poi_vectors(result)[place])
    assert not space.vectors[~space.mask].any()


@lru_cache(maxsize=1)
def kept(city):
    return quick().embed(
        city.view(ALL), units=Units("region", city.view(ALL).region_ids), seed=0, device="cpu"
    )


def test_same_seed_same_bits_and_another_seed_differs(city):
    view = city.view(ALL)
    units = Units("region", view.region_ids)
    with fresh_cache():
        again, other = (quick().embed(view, units=units, seed=seed, device="cpu") for seed in (0, 1))
    np.testing.assert_array_equal(kept(city).vectors, again.vectors)
    assert not np.array_equal(kept(city).vectors, other.vectors)


def test_without_roads_pois_are_grouped_with_their_neighbours(city):
    view = city.view(frozenset({"poi", "polygon"}))
    model = quick()
    space = model.embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")
    assert model.variant(view)["grouping"] == "knn"
    assert model.variant(city.view(ALL))["grouping"] == "road"
    assert view.touched == {"poi", "polygon"}
    assert not np.array_equal(space.vectors, kept(city).vectors)


def test_pois_alone_are_enough_for_regions_but_not_for_buildings(city):
    view = city.view(frozenset({"poi"}))
    space = quick().embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")
    assert view.touched == {"poi"}
    assert "image" not in quick().variant(view)
    assert space.mask.sum() > 50
    building = tuple(city.view(ALL).buildings.index[:3])
    with pytest.raises(RunRefused, match="Expected the input polygon"):
        quick(stages="poi").embed(view, units=Units("building", building), seed=0, device="cpu")


def test_grouping_by_road_is_refused_where_roads_are_masked(city):
    view = city.view(frozenset({"poi"}))
    with pytest.raises(RunRefused, match="--set grouping=knn"):
        quick(grouping="road").embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")


def test_roads_for_pedestrians_give_no_context(city):
    view = city.view(ALL)
    places = gather_places(view, poi_filter="paper", use_name=True)
    groups = road_groups(view, places, grouping="road", radius_m=100.0, nearest=10, max_dist_m=1000.0)
    roads = [
        road
        for road, tags in zip(view.roads.geometry, view.roads["tags"], strict=True)
        if dict(tags)["highway"] not in {"cycleway", "footway", "steps"}
    ]
    import shapely

    points = shapely.points(places.xy)
    wanted = [np.flatnonzero(shapely.distance(points, road) <= 100.0).tolist() for road in roads]
    got = [groups.member[groups.start[g] : groups.start[g + 1]].tolist() for g in range(len(groups))]
    assert got == [one for one in wanted if len(one) >= 2]


def test_a_point_has_the_building_around_it_and_telling_buildings_are_pois(city):
    view = city.view(ALL)
    places = gather_places(view, poi_filter="paper", use_name=True)
    buildings = view.buildings
    for place in range(0, places.n_points, 25):
        point = view.pois.geometry[places.ids[place]]
        around = buildings[buildings.intersects(point)]
        if places.shape[place] < 0:
            assert around.empty
        else:
            assert buildings.index[places.shape_row[places.shape[place]]] == around.area.idxmin()
    assert len(places) > places.n_points
    for place in range(places.n_points, len(places)):
        assert buildings.index[places.shape_row[places.shape[place]]] == places.ids[place]
        assert dict(buildings["tags"][places.ids[place]])["building"] not in {"yes", "roof"}


def test_the_wider_filter_keeps_more_objects(city):
    view = city.view(ALL)
    narrow, wide = (gather_places(view, poi_filter=one, use_name=True) for one in ("paper", "all"))
    assert set(narrow.ids) < set(wide.ids)
    assert any("highway: bus stop" in text for text in wide.texts)


def test_names_can_be_left_out(city):
    places = gather_places(city.view(ALL), poi_filter="paper", use_name=False)
    assert not any("name:" in text for text in places.texts)


def test_a_text_encoder_trains_along(city):
    view = city.view(frozenset({"poi"}))
    tuned, frozen = (
        quick(train_text_encoder=word, stages="poi").pretrain(view, seed=0) for word in ("true", "false")
    )
    assert not torch.equal(tuned.texts.features, frozen.texts.features)
    assert quick(train_text_encoder="true").variant(view)["text"] == "hashed-words-384 (trained)"


def test_stages_can_be_left_out(city):
    result = quick(stages="local").pretrain(city.view(ALL), seed=0)
    assert [stage.name for stage in result.log] == ["local"]


def test_wrong_words_are_named():
    with pytest.raises(UnknownName, match="stage 'galactic'"):
        UrbanMFM(stages=("poi", "galactic"))
    with pytest.raises(UnknownName, match="pooling 'max'"):
        UrbanMFM(pooling="max")
    with pytest.raises(BadInput, match="'dim' of UrbanMFM is 0"):
        UrbanMFM(dim=0)


def test_defaults_are_the_papers_values():
    model = UrbanMFM.from_settings("paper")
    assert (model.dim, model.batch, model.temperature, model.lr, model.max_dist_m) == (
        768,
        256,
        0.5,
        1e-4,
        1000.0,
    )
    assert (model.text_encoder, model.image_encoder, model.raster_size) == (
        "bert-base-uncased",
        "resnet18",
        224,
    )


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["helsinki", "singapore"])
def test_real_cities_are_read_and_teach_something(name):
    if "URBANBENCH_DATA" not in os.environ:
        pytest.skip("set URBANBENCH_DATA to the folder of real cities")
    view = City.open(Path(os.environ["URBANBENCH_DATA"]) / name).view(frozenset({"poi", "road"}))
    model = UrbanMFM.from_settings("small", QUICK | {"stages": "poi", "train_text_encoder": "false"})
    result = model.pretrain(view, seed=0)
    assert len(result.places) > 500
    assert result.log[0].steps[-1] < result.log[0].steps[0]
    space = embed_units(model, result, view, Units("region", view.region_ids))
    assert space.mask.mean() > 0.9


def test_a_share_of_the_anchors_is_a_share_of_the_steps(city):
    some, every = (
        quick(sample_share=share, stages="poi", max_steps="500", epochs="1", batch="16").pretrain(
            city.view(ALL), seed=0
        )
        for share in ("0.25", "1")
    )
    assert 0.2 < some.log[0].planned_steps / every.log[0].planned_steps < 0.3
    for model in (some, every):
        assert model.log[0].batch == 16
        # An anchor whose text another of the batch has is no candidate for it.
        assert math.log(14) < model.log[0].chance <= math.log(16)
    with pytest.raises(BadInput, match="'sample_share' of UrbanMFM is 0"):
        UrbanMFM(sample_share=0.0)


def test_trips_change_the_global_stage_and_nothing_before_it(city):
    view = city.view(ALL | {"satellite", "flow"})
    with fresh_cache():
        plain, fused = (
            quick(flows=word, stages="poi,global", fusion_heads="4").pretrain(view, seed=0)
            for word in ("false", "true")
        )
    assert "flow" in view.touched
    assert plain.log[0].steps == fused.log[0].steps
    assert plain.log[1].steps != fused.log[1].steps
    assert plain.material.flows is None


def test_runs_share_the_stages_they_have_in_common(city):
    view = city.view(ALL | {"satellite"})
    base = quick()
    keys = stage_keys(base, view, base.stages_in(view), seed=0, device="cpu", encoders={})
    assert list(keys) == ["poi", "local", "macro", "global"]

    def same(**settings):
        model = quick(**settings)
        other = stage_keys(model, view, model.stages_in(view), seed=0, device="cpu", encoders={})
        return [stage for stage in keys if other.get(stage) == keys[stage]]

    assert same(pooling="sum", context_radius_m="5") == ["poi", "local", "macro", "global"]
    assert same(cosine_threshold="0.9") == ["poi", "local"]
    assert same(drop_share="0.2") == ["poi"]
    assert same(stages="poi,local") == ["poi", "local"]
    assert same(stages="poi,macro") == ["poi"]
    assert same(lr="0.5") == []
    assert stage_keys(base, view, ("poi",), seed=1, device="cpu", encoders={})["poi"] != keys["poi"]


def test_stages_read_only_the_parameters_their_keys_know(city):
    """A parameter that a stage reads without telling would let it share weights it should not."""
    from urbanbench.models._urbanmfm import kept
    from urbanbench.models._urbanmfm import pretrain as training
    from urbanbench.models._urbanmfm.material import gather_material
    from urbanbench.models._urbanmfm.stages import Workshop, objective_of

    special = {name for names in kept.OF_STAGE.values() for name in names} | set(kept.READOUT)
    view = city.view(ALL | {"satellite", "street_view", "flow"})
    model = quick(fusion_heads="4")
    material = gather_material(model, view)
    backbones = training.build_backbones(model, view, material, 0, "cpu")
    net = training.build_net(model, backbones, 0)

    class Watched:
        def __init__(self) -> None:
            self.read: set[str] = set()

        def __getattr__(self, name):
            self.read.add(name)
            return getattr(model, name)

    for stage, known in kept.OF_STAGE.items():
        watched = Watched()
        objective_of(stage, Workshop(watched, view, material, net, backbones, 0, "cpu"))
        assert watched.read & special <= set(known), stage


def test_a_stage_kept_on_disk_gives_the_weights_it_was_trained_to(city):
    view, model = city.view(ALL | {"satellite"}), quick(fusion_heads="4")
    with fresh_cache():
        trained, read = (model.pretrain(view, seed=0) for _ in range(2))
        broken = next(home.cache_root().glob("training/*.safetensors"))
        broken.write_bytes(b"half a file")
        mended = model.pretrain(view, seed=0)
    for other in (read, mended):
        assert [one.steps for one in other.log] == [one.steps for one in trained.log]
        for name, tensor in trained.net.state_dict().items():
            assert torch.equal(tensor, other.net.state_dict()[name]), name
    assert read.log[0].seconds == trained.log[0].seconds


def test_a_killed_training_goes_on_to_the_same_weights(city, monkeypatch):
    view, model = city.view(ALL | {"satellite"}), quick(fusion_heads="4", max_steps="20")
    with fresh_cache():
        whole = model.pretrain(view, seed=0)
    usual = LocalObjective.loss
    calls = {"n": 0}

    def dying(self, anchors, rng):
        calls["n"] += 1
        if calls["n"] == 14:
            raise KeyboardInterrupt
        return usual(self, anchors, rng)

    with fresh_cache():
        with monkeypatch.context() as patch:
            patch.setattr(LocalObjective, "loss", dying)
            with pytest.raises(KeyboardInterrupt):
                model.pretrain(view, seed=0)
        resumed = model.pretrain(view, seed=0)
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, resumed.net.state_dict()[name]), name
    assert [one.steps for one in whole.log] == [one.steps for one in resumed.log]


def test_joint_training_trains_every_objective(city):
    view = city.view(ALL | {"satellite", "street_view"})
    result = quick(mode="joint", max_steps="8", fusion_heads="4").pretrain(view, seed=0)
    assert [one.name for one in result.log] == ["poi", "svi", "local", "macro", "global"]
    assert {len(one.steps) for one in result.log} == {8}
    assert result.trained == {"poi", "svi", "local", "macro", "global"}


def test_what_is_left_out_for_want_of_data_is_named(city):
    assert quick().variant(city.view(frozenset({"poi", "polygon"})))["left out"] == "svi, macro, global"
    full = quick().variant(city.view(ALL | {"satellite", "street_view"}))
    assert "left out" not in full
    assert full["scene"] == "kmeans"


def test_graph_vectors_of_an_untrained_graph_are_not_shown(city):
    view = city.view(ALL)
    space = quick(stages="poi", graph_vector="true").embed(
        view, units=Units("region", view.region_ids), seed=0, device="cpu"
    )
    assert space.dim == 32


def test_the_largest_footprint_is_the_citys_and_not_that_of_the_buildings_asked_for(city):
    view, model = city.view(ALL), quick(a_max_m2="none")
    result = model.pretrain(view, seed=0)
    ids = tuple(view.buildings.index[:60])
    few, many = (embed_units(model, result, view, Units("building", one)) for one in (ids[:5], ids))
    np.testing.assert_allclose(few.vectors, many.vectors[:5], atol=1e-6)


def test_stages_without_a_picture_that_opens_are_skipped_and_say_so(city, monkeypatch):
    view = city.view(ALL | {"satellite", "street_view"})

    def broken(path):
        raise CityFaults("toyville", [path])

    monkeypatch.setattr(type(view), "open_image", lambda self, path: broken(path))
    for mode in ("stagewise", "joint"):
        with fresh_cache():
            result = quick(mode=mode, fusion_heads="4").pretrain(view, seed=0)
            space = embed_units(quick(), result, view, Units("region", view.region_ids))
        assert result.trained == {"poi", "local"}
        skipped = {one.name: one.skipped for one in result.log if one.skipped}
        assert skipped == dict.fromkeys(("svi", "macro", "global"), "no picture opens")
        assert space.dim == 32


def test_more_neighbours_enter_within_a_wider_radius(city):
    """A fixed number would be the same few nearest POIs whatever the radius."""
    reached = {}
    for radius in (500, 1000, 2000):
        model = UrbanMFM.from_settings("small", QUICK | {"max_dist_m": str(radius)})
        stars = gather_material(model, city.view(ALL)).stars
        xy = gather_places(city.view(ALL), poi_filter="paper", use_name=True).xy
        wanted = 8 * (radius // 500) ** 2 // 4
        for row in range(0, len(xy), 300):
            apart = np.sort(np.hypot(*(xy - xy[row]).T))[1:]
            inside = min(wanted, int((apart <= radius).sum()))
            assert (stars.neighbour[row] >= 0).sum() == inside
        reached[radius] = np.nanmax(np.where(stars.neighbour >= 0, stars.distance_m, np.nan))
    assert reached[500] < reached[1000] < reached[2000]
