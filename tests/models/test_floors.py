"""Floors against brute force: every number recomputed with plain loops, or with scikit-learn."""

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely
from sklearn.feature_extraction.text import TfidfVectorizer

from urbanbench.city.city import City
from urbanbench.errors import BadInput
from urbanbench.models.area import Area
from urbanbench.models.building_stats import BuildingStats
from urbanbench.models.coordinates import Coordinates
from urbanbench.models.flow_rows import FlowRows
from urbanbench.models.mean import Mean
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.models.random import RandomVectors
from urbanbench.models.spatial_lag import SpatialLag
from urbanbench.models.tfidf import TfIdf
from urbanbench.scoring.protocol import Protocol
from urbanbench.tasks.popdensity import PopDensity
from urbanbench.toolkit.texts.counts import POI_KEYS, pois_of_units
from urbanbench.units import Units

FLOORS = (Mean, RandomVectors, Coordinates, SpatialLag, Area, PoiCounts, TfIdf, BuildingStats, FlowRows)


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


@pytest.fixture(scope="module")
def regions(city):
    order = np.random.default_rng(3).permutation(np.array(city.unit_ids("region")))
    return Units("region", tuple(order.tolist()))


@pytest.fixture(scope="module")
def buildings(city):
    chosen = np.random.default_rng(4).choice(np.array(city.unit_ids("building")), 25, replace=False)
    return Units("building", tuple(chosen.tolist()))


def embedded(model, city, units, seed=0):
    return model.embed(city.view(model.card.inputs), units=units, seed=seed, device="cpu")


def words_of(tags, *, names=False):
    words = [f"{key}={value}" for key, value in tags if key in POI_KEYS]
    if names:
        words += re.findall(r"\w\w+", dict(tags).get("name", "").lower())
    return words


def documents(city, units, *, names=False, radius_m=100.0):
    """Words of each unit's POIs, found by asking every unit about every POI."""
    frame = city.regions if units.level == "region" else city.buildings
    points, tags = np.asarray(city.pois.geometry), list(city.pois["tags"])
    found = []
    for outline in frame.loc[list(units.ids)].geometry:
        near = shapely.distance(outline, points) <= (0 if units.level == "region" else radius_m)
        found.append([word for row in np.flatnonzero(near) for word in words_of(tags[row], names=names)])
    return found


@pytest.mark.parametrize("floor", FLOORS)
def test_rows_do_not_depend_on_which_units_are_asked_for_or_in_which_order(city, regions, floor):
    whole = embedded(floor(), city, regions)
    few = Units("region", regions.ids[7:2:-1])
    part = embedded(floor(), city, few)
    assert part.ids.tolist() == list(few.ids)
    np.testing.assert_allclose(part.vectors, whole.take(few.ids).vectors, atol=1e-6)


def test_cards_say_floor_and_fix_the_head_where_only_one_makes_sense():
    assert all(floor.card.floor for floor in FLOORS)
    assert {floor: floor.card.head for floor in FLOORS if floor.card.head} == {
        Mean: "mean",
        SpatialLag: "knn",
    }


def test_poi_counts_of_regions_equal_counting_every_poi_in_every_region(city, regions):
    counts = [Counter(words) for words in documents(city, regions)]
    total = Counter(word for tags in city.pois["tags"] for word in words_of(tags))
    columns = sorted(total, key=lambda word: (-total[word], word))
    area = city.regions.loc[list(regions.ids), "area_km2"].to_numpy()
    expected = np.log1p(
        [[one[word] / km2 for word in columns] for one, km2 in zip(counts, area, strict=True)]
    )
    np.testing.assert_allclose(embedded(PoiCounts(), city, regions).vectors, expected, rtol=1e-6)
    np.testing.assert_allclose(
        embedded(PoiCounts(max_columns=5), city, regions).vectors, expected[:, :5], rtol=1e-6
    )


def test_poi_counts_of_buildings_equal_measuring_every_distance(city, buildings):
    total = Counter(word for tags in city.pois["tags"] for word in words_of(tags))
    columns = sorted(total, key=lambda word: (-total[word], word))
    for radius_m in (100.0, 250.0):
        counts = [Counter(words) for words in documents(city, buildings, radius_m=radius_m)]
        expected = np.log1p([[one[word] for word in columns] for one in counts])
        space = embedded(PoiCounts(radius_m=radius_m), city, buildings)
        np.testing.assert_allclose(space.vectors, expected, rtol=1e-6)
        assert space.mask.all()


@pytest.mark.parametrize("names", [True, False])
def test_tfidf_equals_scikit_learn_on_the_same_documents(city, regions, buildings, names):
    fitted = TfidfVectorizer(analyzer=list, min_df=2).fit(documents(city, regions, names=names))
    model = TfIdf(names=names, max_columns=100_000)
    for units in (regions, buildings):
        expected = fitted.transform(documents(city, units, names=names)).toarray()
        space = embedded(model, city, units)
        assert space.vectors.shape == expected.shape
        np.testing.assert_allclose(np.sort(space.vectors, axis=1), np.sort(expected, axis=1), atol=1e-6)
        np.testing.assert_allclose(space.vectors @ space.vectors.T, expected @ expected.T, atol=1e-5)
        np.testing.assert_array_equal(space.mask, expected.any(axis=1))


def test_tfidf_keeps_the_most_frequent_words(city, regions):
    few = embedded(TfIdf(max_columns=3, names=False), city, regions).vectors
    assert few.shape[1] == 3
    lengths = np.linalg.norm(few, axis=1)
    assert ((np.abs(lengths - 1) < 1e-5) | (lengths == 0)).all()


def test_unit_without_pois_is_data_for_counts_and_no_data_for_words(city, buildings):
    near = np.array([len(words) for words in documents(city, buildings, radius_m=5.0)])
    assert (near == 0).any(), "the fixture needs a building without POIs"
    counts = embedded(PoiCounts(radius_m=5.0), city, buildings)
    words = embedded(TfIdf(radius_m=5.0), city, buildings)
    assert counts.mask.all()
    assert not counts.vectors[near == 0].any()
    assert not words.mask[near == 0].any()
    assert not words.vectors[near == 0].any()


def test_building_stats_of_regions_equal_loops(city, regions):
    vectors = embedded(BuildingStats(), city, regions).vectors
    middle = float(np.nanmedian(city.buildings["height_m"].to_numpy()))
    for row, region in enumerate(regions.ids):
        own = city.buildings[city.buildings["region_id"] == region]
        area, height = shapely.area(np.asarray(own.geometry)), own["height_m"].to_numpy(dtype=float)
        known, km2 = height[~np.isnan(height)], city.regions.loc[region, "area_km2"]
        storeys = [max(1, round((middle if np.isnan(one) else one) / 3.2)) for one in height]
        expected = [
            np.log1p(len(own) / km2),
            np.log1p(float(np.dot(area, storeys)) / km2),
            area.sum() / (km2 * 1e6),
            np.log1p(area.sum()),
            *((area.mean(), np.median(area), area.std()) if len(own) else (0, 0, 0)),
            *((known.mean(), known.std(), known.max()) if len(known) else (0, 0, 0)),
            len(known) / max(len(own), 1),
        ]
        np.testing.assert_allclose(vectors[row, :11], expected, rtol=1e-4, atol=1e-5)


def test_wall_direction_entropy_is_zero_for_a_grid_and_one_for_every_direction():
    from urbanbench.models._building_stats_table import _direction_entropy

    region = np.repeat([0, 1], 18)
    degrees = np.concatenate([np.tile([0.01, 89.99], 9), np.arange(18) * 5.0])
    np.testing.assert_allclose(_direction_entropy(region, degrees, 3), [0.0, 1.0, 0.0], atol=1e-12)


def test_building_types_are_counted_per_km2_and_yes_is_no_type(city, regions):
    values = [dict(tags).get("building", "yes") for tags in city.buildings["tags"]]
    total = Counter(value for value in values if value != "yes")
    columns = sorted(total, key=lambda value: (-total[value], value))
    assert columns, "the fixture needs typed buildings"
    expected = np.zeros((len(regions), len(columns)))
    for region, value in zip(city.buildings["region_id"], values, strict=True):
        if value in total and region is not None:
            expected[regions.ids.index(region), columns.index(value)] += 1
    expected /= city.regions.loc[list(regions.ids), "area_km2"].to_numpy()[:, None]
    np.testing.assert_allclose(
        embedded(BuildingStats(), city, regions).vectors[:, 16:], np.log1p(expected), rtol=1e-5
    )


def test_building_stats_of_buildings_equal_measuring_every_neighbour(city, buildings):
    vectors = embedded(BuildingStats(), city, buildings).vectors
    outlines, height = np.asarray(city.buildings.geometry), city.buildings["height_m"].to_numpy(dtype=float)
    centres, log_area = shapely.centroid(outlines), np.log1p(shapely.area(outlines))
    for row, one in enumerate(buildings.ids):
        own = city.buildings.index.get_loc(one)
        near = np.flatnonzero(
            (shapely.distance(centres, centres[own]) <= 100) & (np.arange(len(centres)) != own)
        )
        known = height[near][~np.isnan(height[near])]
        expected = [
            np.log1p(len(near)),
            log_area[near].mean() if len(near) else 0,
            log_area[near].std() if len(near) else 0,
            known.mean() if len(known) else 0,
            shapely.area(outlines[near]).sum() / (np.pi * 100**2),
        ]
        np.testing.assert_allclose(vectors[row, 9:14], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(vectors[row, 0], log_area[own], rtol=1e-6)
        np.testing.assert_allclose(vectors[row, 5], np.nan_to_num(height[own]), rtol=1e-6)


def test_area_measures_the_outline_of_regions_and_buildings(city, regions, buildings):
    for units, frame in ((regions, city.regions), (buildings, city.buildings)):
        vectors = embedded(Area(), city, units).vectors
        for row, outline in enumerate(frame.loc[list(units.ids)].geometry):
            parts = len(outline.geoms) if outline.geom_type == "MultiPolygon" else 1
            quotient = 4 * np.pi * outline.area / outline.length**2
            expected = [outline.area, outline.length, quotient, parts, np.log1p(outline.area)]
            np.testing.assert_allclose(vectors[row], expected, rtol=1e-6)


def test_coordinates_are_kilometres_and_spatial_lag_metres_from_the_middle(city, regions, buildings):
    for units, frame in ((regions, city.regions), (buildings, city.buildings)):
        centres = [outline.centroid for outline in frame.loc[list(units.ids)].geometry]
        west, south, east, north = city.regions.total_bounds
        expected = [(one.x - (west + east) / 2, one.y - (south + north) / 2) for one in centres]
        np.testing.assert_allclose(
            embedded(SpatialLag(), city, units).vectors, expected, rtol=1e-5, atol=1e-2
        )
        np.testing.assert_allclose(
            embedded(Coordinates(), city, units).vectors, np.array(expected) / 1000, rtol=1e-5, atol=1e-5
        )


def test_random_vectors_are_standard_normal_and_change_with_the_seed(city, regions):
    first, second = (embedded(RandomVectors(), city, regions, seed).vectors for seed in (0, 1))
    assert abs(first.mean()) < 0.03
    assert abs(first.std() - 1) < 0.03
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03


def test_flow_rows_sum_trips_over_hours_in_both_directions(city, regions):
    trips = Counter()
    for origin, destination, count in city.flows[["origin_id", "destination_id", "trips"]].itertuples(
        index=False
    ):
        trips[origin, destination] += count
    everyone = city.unit_ids("region")
    out = [[trips[one, other] for other in everyone] for one in regions.ids]
    back = [[trips[other, one] for other in everyone] for one in regions.ids]
    np.testing.assert_allclose(
        embedded(FlowRows(), city, regions).vectors, np.log1p(np.hstack([out, back])), rtol=1e-6
    )


def test_flow_rows_of_many_regions_keep_large_partners_and_sum_the_others(city, regions):
    full = np.expm1(embedded(FlowRows(), city, regions).vectors.astype(np.float64))
    few = np.expm1(embedded(FlowRows(max_partners=10), city, regions).vectors.astype(np.float64))
    n = len(city.regions)
    assert few.shape == (len(regions), 22)
    np.testing.assert_allclose(few[:, :11].sum(axis=1), full[:, :n].sum(axis=1), rtol=1e-4)
    totals = full[:, :n].sum(axis=0) + full[:, n:].sum(axis=0)
    kept = np.sort(np.argsort(-totals, kind="stable")[:10])
    np.testing.assert_allclose(few[:, :10], full[:, kept], rtol=1e-4, atol=1e-4)


def test_counting_pois_of_pois_is_refused(city):
    with pytest.raises(BadInput, match="Expected region or building"):
        pois_of_units(city.view({"poi"}), Units("poi", city.unit_ids("poi")[:2]), 100.0)


@pytest.mark.realdata
def test_forest_on_singapore_poi_counts_lands_where_other_tools_put_it():
    folder = Path(os.environ.get("URBANBENCH_DATA", "")) / "singapore"
    if "URBANBENCH_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("URBANBENCH_DATA names no folder with Singapore")
    real = City.open(folder)
    task = PopDensity()
    targets = task.targets(real)
    space = embedded(PoiCounts(), real, Units("region", tuple(targets.ids.tolist())))
    scores = task.evaluate(space, targets, protocol=Protocol(head="rf"))
    assert np.mean(scores.per_seed["r2"]) == pytest.approx(0.75, abs=0.06)
