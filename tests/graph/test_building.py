"""Nodes and edges of a city's graph against brute force over all pairs."""

from collections import Counter, defaultdict
from itertools import combinations, pairwise

import numpy as np
import pytest
import shapely

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, RunRefused
from urbanbench.graph.build import build_graph
from urbanbench.graph.faults import graph_faults
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import KINDS, RELATIONS
from urbanbench.toolkit.ground.roads import FOOT_ROADS


def edges_of(graph, relation, *kinds):
    """Edges of a relation between two kinds of nodes: {(id, id): (metres, degrees)}."""
    edges, nodes, found = graph.edges, graph.nodes, {}
    for k in np.flatnonzero(edges.relation == RELATIONS.index(relation)):
        ends = (edges.source[k], edges.target[k])
        if not kinds or tuple(KINDS[nodes.kind[row]] for row in ends) == kinds:
            found[tuple(nodes.ids[row] for row in ends)] = (edges.distance_m[k], edges.bearing[k])
    return found


def compass(start, end):
    east, north = np.subtract(end, start)
    return np.degrees(np.arctan2(east, north)) % 360


def turn(one, other):
    """Degrees between two bearings."""
    return abs((one - other + 180) % 360 - 180)


@pytest.fixture(scope="module")
def points(toy):
    """Places of POIs and images by the id of their node."""
    frames = {"poi": toy.pois, "image": toy.street_views}
    return {
        f"{kind}/{one}": (shape.x, shape.y)
        for kind, frame in frames.items()
        for one, shape in frame.geometry.items()
    }


@pytest.fixture(scope="module")
def roads(toy):
    """Roads that are no foot ways: id, name, class, line."""
    tags = tag_table(toy.roads["tags"])
    told = {
        key: dict(zip(tags.with_key(key).rows, tags.with_key(key).value, strict=True))
        for key in ("name", "highway")
    }
    return [
        (one, told["name"].get(k, ""), told["highway"].get(k, ""), line)
        for k, (one, line) in enumerate(toy.roads.geometry.items())
        if told["highway"].get(k, "") not in FOOT_ROADS
    ]


@pytest.fixture(scope="module")
def streets(roads):
    """Streets by following roads one after the other: {id of the first road: (name, lines)}; and arms by vertex."""
    corners = [[tuple(np.rint(np.multiply(xy, 100)).astype(int)) for xy in line.coords] for *_, line in roads]
    arms, at = Counter(), defaultdict(set)
    for k, line in enumerate(corners):
        for place, corner in enumerate(line):
            arms[corner] += 1 if place in {0, len(line) - 1} else 2
            at[corner].add(k)
    street = list(range(len(roads)))
    changed = True
    while changed:
        changed = False
        for corner, there in at.items():
            for one, other in combinations(sorted(there), 2):
                name = roads[one][1]
                same = name == roads[other][1] and (
                    name or (arms[corner] == 2 and roads[one][2] == roads[other][2])
                )
                if same and street[one] != street[other]:
                    street[one] = street[other] = min(street[one], street[other])
                    changed = True
    lines = defaultdict(list)
    for k, first in enumerate(street):
        lines[first].append(k)
    own = {
        f"street/{roads[first][0]}": (roads[first][1], [roads[k][3] for k in some])
        for first, some in lines.items()
    }
    named = {corner: {f"street/{roads[street[k]][0]}" for k in there} for corner, there in at.items()}
    crossings = {corner: named[corner] for corner in at if arms[corner] >= 3 or len(named[corner]) > 1}
    return own, crossings, {corner: arms[corner] for corner in crossings}


def test_the_graph_of_toyville_keeps_every_rule(graph):
    assert graph_faults(graph) == []


def test_every_poi_area_and_street_view_is_a_node(graph, toy):
    many = Counter(KINDS[code] for code in graph.nodes.kind)
    assert (many["poi"], many["area"], many["image"]) == (
        len(toy.pois),
        len(toy.landuse),
        len(toy.street_views),
    )
    first = graph.nodes.rows("image")[0]
    assert sorted(graph.nodes.pictures[first]) == sorted(
        toy.street_views.iloc[0][["north", "east", "south", "west"]]
    )


def test_places_near_one_another_are_those_of_brute_force(graph, points, plan):
    ids = list(points)
    xy = np.array([points[one] for one in ids])
    found = {
        pair: told
        for kinds in (("poi", "poi"), ("poi", "image"), ("image", "image"))
        for pair, told in edges_of(graph, "near", *kinds).items()
    }
    expected = set()
    for row in range(len(ids)):
        away = np.hypot(*(xy - xy[row]).T)
        away[row] = np.inf
        near = np.argsort(away, kind="stable")[: plan.near_most]
        expected |= {frozenset((ids[row], ids[one])) for one in near if away[one] <= plan.near_m}
    assert {frozenset(pair) for pair in found} == expected
    for (one, other), (metres, bearing) in found.items():
        assert metres == pytest.approx(np.hypot(*np.subtract(points[one], points[other])), abs=0.051)
        assert turn(bearing, compass(points[one], points[other])) < 0.051


def test_places_are_near_the_areas_of_brute_force(graph, points, toy, plan):
    found = edges_of(graph, "near", "poi", "area") | edges_of(graph, "near", "image", "area")
    by_point = defaultdict(dict)
    for (one, area), told in found.items():
        by_point[one][area] = told
    shapes, names = np.asarray(toy.landuse.geometry), [f"area/{one}" for one in toy.landuse.index]
    for one, place in list(points.items())[::7]:
        away = shapely.distance(shapely.Point(place), shapes)
        order = [k for k in np.lexsort((shapely.area(shapes), away)) if away[k] <= plan.area_m]
        assert set(by_point[one]) == {names[k] for k in order[: plan.area_most]}
        for k in order[: plan.area_most]:
            assert by_point[one][names[k]][0] == pytest.approx(away[k], abs=0.051)


def test_the_nearest_street_is_that_of_brute_force(graph, points, streets, plan):
    found = {one: (street, told) for (one, street), told in edges_of(graph, "nearest").items()}
    own = {name: shapely.MultiLineString(lines) for name, (_, lines) in streets[0].items()}
    for one, place in list(points.items())[::4]:
        away = shapely.distance(shapely.Point(place), list(own.values()))
        if away.min() > plan.nearest_m:
            assert one not in found
            continue
        street, (metres, bearing) = found[one]
        assert metres == pytest.approx(away.min(), abs=0.051)
        assert shapely.distance(shapely.Point(place), own[street]) == pytest.approx(away.min())
        if metres > 1:
            foot = own[street].interpolate(own[street].project(shapely.Point(place)))
            assert turn(bearing, compass(place, (foot.x, foot.y))) < 0.06


def test_streets_are_roads_of_one_name_that_hang_together(graph, streets):
    rows = graph.nodes.rows("street")
    assert dict(zip(graph.nodes.ids[rows], graph.nodes.name[rows], strict=True)) == {
        one: name for one, (name, _) in streets[0].items()
    }


def test_crossings_are_where_three_arms_or_two_streets_meet(graph, streets):
    _, crossings, arms = streets
    rows = graph.nodes.rows("crossing")
    corner = {graph.nodes.ids[row]: tuple(np.rint(graph.nodes.xy[row] * 100).astype(int)) for row in rows}
    assert sorted(corner.values()) == sorted(crossings)
    assert all(
        graph.nodes.category[row] == f"crossing of {arms[corner[graph.nodes.ids[row]]]} arms" for row in rows
    )
    met = defaultdict(set)
    for crossing, street in edges_of(graph, "intersects", "crossing", "street"):
        met[corner[crossing]].add(street)
    assert met == crossings


def test_streets_intersect_where_their_lines_do(graph, streets):
    own = {one: shapely.MultiLineString(lines) for one, (_, lines) in streets[0].items()}
    expected = {
        frozenset(pair) for pair in combinations(own, 2) if shapely.intersects(own[pair[0]], own[pair[1]])
    }
    found = edges_of(graph, "intersects", "street", "street")
    assert {frozenset(pair) for pair in found} == expected
    assert {told[0] for told in found.values()} == {0.0}


def test_crossings_on_one_street_follow_each_other_with_none_between(graph, streets, roads):
    """Walked along every road from crossing to crossing, over roads that end where the next begins."""
    _, crossings, _ = streets
    joins, ends = set(), defaultdict(list)
    for *_, line in roads:
        corners = [tuple(np.rint(np.multiply(xy, 100)).astype(int)) for xy in line.coords]
        stops = [k for k, one in enumerate(corners) if one in crossings or k in {0, len(corners) - 1}]
        for one, other in pairwise(stops):
            ends[corners[one]].append(corners[other])
            ends[corners[other]].append(corners[one])
    for start in crossings:
        for step in ends[start]:
            before, here = start, step
            while here not in crossings and len(ends[here]) == 2:
                before, here = here, next((one for one in ends[here] if one != before), before)
            if here in crossings and here != start:
                joins.add(frozenset((start, here)))
    rows = graph.nodes.rows("crossing")
    corner = {graph.nodes.ids[row]: tuple(np.rint(graph.nodes.xy[row] * 100).astype(int)) for row in rows}
    found = edges_of(graph, "on_same_street")
    assert {frozenset(corner[one] for one in pair) for pair in found} == joins
    for (one, other), (metres, bearing) in found.items():
        start, end = (np.array(corner[name]) / 100 for name in (one, other))
        assert metres == pytest.approx(np.hypot(*(end - start)), abs=0.08)
        assert turn(bearing, compass(start, end)) < 0.2


def test_a_street_bounds_an_area_along_whose_edge_a_block_of_it_runs(draw_city):
    city = draw_city(
        roads=[
            (
                "along",
                {"highway": "residential", "name": "Along"},
                shapely.LineString([(100, 95), (200, 95)]),
            ),
            ("away", {"highway": "residential", "name": "Away"}, shapely.LineString([(100, 85), (200, 85)])),
            (
                "partly",
                {"highway": "residential", "name": "Partly"},
                shapely.LineString([(95, 100), (95, 129), (95, 600)]),
            ),
            (
                "enough",
                {"highway": "residential", "name": "Enough"},
                shapely.LineString([(205, 150), (205, 320)]),
            ),
        ],
        landuse=[("park", {"landuse": "grass"}, shapely.box(100, 100, 200, 200))],
    )
    found = edges_of(build_graph(city), "bounds")
    assert {street for street, _ in found} == {"street/along", "street/enough"}
    assert found["street/along", "area/park"] == (5.0, 0.0)
    assert found["street/enough", "area/park"] == (5.0, 270.0)


def test_roads_that_cross_without_a_common_vertex_do_not_meet(draw_city):
    level = shapely.LineString([(100, 500), (500, 500), (900, 500)])
    city = draw_city(
        roads=[
            ("bridge", {"highway": "primary"}, shapely.LineString([(300, 100), (300, 900)])),
            ("level", {"highway": "primary"}, level),
            ("meets", {"highway": "primary"}, shapely.LineString([(500, 500), (500, 900)])),
        ]
    )
    graph = build_graph(city)
    assert set(edges_of(graph, "intersects", "street", "street")) == {("street/level", "street/meets")}
    assert [graph.nodes.category[row] for row in graph.nodes.rows("crossing")] == ["crossing of 3 arms"]


def test_foot_ways_are_streets_only_when_asked_for(draw_city):
    city = draw_city(
        roads=[
            ("lane", {"highway": "residential"}, shapely.LineString([(0, 0), (50, 0)])),
            ("walk", {"highway": "footway"}, shapely.LineString([(50, 0), (50, 90)])),
        ]
    )
    many = [
        len(build_graph(city, GraphPlan(foot_ways=asked)).nodes.rows("street")) for asked in (False, True)
    ]
    assert many == [1, 2]


def test_nodes_tell_street_and_district_apart_from_their_text(graph, toy):
    row = graph.nodes.rows("poi")[0]
    assert graph.nodes.district[row] == toy.regions.loc[toy.pois["region_id"].iloc[0], "name"]
    streets = dict(edges_of(graph, "nearest"))
    one = next(pair for pair in streets if pair[0] == graph.nodes.ids[row])
    at = np.flatnonzero(graph.nodes.ids == one[1])[0]
    assert graph.nodes.street[row] == graph.nodes.name[at]


def test_places_are_the_citys_in_longitude_and_latitude(graph, toy):
    rows = graph.nodes.rows("poi")
    expected = toy.pois.geometry.to_crs(4326)
    np.testing.assert_allclose(graph.nodes.lonlat[rows], np.column_stack([expected.x, expected.y]), atol=6e-7)


def test_a_category_is_the_first_telling_tag_in_words(draw_city):
    tags = [
        {"amenity": "fast_food", "name": "A"},
        {"office": "yes"},
        {"shop": "no", "leisure": "park"},
        {"name": "B"},
    ]
    city = draw_city(pois=[(f"p{k}", some, shapely.Point(9 * k, 5)) for k, some in enumerate(tags)])
    nodes = build_graph(city).nodes
    assert nodes.category[nodes.rows("poi")].tolist() == ["fast food", "office", "park", "place"]
    assert nodes.name[nodes.rows("poi")].tolist() == ["A", "", "", "B"]


def test_a_city_with_points_alone_has_a_graph(draw_city):
    city = draw_city(pois=[("a", {"amenity": "cafe"}, shapely.Point(5, 5)), ("b", {}, shapely.Point(5, 45))])
    graph = build_graph(city)
    assert edges_of(graph, "near", "poi", "poi") == {("poi/a", "poi/b"): (40.0, 0.0)}
    # Where there is no land use, regions are the areas.
    assert set(edges_of(graph, "near", "poi", "area")) == {("poi/a", "area/r1"), ("poi/b", "area/r1")}
    assert graph_faults(graph) == []


def test_a_city_without_points_and_roads_is_refused(draw_city):
    city = draw_city(landuse=[("park", {"landuse": "grass"}, shapely.box(0, 0, 9, 9))])
    with pytest.raises(RunRefused, match=r"has no layer a graph begins with. Expected one of pois, roads"):
        build_graph(city)


def test_a_plan_refuses_numbers_that_say_nothing():
    with pytest.raises(BadInput, match=r"near_m of a graph got -1. Expected a distance above 0 m"):
        GraphPlan(near_m=-1)
    with pytest.raises(BadInput, match=r"longest of a graph got 2. Expected at least shortest, 3"):
        GraphPlan(longest=2)
