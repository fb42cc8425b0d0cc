"""Floors that tell pooling, data and training apart, each number computed again with plain loops."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import identifying_parameters
from urbanbench.models._footprint_means import rows as footprint_rows
from urbanbench.models._hgi.places import gather_places as hgi_places
from urbanbench.models._spabert.entities import gather_entities
from urbanbench.models._urban2vec.words import gather_words
from urbanbench.models.building_stats import BuildingStats
from urbanbench.models.footprint_means import FootprintMeans
from urbanbench.models.hgi import HGI
from urbanbench.models.neighbour_counts import NeighbourCounts
from urbanbench.models.places_counts import PlacesCounts
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.models.poi_shares import PoiShares
from urbanbench.models.random_codes import RandomCodes
from urbanbench.models.text_codes import TextCodes
from urbanbench.models.urban2vec import Urban2Vec
from urbanbench.registry.files import import_file
from urbanbench.seeds import generator
from urbanbench.seen import seeing
from urbanbench.toolkit.ground.objects import MERE_BUILDING, gather_objects
from urbanbench.toolkit.ground.places import gather_places
from urbanbench.toolkit.pictures.image_encoders import encode_shapes, load_image_encoder
from urbanbench.toolkit.shapes.polygon import at_origin
from urbanbench.toolkit.texts.counts import POI_KEYS
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

POLYGONS = frozenset({"poi", "polygon"})


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(scope="module")
def view(city):
    return city.view(POLYGONS)


@pytest.fixture(scope="module")
def regions(city):
    order = np.random.default_rng(3).permutation(np.array(city.unit_ids("region")))
    return Units("region", tuple(order.tolist()))


@pytest.fixture(scope="module")
def buildings(city):
    chosen = np.random.default_rng(4).choice(np.array(city.unit_ids("building")), 20, replace=False)
    return Units("building", tuple(chosen.tolist()))


def embedded(model, view, units, seed=0):
    return model.embed(view, units=units, seed=seed, device="cpu")


def shown(view, which):
    """(id, region, point, categories) of every object that UrbanMFM gathers, or of all POIs, or with all footprints."""
    pois, buildings = view.pois, view.buildings
    if which == "all":
        ids = {*pois.index}
    else:
        ids = {*gather_places(view, poi_filter="paper", use_name=True).ids}
        ids -= {*buildings.index} if which == "kept" else set()
        ids |= {*buildings.index} if which == "footprints" else set()
    found = []
    for frame, bare in ((pois, []), (buildings, [MERE_BUILDING])):
        for one, region, shape, tags in zip(
            frame.index, frame["region_id"], frame.geometry, frame["tags"], strict=True
        ):
            if one in ids:
                words = [f"{key}={value}" for key, value in tags if key in POI_KEYS] or bare
                found.append((one, region, shape.centroid, words))
    return found


def counted(view, units, which, radius_m=100.0):
    """Categories by falling frequency; counts (n, c) and objects (n,), every unit asked about every object."""
    objects = shown(view, which)
    total = Counter(word for *_, words in objects for word in words)
    columns = sorted(total, key=lambda word: (-total[word], word))
    counts, number = np.zeros((len(units), len(columns))), np.zeros(len(units))
    outlines = view.buildings.geometry
    for row, unit in enumerate(units.ids):
        for one, region, point, words in objects:
            near = region == unit
            if units.level == "building":
                near = one != unit and shapely.distance(outlines[unit], point) <= radius_m
            if near and words:
                number[row] += 1
                for word in words:
                    counts[row, columns.index(word)] += 1
    return columns, counts, number


def km2(view, units):
    return view.regions.loc[list(units.ids), "area_km2"].to_numpy()[:, None]


def test_objects_are_those_that_the_models_gather(view, city):
    def ids(which, seen=view):
        objects = gather_objects(seen, which)
        return [
            *seen.pois.index[objects.poi],
            *(seen.buildings.index[objects.building] if len(objects.building) else ()),
        ]

    places = gather_places(view, poi_filter="paper", use_name=True)
    assert 0 < places.n_points < min(len(places), len(view.pois)), (
        "the fixture needs both, and a POI left out"
    )
    assert ids("places") == places.ids.tolist()
    assert sorted(ids("places")) == sorted(hgi_places(HGI(), view).ids)
    assert (
        ids("kept") == gather_entities(view, poi_filter="paper", use_name=True, use_kind=False).ids.tolist()
    )
    assert ids("all") == [*view.pois.index]
    assert ids("footprints") == [*places.ids[: places.n_points], *view.buildings.index]
    alone = city.view(frozenset({"poi"}))
    for which in ("places", "footprints"):
        assert ids(which, alone) == ids("kept")


def test_urban2vec_reads_as_many_of_each_category_as_the_floor_counts(view):
    read = gather_words(Urban2Vec(min_count=1, use_name=False), view)
    total = dict(zip(read.names.tolist(), read.counts.tolist(), strict=True))
    objects = Counter(word for _, region, _, words in shown(view, "places") if region for word in words)
    assert {word: total[word] for word in objects if ";" not in word} == {
        word: number for word, number in objects.items() if ";" not in word
    }


@pytest.mark.parametrize("level", ["region", "building"])
def test_counts_over_all_pois_are_poi_counts(view, regions, buildings, level):
    units = {"region": regions, "building": buildings}[level]
    ours, theirs = embedded(PlacesCounts(objects="all"), view, units), embedded(PoiCounts(), view, units)
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    assert ours.mask.all()


@pytest.mark.parametrize("which", ["kept", "places", "footprints"])
def test_counts_and_shares_of_regions_equal_loops_over_objects(view, regions, which):
    _, counts, number = counted(view, regions, which)
    space = embedded(PlacesCounts(objects=which), view, regions)
    np.testing.assert_allclose(space.vectors, np.log1p(counts / km2(view, regions)), rtol=1e-6)
    shares = embedded(PoiShares(objects=which), view, regions)
    np.testing.assert_allclose(shares.vectors, counts / np.maximum(number, 1)[:, None], rtol=1e-6)
    np.testing.assert_array_equal(shares.mask, number > 0)
    few = embedded(PoiShares(objects=which, max_columns=3), view, regions)
    np.testing.assert_array_equal(few.vectors, shares.vectors[:, :3])


def neighbours_of(view, region, gap_m=1.0):
    outlines = view.regions.geometry
    near = shapely.distance(outlines[region], outlines.to_numpy()) <= gap_m
    return [one for one, is_near in zip(outlines.index, near, strict=True) if is_near and one != region]


@pytest.mark.parametrize("gap_m", [1.0, 150.0])
def test_counts_of_neighbours_equal_loops_over_regions(view, regions, gap_m):
    few = Units("region", regions.ids[:12])
    _, counts, _ = counted(view, regions, "places")
    count = dict(zip(regions.ids, counts, strict=True))
    area = dict(zip(regions.ids, km2(view, regions).ravel(), strict=True))

    def density(ids):
        return np.log1p(sum(count[one] for one in ids) / sum(area[one] for one in ids))

    beside, together = (
        embedded(NeighbourCounts(neighbours=how, adjacent_gap_m=gap_m), view, few)
        for how in ("beside", "together")
    )
    assert all(neighbours_of(view, one, gap_m) for one in few.ids)
    for row, one in enumerate(few.ids):
        around = neighbours_of(view, one, gap_m)
        expected = np.concatenate([density([one]), density(around)])
        np.testing.assert_allclose(beside.vectors[row], expected, rtol=1e-6)
        np.testing.assert_allclose(together.vectors[row], density([one, *around]), rtol=1e-6)
    own = embedded(PlacesCounts(), view, few).vectors
    np.testing.assert_allclose(beside.vectors[:, : own.shape[1]], own, rtol=1e-6)
    assert beside.mask.all()
    three = embedded(NeighbourCounts(adjacent_gap_m=gap_m, max_columns=3), view, few).vectors
    kept = [*range(3), *range(own.shape[1], own.shape[1] + 3)]
    np.testing.assert_array_equal(three, beside.vectors[:, kept])


def test_counts_of_neighbours_say_whose_objects_they_read(view, regions):
    few = Units("region", regions.ids[:5])
    read = {*few.ids, *(near for one in few.ids for near in neighbours_of(view, one))}
    assert len(few) < len(read) < len(view.regions)
    with seeing() as seen:
        embedded(NeighbourCounts(objects="all"), view, few)
    ids = {one for one, region, _, words in shown(view, "all") if region in read and words}
    assert seen.to_record()["poi"] == {"used": len(ids), "of": len(view.pois)}


def test_a_region_that_touches_none_has_nothing_around_it(view, regions, monkeypatch):
    monkeypatch.setattr(
        "urbanbench.toolkit.ground.neighbours.adjacent_pairs", lambda _, gap_m: np.empty((2, 0), dtype=int)
    )
    own = embedded(PlacesCounts(), view, regions).vectors
    beside = embedded(NeighbourCounts(), view, regions).vectors
    np.testing.assert_allclose(beside, np.column_stack([own, 0 * own]), rtol=1e-6)
    np.testing.assert_allclose(
        embedded(NeighbourCounts(neighbours="together"), view, regions).vectors, own, rtol=1e-6
    )


def test_around_a_building_all_objects_but_itself_count(view, buildings):
    for radius_m in (60.0, 150.0):
        _, counts, number = counted(view, buildings, "footprints", radius_m)
        space = embedded(PlacesCounts(objects="footprints", radius_m=radius_m), view, buildings)
        np.testing.assert_allclose(space.vectors, np.log1p(counts), rtol=1e-6)
        shares = embedded(PoiShares(objects="footprints", radius_m=radius_m), view, buildings)
        np.testing.assert_allclose(shares.vectors, counts / np.maximum(number, 1)[:, None], rtol=1e-6)


@pytest.mark.parametrize("which", ["all", "kept", "places", "footprints"])
def test_a_row_says_which_objects_it_counted(view, regions, which):
    few = Units("region", regions.ids[:20])
    with seeing() as seen:
        embedded(PoiShares(objects=which), view, few)
    counted_ids = {one for one, region, _, words in shown(view, which) if region in few.ids and words}
    told = seen.to_record()
    assert told["poi"] == {"used": len(counted_ids & {*view.pois.index}), "of": len(view.pois)}
    footprints = counted_ids & {*view.buildings.index}
    assert told.get("polygon", {"used": 0})["used"] == len(footprints)


def test_footprint_means_say_which_footprints_entered(view, regions, buildings, own_cache):
    few = Units("region", regions.ids[:20])
    for units, used in (
        (few, int(view.buildings["region_id"].isin(few.ids).sum())),
        (buildings, len(buildings)),
    ):
        with seeing() as seen:
            embedded(tiny(), view, units)
        assert seen.to_record() == {"polygon": {"used": used, "of": len(view.buildings)}}


def test_random_codes_are_the_counts_times_a_normal_matrix_that_names_decide(view, regions):
    columns, counts, number = counted(view, regions, "places")
    codes = np.array([generator(5, "random-codes", name).standard_normal(7) for name in columns])
    mean = embedded(RandomCodes(dim=7), view, regions, seed=5)
    np.testing.assert_allclose(mean.vectors, counts @ codes / np.maximum(number, 1)[:, None], atol=1e-5)
    np.testing.assert_array_equal(mean.mask, number > 0)
    sums = counts @ codes / km2(view, regions)
    summed = embedded(RandomCodes(dim=7, pooling="sum"), view, regions, seed=5)
    np.testing.assert_allclose(summed.vectors, np.sign(sums) * np.log1p(np.abs(sums)), rtol=1e-4, atol=1e-5)
    assert summed.mask.all()
    assert not np.allclose(embedded(RandomCodes(dim=7), view, regions, seed=6).vectors, mean.vectors)


@pytest.mark.parametrize("zero", [False, True])
def test_text_codes_are_means_of_encoded_categories_and_the_zero_place_is_one_more(view, regions, zero):
    columns, counts, number = counted(view, regions, "places")
    texts = [f"{key}: {value.replace('_', ' ')}" for key, value in (one.split("=", 1) for one in columns)]
    with seeded_torch(0, "text-codes"):
        encoder = load_text_encoder("hashing")
    codes, nothing = encode_texts(encoder, texts), encode_texts(encoder, ["context: none"])
    space = embedded(TextCodes(text_encoder="hashing", zero_place=zero), view, regions)
    mean = counts @ codes / np.maximum(number, 1)[:, None]
    if zero:
        weight = 1 / (number + 1)[:, None]
        mean = (1 - weight) * mean + weight * nothing
    np.testing.assert_allclose(space.vectors, mean, atol=1e-5)
    np.testing.assert_array_equal(space.mask, (number > 0) | zero)


def shape_vectors(frame):
    outlines = at_origin(frame.geometry)
    with seeded_torch(0, "footprint-means"):
        encoder = load_image_encoder("tiny-cnn")
    share = np.minimum(shapely.area(outlines), 900.0) / 900.0
    return np.column_stack([encode_shapes(encoder, outlines, size=32, device="cpu"), share])


def tiny(**changed):
    return FootprintMeans(image_encoder="tiny-cnn", raster_size=32, a_max_m2=900.0, **changed)


@pytest.mark.parametrize("footprints", ["all", "places"])
def test_footprint_means_equal_loops_over_regions(view, regions, footprints, own_cache):
    frame = view.buildings
    if footprints == "places":
        frame = frame.iloc[gather_places(view, poi_filter="paper", use_name=True).shape_row]
        assert len(frame) < len(view.buildings)
    vectors, inside = shape_vectors(frame), frame["region_id"].to_numpy()
    own = [vectors[inside == one] for one in regions.ids]
    space = embedded(tiny(footprints=footprints), view, regions)
    expected = [one.mean(axis=0) if len(one) else 0 * vectors[0] for one in own]
    np.testing.assert_allclose(space.vectors, expected, atol=2e-4)
    np.testing.assert_array_equal(space.mask, [len(one) > 0 for one in own])
    sums = np.array([one.sum(axis=0) for one in own]) / km2(view, regions)
    summed = embedded(tiny(footprints=footprints, pooling="sum"), view, regions)
    np.testing.assert_allclose(summed.vectors, np.sign(sums) * np.log1p(np.abs(sums)), rtol=1e-3, atol=2e-3)
    assert summed.mask.all()


def test_footprint_means_do_not_depend_on_how_regions_share_files_and_are_read_again(
    view, regions, own_cache, monkeypatch
):
    whole = embedded(tiny(), view, regions)
    monkeypatch.setattr(footprint_rows, "CHUNK", 10)
    parts = embedded(tiny(), view, regions)
    assert len(list(own_cache.rglob("features/*.safetensors"))) > 2
    np.testing.assert_allclose(parts.vectors, whole.vectors, atol=1e-5)
    monkeypatch.setattr(footprint_rows, "shape_features", None)
    np.testing.assert_array_equal(embedded(tiny(), view, regions).vectors, parts.vectors)


def test_kept_footprint_means_go_by_the_code_that_makes_them(view, regions, own_cache, monkeypatch, tmp_path):
    before = embedded(tiny(), view, regions)
    source = Path(footprint_rows.__file__).read_text()
    changed = tmp_path / "rows.py"
    changed.write_text(source.replace("surface_share(", "0.5 * surface_share("))
    after = embedded_by(import_file(changed), view, regions)
    np.testing.assert_allclose(after[:, -1], before.vectors[:, -1] / 2, atol=1e-6)
    np.testing.assert_array_equal(embedded(tiny(), view, regions).vectors, before.vectors)


def embedded_by(rows, view, regions):
    """Vectors by another version of the floor's code."""
    return rows.region_rows(tiny(), view, regions, seed=0, device="cpu")[0]


def test_footprint_vectors_of_buildings_are_their_own(view, buildings, own_cache):
    space = embedded(tiny(), view, buildings)
    expected = shape_vectors(view.buildings.loc[list(buildings.ids)])
    np.testing.assert_allclose(space.vectors, expected, atol=2e-4)
    assert space.mask.all()


class WithoutHeights:
    """A view in which no building has a height."""

    def __init__(self, view):
        self._view = view
        self.buildings = view.buildings.assign(height_m=np.nan)

    def __getattr__(self, name):
        return getattr(self._view, name)


@pytest.mark.parametrize(("level", "fewer"), [("region", 5), ("building", 3)])
def test_building_stats_without_heights_say_nothing_of_them_and_all_the_rest(
    view, regions, buildings, level, fewer
):
    units = {"region": regions, "building": buildings}[level]
    full, flat = embedded(BuildingStats(), view, units), embedded(BuildingStats(heights=False), view, units)
    assert flat.vectors.shape[1] == full.vectors.shape[1] - fewer
    blind = embedded(BuildingStats(heights=False), WithoutHeights(view), units)
    np.testing.assert_array_equal(blind.vectors, flat.vectors)
    changed = embedded(BuildingStats(), WithoutHeights(view), units).vectors
    same = [
        column
        for column in range(full.vectors.shape[1])
        if (changed[:, column] == full.vectors[:, column]).all()
    ]
    np.testing.assert_array_equal(full.vectors[:, same], flat.vectors)


def test_a_parameter_that_came_later_names_no_result_while_it_changes_nothing():
    assert set(identifying_parameters(BuildingStats())) == {"max_types", "radius_m", "storey_m"}
    assert identifying_parameters(BuildingStats(heights=False))["heights"] is False
    assert BuildingStats().parameters()["heights"] is True
    assert BuildingStats.from_settings("", {"heights": "false"}) == BuildingStats(heights=False)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: PlacesCounts(objects="place"), UnknownName, "Unknown word for objects 'place'. Did you mean 'places'?"),
        (lambda: PoiShares(objects="x"), UnknownName, "Unknown word for objects 'x'"),
        (lambda: NeighbourCounts(objects="x"), UnknownName, "Unknown word for objects 'x'"),
        (lambda: NeighbourCounts(neighbours="besides"), UnknownName, "Unknown word for neighbours 'besides'. Did you mean 'beside'?"),
        (lambda: NeighbourCounts(adjacent_gap_m=-1.0), BadInput, "Parameter 'adjacent_gap_m' of neighbour-counts is -1.0"),
        (lambda: TextCodes(objects="x"), UnknownName, "Unknown word for objects 'x'"),
        (lambda: RandomCodes(pooling="max"), UnknownName, "Unknown pooling 'max'"),
        (lambda: RandomCodes(dim=0), BadInput, "'dim' of RandomCodes is 0. Expected at least 1"),
        (lambda: FootprintMeans(pooling="max"), UnknownName, "Unknown pooling 'max'"),
        (lambda: FootprintMeans(footprints="some"), UnknownName, "Unknown word for footprints 'some'"),
        (lambda: FootprintMeans(raster_size=0), BadInput, "raster_size=0"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(build, error, words):
    with pytest.raises(error) as caught:
        build()
    assert words in str(caught.value)
