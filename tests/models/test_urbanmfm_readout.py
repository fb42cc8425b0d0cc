"""What UrbanMFM reads out where street views, pictures from above and trips may be seen, thing by thing."""

import json
import shutil
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import torch
from pyproj import Transformer

from urbanbench.city.city import City
from urbanbench.errors import BadInput, RunRefused
from urbanbench.models._urbanmfm.memory import StreetMemory, street_vectors
from urbanbench.models._urbanmfm.nodes import only_among
from urbanbench.models._urbanmfm.readout import embed_units
from urbanbench.models._urbanmfm.vectors import poi_vectors, text_vectors
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.toolkit.ground.positions import encoded
from urbanbench.units import Units

DIM, REACH_M = 16, 120.0
ALL = frozenset({"poi", "polygon", "road", "street_view", "satellite", "flow"})
QUICK = {
    "dim": str(DIM),
    "text_encoder": "hashing",
    "raster_size": "16",
    "street_size": "32",
    "satellite_size": "32",
    "fusion_heads": "4",
    "max_neighbours": "8",
    "max_dist_m": str(REACH_M),
    "max_steps": "2",
    "stages": "local,global",
    "flows": "true",
}


@pytest.fixture(scope="module")
def trained(tiny_toyville, tmp_path_factory):
    """A city with few street views, some regions without picture or trips; one very short training of the global stage."""
    folder = shutil.copytree(tiny_toyville, tmp_path_factory.mktemp("toyville") / "city")
    frame = pd.read_parquet(folder / "satellite.parquet")
    frame.drop(index=[2, 7, 30, 31]).to_parquet(folder / "satellite.parquet", index=False)
    flows = pd.read_parquet(folder / "flows.parquet")
    quiet = {"tv0004", "tv0020"}
    flows = flows[~flows["origin_id"].isin(quiet) & ~flows["destination_id"].isin(quiet)]
    flows.to_parquet(folder / "flows.parquet", index=False)
    views = gpd.read_parquet(folder / "street_views.parquet")
    views.iloc[::4].to_parquet(folder / "street_views.parquet", index=False)
    told = json.loads((folder / "city.json").read_text(encoding="utf-8"))
    told["labels"] = {name: one for name, one in told["labels"].items() if one.get("level") != "street_view"}
    (folder / "city.json").write_text(json.dumps(told), encoding="utf-8")
    view = City.open(folder).view(ALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URBANBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield view, model().pretrain(view, seed=0)


def model(**settings):
    return UrbanMFM.from_settings("small", QUICK | settings)


def regions(trained, result=None, **settings):
    view, whole = trained
    return embed_units(model(**settings), result or whole, view, Units("region", view.region_ids))


def scaled(vector):
    return vector / vector.norm()


def without_training(result):
    return replace(result, trained=frozenset())


def emptied(result, *regions):
    """The same without the POIs of some regions."""
    places = result.material.places
    region = np.where(np.isin(places.region, regions), -1, places.region)
    return replace(result, material=replace(result.material, places=replace(places, region=region)))


@torch.no_grad()
def one_street(result, place, text, xy):
    """E_v of a place, or None where no sampling point is near enough."""
    sight = result.sight
    if np.hypot(*(sight.streets.xy - xy).T).min() > REACH_M:
        return None
    memory = StreetMemory(sight.streets, xy[None], max_dist_m=REACH_M)
    return street_vectors(result.net, sight.pictures, memory, np.array([0]), text[None])[0]


@torch.no_grad()
def parts_of(result, place):
    """E_t, E_v and E_p of a POI, None for those it does not have."""
    places, net = result.places, result.net
    text = net.encode_text(result.texts.features[places.text[place]][None])[0]
    row, shape = places.shape[place], None
    if row >= 0:
        shape = net.encode_shape(result.shapes.features[[row]], result.shapes.surface[[row]])[0]
    return text, one_street(result, place, text, places.xy[place]), shape


@pytest.fixture(scope="module")
def some_places(trained):
    """POIs of every kind: with and without streets near, with and without a footprint."""
    _, result = trained
    has_street, has_shape = result.micro.has_street, result.places.shape >= 0
    chosen = [
        np.flatnonzero((has_street == street) & (has_shape == shape))[:4]
        for street in (False, True)
        for shape in (False, True)
    ]
    assert all(len(one) == 4 for one in chosen)
    return np.concatenate(chosen)


def test_a_poi_is_what_the_fusions_make_of_it_where_they_were_trained(trained, some_places):
    _, result = trained
    made = poi_vectors(result)
    for place in some_places:
        vector, street, shape = parts_of(result, place)
        with torch.no_grad():
            if street is not None:
                vector = result.net.fuse_street(vector[None], street[None])[0]
            if shape is not None:
                vector = result.net.fuse_shape(vector[None], shape[None])[0]
        torch.testing.assert_close(made[place], scaled(vector), atol=1e-5, rtol=1e-4)


def test_a_poi_is_the_mean_of_what_it_has_where_the_fusions_were_not_trained(trained, some_places):
    _, result = trained
    made = poi_vectors(without_training(result))
    for place in some_places:
        has = [scaled(one) for one in parts_of(result, place) if one is not None]
        torch.testing.assert_close(made[place], torch.stack(has).mean(0), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("raw", [False, True])
def test_a_poi_is_its_kinds_side_by_side_or_their_mean_when_asked(trained, some_places, raw):
    _, result = trained
    beside, mean = (poi_vectors(result, how, raw=raw) for how in ("concat", "mean"))
    assert beside.shape == (len(result.places), 3 * DIM)
    for place in some_places:
        text, street, shape = (
            None if one is None else one if raw else scaled(one) for one in parts_of(result, place)
        )
        blocks = [torch.zeros(DIM) if one is None else one for one in (text, shape, street)]
        torch.testing.assert_close(beside[place], torch.cat(blocks), atol=1e-5, rtol=1e-4)
        has = [one for one in (text, shape, street) if one is not None]
        torch.testing.assert_close(mean[place], torch.stack(has).mean(0), atol=1e-5, rtol=1e-4)


def test_fused_vectors_keep_the_length_of_the_fusion_when_asked(trained, some_places):
    _, result = trained
    unit, raw = poi_vectors(result, "fused"), poi_vectors(result, "fused", raw=True)
    torch.testing.assert_close(unit, poi_vectors(result), atol=0, rtol=0)
    torch.testing.assert_close(torch.nn.functional.normalize(raw, dim=1), unit)
    fused = [place for place in some_places if parts_of(result, place)[1] is not None]
    assert (raw[fused].norm(dim=1) > 1.5).all()


def test_fused_vectors_are_refused_where_nothing_trained_the_fusion(trained):
    view, result = trained
    with pytest.raises(
        RunRefused, match=r"objective that trains the fusion was left out.*--set poi_vector=mean"
    ):
        regions((view, without_training(result)), poi_vector="fused")


def test_a_region_keeps_raw_lengths_in_all_its_parts(trained):
    view, result = trained
    bare = emptied(without_training(result), 12)
    space = regions(trained, bare, raw_length="true", poi_vector="mean", flows="false")
    vectors = poi_vectors(bare, "mean", raw=True).numpy()
    pictures, picture = result.backbones.overhead_pictures(), result.backbones.overheads.picture
    for row in range(0, len(view.region_ids), 5):
        inside = bare.places.region == row
        wanted = vectors[inside].mean(axis=0) if inside.any() else np.zeros(DIM)
        np.testing.assert_allclose(space.vectors[row, :DIM], wanted, atol=1e-4)
        if picture[row] >= 0:
            macro = result.net.image(pictures.features[picture[row]]).detach()
            np.testing.assert_allclose(space.vectors[row, DIM:-2], macro, atol=1e-4)


def test_trips_are_fused_with_fused_vectors_only():
    with pytest.raises(BadInput, match=r"'concat' with flows=true. Expected 'auto' or 'fused'"):
        model(poi_vector="concat")
    with pytest.raises(BadInput, match="'fused', but the stages local train no fusion"):
        model(poi_vector="fused", stages="local")


@pytest.mark.parametrize(("level", "share"), [("region", 10.0), ("building", 1.0)])
def test_the_position_is_appended_when_asked(trained, level, share):
    view, result = trained
    ids = view.region_ids if level == "region" else tuple(view.buildings.index[:9])
    units, seen = Units(level, ids), City.open(view._city.path).view(ALL | {"coordinates"})
    plain = embed_units(model(), emptied(result, 12), seen, units)
    placed = embed_units(model(with_pe="true"), emptied(result, 12), seen, units)
    to_degrees = Transformer.from_crs(view.crs, "EPSG:4326", always_xy=True)
    centres = [one.centroid.coords[0] for one in view.unit_geometry(units)]
    wanted = encoded(np.array([to_degrees.transform(*one)[::-1] for one in centres])) / share
    assert model(with_pe="true").card.needs == (*UrbanMFM.card.needs, "coordinates")
    np.testing.assert_array_equal(placed.vectors[:, :-256], plain.vectors)
    np.testing.assert_allclose(placed.vectors[plain.mask, -256:], wanted[plain.mask], atol=1e-3)
    assert not placed.vectors[~plain.mask].any()


def test_a_region_is_its_pois_its_picture_and_which_of_them_it_has(trained):
    view, result = trained
    bare = emptied(without_training(result), 2, 12)
    space, fused = regions(trained, bare), poi_vectors(bare).numpy()
    pictures, picture = result.backbones.overhead_pictures(), result.backbones.overheads.picture
    assert space.dim == 2 * DIM + 2
    for row in range(len(view.region_ids)):
        inside = bare.places.region == row
        wanted = fused[inside].mean(axis=0) if inside.any() else np.zeros(DIM)
        np.testing.assert_allclose(space.vectors[row, :DIM], wanted, atol=1e-5)
        macro = torch.zeros(DIM)
        if picture[row] >= 0:
            macro = scaled(result.net.image(pictures.features[picture[row]])).detach()
        np.testing.assert_allclose(space.vectors[row, DIM:-2], macro, atol=1e-5)
        assert space.vectors[row, -2:].tolist() == [inside.any(), picture[row] >= 0]
        assert space.mask[row] == (inside.any() or picture[row] >= 0)
    assert {tuple(one) for one in space.vectors[:, -2:].tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_trips_are_fused_with_the_pois_of_a_region_where_the_stage_was_trained(trained):
    result = emptied(trained[1], 12)
    space, flows = regions(trained, result), result.material.flows
    fused = poi_vectors(result)
    changed = 0
    for row in range(len(space)):
        inside = result.places.region == row
        if not inside.any():
            assert not space.vectors[row, :DIM].any()
            continue
        vector = fused[torch.from_numpy(inside)].mean(0)
        if flows.has[row]:
            with torch.no_grad():
                trips = result.net.flow(torch.from_numpy(flows.features[row])[None])
                vector = scaled(result.net.fuse_flow(vector[None], trips)[0])
            changed += 1
        np.testing.assert_allclose(space.vectors[row, :DIM], vector, atol=1e-5)
    assert 0 < changed < len(space)
    assert not flows.has.all()


@pytest.mark.parametrize(("pooling", "more"), [("sum", 0), ("mean+density", 4)])
def test_poolings_change_the_half_of_the_pois_only(trained, pooling, more):
    mean, other = regions(trained), regions(trained, pooling=pooling)
    np.testing.assert_array_equal(other.vectors[:, DIM + more :], mean.vectors[:, DIM:])
    assert other.vectors.shape[1] == mean.vectors.shape[1] + more
    if more:
        np.testing.assert_array_equal(other.vectors[:, :DIM], mean.vectors[:, :DIM])
    else:
        assert not np.array_equal(other.vectors[:, :DIM], mean.vectors[:, :DIM])


def test_graph_vectors_are_of_pois_and_of_regions_seen_from_above(trained):
    _, result = trained
    space = regions(trained, graph_vector="true")
    assert space.dim == 4 * DIM + 2
    np.testing.assert_array_equal(space.vectors[:, 2 * DIM : 3 * DIM], regions(trained).vectors[:, DIM:-2])
    seen = space.vectors[:, -1] == 1
    table = only_among(result.material.adjacent, seen)
    macro = torch.from_numpy(space.vectors[:, 2 * DIM : 3 * DIM])
    for row in np.flatnonzero(seen)[::7]:
        stars = table.take(np.array([row]), "cpu")
        with torch.no_grad():
            wanted = scaled(result.net.global_graph(stars, macro[stars.node])[0])
        np.testing.assert_allclose(space.vectors[row, 3 * DIM : 4 * DIM], wanted, atol=1e-5)
    assert not space.vectors[~seen, 3 * DIM : 4 * DIM].any()
    assert (~seen).sum() == 4


def test_a_building_sees_the_streets_around_its_centre(trained):
    view, result = trained
    ids = tuple(view.buildings.index[:150])
    space = embed_units(model(), result, view, Units("building", ids))
    assert space.dim == 4 * DIM + 3
    seen = 0
    for row, building in enumerate(view.buildings.geometry.iloc[:150]):
        around, own = space.vectors[row, DIM : 2 * DIM], space.vectors[row, 2 * DIM + 1 : 3 * DIM + 1]
        asked = torch.from_numpy(own if own.any() else around)
        street = one_street(result, row, asked, np.array([building.centroid.x, building.centroid.y]))
        assert space.vectors[row, -1] == (street is not None)
        wanted = torch.zeros(DIM) if street is None else scaled(street)
        np.testing.assert_allclose(space.vectors[row, 3 * DIM + 2 : -1], wanted, atol=1e-5)
        seen += street is not None
    assert 10 < seen < 150


def test_readouts_repeat_and_do_not_depend_on_what_was_read_before(trained):
    _, result = trained
    first, before = regions(trained).vectors, text_vectors(result).clone()
    poi_vectors(without_training(result))
    np.testing.assert_array_equal(regions(trained).vectors, first)
    assert torch.equal(text_vectors(result), before)
