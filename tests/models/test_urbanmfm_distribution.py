"""How UrbanMFM describes regions by their POIs and roads: against scikit-learn, Shapely and naive loops."""

import itertools
import math
import subprocess
import sys
import tempfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from sklearn.cluster import DBSCAN

from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, UnknownName
from urbanbench.models._urbanmfm.categories import BUILDINGS, CATEGORIES, place_categories, poi_category
from urbanbench.models._urbanmfm.clusters import density_clusters
from urbanbench.models._urbanmfm.distribution import gather_distributions, poi_distribution
from urbanbench.models._urbanmfm.groups import grouping_in, road_groups
from urbanbench.models._urbanmfm.roads import has_drivable, intersections, road_distribution
from urbanbench.toolkit.ground.places import gather_places


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


def tags_of(*objects):
    column = pa.array([list(one.items()) for one in objects], type=pa.map_(pa.string(), pa.string()))
    return pd.Series(column, dtype=pd.ArrowDtype(column.type))


@pytest.mark.parametrize(
    ("tags", "category"),
    [
        ({"amenity": "cafe"}, "amenity"),
        ({"healthcare": "doctor"}, "amenity"),
        ({"sport": "soccer"}, "amenity"),
        ({"sport": "soccer", "leisure": "pitch"}, "leisure"),
        ({"name": "x", "shop": "books", "amenity": "cafe"}, "amenity"),
        ({"tourism": "museum", "building": "apartments"}, "tourism"),
        ({"building": "apartments"}, "residential"),
        ({"building": "warehouse"}, "office"),
        ({"building": "yes"}, None),
        ({"building": "barn", "name": "x"}, None),
        ({"highway": "bus_stop"}, None),
        ({}, None),
    ],
)
def test_a_poi_has_the_category_of_its_first_key_or_of_its_building(tags, category):
    code = poi_category(tag_table(tags_of({"name": "other"}, tags)))
    assert code.tolist() == [-1, CATEGORIES.index(category) if category else -1]


def test_no_building_value_is_in_two_lists():
    values = [value for listed in BUILDINGS.values() for value in listed.split()]
    assert len(values) == len(set(values))
    assert set(BUILDINGS) == set(CATEGORIES)


def test_categories_of_places_follow_the_tags_of_points_and_buildings(city):
    view = city.view(frozenset({"poi", "polygon"}))
    places = gather_places(view, poi_filter="paper", use_name=True)
    made = place_categories(view, places)
    of_id = dict(zip(view.pois.index, poi_category(tag_table(view.pois["tags"])), strict=True))
    of_id |= dict(zip(view.buildings.index, poi_category(tag_table(view.buildings["tags"])), strict=True))
    assert made.tolist() == [of_id[one] for one in places.ids]
    assert len(set(made.tolist())) > 3


def crowd(seed=0, n=700, groups=9):
    """Clumps, lone points, exact doubles and points of all groups in one place."""
    rng = np.random.default_rng(seed)
    xy = np.concatenate([rng.uniform(0, 1500, (n // 2, 2)), rng.normal(400, 60, (n // 4, 2))])
    xy = np.concatenate([xy, xy[rng.integers(0, len(xy), n - len(xy))]])
    return xy + 5e5, rng.integers(0, groups, n)


def same_parts(first, second):
    """Whether two labellings are the same but for the clusters' numbers; noise is -1 in both."""
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    return (
        len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        and (-1, -1) in pairs | {(-1, -1)}
        and all((a == -1) == (b == -1) for a, b in pairs)
    )


@pytest.mark.parametrize("min_pts", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("eps", [20.0, 50.0, 110.0, 5000.0])
def test_clusters_equal_scikit_learn_group_by_group(eps, min_pts):
    xy, group = crowd()
    labels = density_clusters(xy, group, eps=eps, min_pts=min_pts)
    for one in np.unique(group):
        inside = group == one
        wanted = DBSCAN(eps=eps, min_samples=min_pts).fit_predict(xy[inside])
        assert same_parts(labels[inside], wanted)
    clustered = labels >= 0
    owners = {(label, one) for label, one in zip(labels[clustered], group[clustered], strict=True)}
    assert len(owners) == len(set(labels[clustered].tolist()))


def test_clusters_take_border_points_as_scikit_learn_does():
    for seed in range(30):
        xy, group = crowd(seed, n=80, groups=1)
        labels = density_clusters(xy, group, eps=70.0, min_pts=4)
        assert same_parts(labels, DBSCAN(eps=70.0, min_samples=4).fit_predict(xy))


@pytest.mark.parametrize("min_pts", [1, 2, 5, 40, 300])
@pytest.mark.parametrize("eps", [30.0, 100.0, 600.0, 1e6])
def test_clusters_of_crowded_cells_equal_scikit_learn(eps, min_pts):
    """Many points at a few places, a hundred or a few hundred metres apart, and integers, so that distances equal eps."""
    rng = np.random.default_rng(2)
    xy = np.concatenate([rng.integers(0, 12, (400, 2)) * 100.0, rng.integers(0, 60, (300, 2)) * 30.0])
    xy[:200] = [300.0, 300.0]
    group = rng.integers(0, 2, len(xy))
    labels = density_clusters(xy, group, eps=eps, min_pts=min_pts)
    for one in (0, 1):
        wanted = DBSCAN(eps=eps, min_samples=min_pts).fit_predict(xy[group == one])
        assert same_parts(labels[group == one], wanted)


def test_two_crowds_are_joined_by_their_nearest_points():
    rng = np.random.default_rng(0)
    west, east = rng.uniform(0, 20, (300, 2)), rng.uniform([60, 0], [80, 20], (300, 2))
    gap = np.sqrt(((west[:, None] - east) ** 2).sum(axis=2)).min()
    xy, group = np.concatenate([west, east]), np.zeros(600, dtype=int)
    assert density_clusters(xy, group, eps=gap + 1e-6, min_pts=2).max() == 0
    assert density_clusters(xy, group, eps=gap - 1e-6, min_pts=2).tolist() == [0] * 300 + [1] * 300


@pytest.mark.parametrize("side", [0.0, 1000.0])
def test_memory_does_not_grow_with_the_number_of_neighbours(side):
    """All pairs of 20 000 points would take 3 GB."""
    xy = np.random.default_rng(0).uniform(0, 1, (20_000, 2)) * side
    code = (
        "import resource, sys, numpy as np\n"
        "from urbanbench.models._urbanmfm.clusters import density_clusters\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))\n"
        "xy = np.load(sys.argv[1])\n"
        "labels = density_clusters(xy, np.zeros(len(xy), dtype=int), eps=5566.0, min_pts=2)\n"
        "assert not labels.any()\n"
    )
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, xy)
        file.flush()
        subprocess.run([sys.executable, "-c", code, file.name], check=True)


def test_clusters_of_nothing_of_one_point_and_of_noise():
    assert density_clusters(np.empty((0, 2)), np.empty(0, dtype=int), eps=1.0, min_pts=2).tolist() == []
    assert density_clusters(np.zeros((1, 2)), np.zeros(1), eps=1.0, min_pts=2).tolist() == [-1]
    assert density_clusters(np.zeros((1, 2)), np.zeros(1), eps=1.0, min_pts=1).tolist() == [0]
    two = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert density_clusters(two, np.zeros(2), eps=5.0, min_pts=2).tolist() == [0, 0]
    assert density_clusters(two, np.array([0, 1]), eps=5.0, min_pts=2).tolist() == [-1, -1]


@pytest.mark.parametrize(("eps", "min_pts"), [(0.0, 2), (5.0, 0)])
def test_clusters_refuse_a_radius_or_number_that_means_nothing(eps, min_pts):
    with pytest.raises(BadInput, match=f"eps {eps} and min_pts {min_pts}"):
        density_clusters(np.zeros((1, 2)), np.zeros(1), eps=eps, min_pts=min_pts)


def naive_poi_distribution(xy, category, region, area_km2, eps, min_pts):
    """Eqs. 17-19 for one region and category at a time, point by point."""
    made = np.zeros((len(area_km2), 12))
    for u, c in itertools.product(range(len(area_km2)), range(6)):
        points = xy[(region == u) & (category == c)] / 1000.0
        if len(points) == 0:
            continue
        labels = DBSCAN(eps=eps / 1000.0, min_samples=min_pts).fit_predict(points)
        clusters = [points[labels == label] for label in sorted(set(labels)) if label >= 0]
        clusters += [points[[row]] for row in np.flatnonzero(labels < 0)]
        x = sum(cluster[:, 0].mean() for cluster in clusters) / len(clusters)
        y = sum(cluster[:, 1].mean() for cluster in clusters) / len(clusters)
        reach = max(math.dist((x, y), point) for point in points)
        made[u, 2 * c] = math.sqrt(math.pi / area_km2[u]) * reach
        made[u, 2 * c + 1] = len(points) / area_km2[u]
    return made


@pytest.fixture
def spread():
    """600 POIs in 12 regions; some without region or category, one region without POIs."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 900, (600, 2))
    return xy, rng.integers(-1, 6, 600), rng.integers(-1, 11, 600), rng.uniform(0.2, 3.0, 12)


@pytest.mark.parametrize("min_pts", [1, 2, 4])
def test_poi_distribution_equals_a_loop_over_regions_and_categories(spread, min_pts):
    made = poi_distribution(*spread, min_pts=min_pts)
    np.testing.assert_allclose(made, naive_poi_distribution(*spread, 50.0, min_pts), rtol=1e-9)
    assert made.shape == (12, 12)
    assert not made[11].any()
    assert made[:11].any(axis=1).all()


def test_the_literal_unit_reads_a_thousandth_of_the_radius_as_degrees(spread):
    xy, *rest = spread
    literal = poi_distribution(xy * 10, *rest, unit="deg", eps_m=20.0)
    np.testing.assert_allclose(literal, naive_poi_distribution(xy * 10, *rest, 0.02 * 111_320.0, 2))
    assert not np.allclose(literal, poi_distribution(xy * 10, *rest, eps_m=20.0))


def test_logarithms_touch_densities_only(spread):
    plain, logged = poi_distribution(*spread), poi_distribution(*spread, log_density=True)
    np.testing.assert_array_equal(logged[:, ::2], plain[:, ::2])
    np.testing.assert_allclose(logged[:, 1::2], np.log1p(plain[:, 1::2]))


def test_clusters_weigh_alike_whatever_their_size():
    """Four POIs at 0 m and one at 100 m: the middle is at 50 m, not at 20 m."""
    xy = np.array([[0.0, 0.0]] * 4 + [[100.0, 0.0]])
    made = poi_distribution(xy, np.zeros(5, dtype=int), np.zeros(5, dtype=int), np.array([math.pi]))
    assert made[0, 0] == pytest.approx(0.05)
    assert made[0, 1] == pytest.approx(5 / math.pi)


def test_a_city_without_any_categorised_poi_has_zeros():
    none = np.full(3, -1)
    assert not poi_distribution(np.zeros((3, 2)), none, np.zeros(3, dtype=int), np.ones(2)).any()


def test_unknown_unit_is_named(spread):
    with pytest.raises(UnknownName, match="unit of DBSCAN 'km'"):
        poi_distribution(*spread, unit="km")


def roads_of(*lines, classes=None):
    names = classes or ["residential"] * len(lines)
    return gpd.GeoDataFrame(
        {"tags": tags_of(*({"highway": one} for one in names))},
        geometry=[shapely.LineString(line) for line in lines],
        crs="EPSG:32631",
    )


def nodes_of(*lines):
    found = intersections(np.array([shapely.LineString(line) for line in lines], dtype=object))
    return sorted(map(tuple, found.tolist()))


def test_ways_meet_where_they_share_a_vertex():
    west_east = [(0, 0), (50, 0), (100, 0)]
    assert nodes_of(west_east, [(50, 0), (50, 60)]) == [(50, 0)]
    assert nodes_of(west_east, [(50, -60), (50, 0), (50, 60)]) == [(50, 0)]
    assert nodes_of(west_east, [(50.02, 0.01), (50, 60)]) == [(50, 0)]


def test_a_bridge_a_bend_and_a_way_drawn_twice_are_no_intersections():
    west_east = [(0, 0), (50, 0), (100, 0)]
    assert nodes_of([(0, 0), (100, 0)], [(50, -60), (50, 60)]) == []
    assert nodes_of(west_east, [(100, 0), (100, 80)]) == []
    assert nodes_of(west_east, west_east[::-1]) == []
    assert nodes_of([(0, 0), (80, 0), (80, 80), (0, 80), (0, 0)]) == []


def test_a_loop_that_ends_on_its_own_way_makes_one_intersection():
    assert nodes_of([(0, 0), (80, 0), (80, 80), (0, 80), (0, 0), (-50, 0)]) == [(0, 0)]


def test_footpaths_count_neither_as_length_nor_as_intersections():
    regions = gpd.GeoDataFrame({"area_km2": [1.0]}, geometry=[shapely.box(-500, -500, 500, 500)])
    cross = ([(0, 0), (200, 0)], [(0, 0), (0, 200)], [(0, 0), (-300, 0)])
    assert road_distribution(roads_of(*cross), regions).tolist() == [[pytest.approx(0.7), 1.0]]
    paved = roads_of(*cross, classes=["residential", "footway", "primary"])
    assert road_distribution(paved, regions).tolist() == [[pytest.approx(0.5), 0.0]]


def naive_road_distribution(lines, shapes, area_km2):
    """Eq. 20 region by region and way by way; neighbours of every vertex kept in a dictionary."""
    near = {}
    for line in lines:
        points = [tuple(round(x / 0.1) for x in point) for point in line.coords]
        for a, b in itertools.pairwise(points):
            if a != b:
                near.setdefault(a, set()).add(b)
                near.setdefault(b, set()).add(a)
    junctions = [shapely.Point(a[0] * 0.1, a[1] * 0.1) for a, others in near.items() if len(others) >= 3]
    made = []
    for shape, area in zip(shapes, area_km2, strict=True):
        km = sum(line.intersection(shape).length for line in lines) / 1000.0
        made.append([km / area, sum(shape.intersects(one) for one in junctions) / area])
    return np.array(made)


def test_road_distribution_equals_a_loop_over_regions_and_ways():
    rng = np.random.default_rng(5)
    nodes = np.round(rng.uniform(0, 1000, (150, 2)), 1)
    lines = [nodes[rng.choice(150, rng.integers(2, 6), replace=False)] for _ in range(120)]
    corners = [(x, y) for x in (0, 400, 800) for y in (0, 400)]
    shapes = [shapely.Point(x + 200, y + 200).buffer(190.05, quad_segs=4) for x, y in corners]
    shapes.append(shapely.box(5000, 5000, 5100, 5100))
    regions = gpd.GeoDataFrame({"area_km2": rng.uniform(0.1, 0.3, 7)}, geometry=shapes)
    roads = roads_of(*lines)
    wanted = naive_road_distribution(list(roads.geometry), shapes, regions["area_km2"])
    np.testing.assert_allclose(road_distribution(roads, regions), wanted, rtol=1e-9)
    assert (wanted[:6] > 0).all()
    assert not wanted[6].any()


def test_a_city_without_drivable_roads_has_zeros():
    regions = gpd.GeoDataFrame({"area_km2": [1.0]}, geometry=[shapely.box(0, 0, 10, 10)])
    assert not road_distribution(roads_of([(0, 0), (5, 5)], classes=["steps"]), regions).any()


def test_a_city_is_described_by_pois_and_where_they_may_be_seen_by_roads(city):
    view = city.view(frozenset({"poi", "polygon", "road"}))
    places = gather_places(view, poi_filter="paper", use_name=True)
    by_poi, by_road = gather_distributions(view, places, min_pts=3)
    wanted = naive_poi_distribution(
        places.xy, place_categories(view, places), places.region, view.regions["area_km2"].to_numpy(), 50.0, 3
    )
    np.testing.assert_allclose(by_poi, wanted, rtol=1e-9)
    assert by_road.shape == (len(view.regions), 2)
    assert (by_road > 0).any()
    blind = city.view(frozenset({"poi", "polygon"}))
    by_poi_only, no_road = gather_distributions(blind, places, min_pts=3)
    assert no_road is None
    np.testing.assert_array_equal(by_poi, by_poi_only)


class WithRoads:
    """A view whose roads are given; all else is that of another view."""

    def __init__(self, view, roads):
        self.view, self.shown, self.reads = view, roads, 0

    def __getattr__(self, name):
        return getattr(self.view, name)

    @property
    def roads(self):
        self.reads += 1
        return self.shown


@pytest.mark.parametrize("classes", [[], ["steps"], ["path", "footway", "proposed"]])
def test_roads_that_carry_no_cars_count_as_no_roads(city, classes):
    lines = [[(0, 0), (5, 5 + k)] for k in range(len(classes))]
    view = WithRoads(city.view(frozenset({"poi", "polygon", "road"})), roads_of(*lines, classes=classes))
    blind = city.view(frozenset({"poi", "polygon"}))
    places = gather_places(view, poi_filter="paper", use_name=True)
    assert grouping_in(view, "auto") == "knn"
    assert grouping_in(view, "road") == "road"
    how = {"grouping": "auto", "radius_m": 100.0, "nearest": 5, "max_dist_m": 500.0}
    made, wanted = (road_groups(one, places, **how) for one in (view, blind))
    np.testing.assert_array_equal(made.member, wanted.member)
    assert view.reads == 1
    by_poi, by_road = gather_distributions(view, places)
    assert by_road is None
    np.testing.assert_array_equal(by_poi, gather_distributions(blind, places)[0])


def test_one_road_for_cars_is_enough(city):
    roads = roads_of([(0, 0), (5, 5)], [(0, 0), (9, 9)], classes=["path", "service"])
    view = WithRoads(city.view(frozenset({"poi", "road"})), roads)
    assert has_drivable(view)
    assert grouping_in(view, "auto") == "road"
    assert not has_drivable(city.view(frozenset({"poi"})))
