"""Sub-graphs and paths against slow walks over the list of edges."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import shapely

from urbanbench.graph.around import Around, anchors, edges_within, sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.faults import path_faults, sub_graph_faults
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import KINDS
from urbanbench.graph.walks import similarity, walk_from


@pytest.fixture(scope="module")
def next_to(graph):
    """Neighbours of every node, by reading all edges."""
    found = defaultdict(set)
    for one, other in zip(graph.edges.source.tolist(), graph.edges.target.tolist(), strict=True):
        found[one].add(other)
        found[other].add(one)
    return found


@pytest.fixture(scope="module")
def images(graph):
    return graph.nodes.rows("image")


@pytest.fixture(scope="module")
def walks(graph, images, plan):
    return walk_from(graph, images, plan)


def metres(graph, rows, row):
    return np.hypot(*(graph.nodes.xy[rows] - graph.nodes.xy[row]).T)


@pytest.mark.parametrize("most", [30, 500])
def test_a_sub_graph_holds_what_lies_within_hops_nearest_first(graph, images, next_to, most):
    plan = GraphPlan(most_nodes=most)
    for row in images[::20].tolist():
        expected, known, edge = [row], {row}, {row}
        for hop in range(1, plan.hops + 1):
            edge = set().union(*(next_to[one] for one in edge)) - known
            order = sorted(edge, key=lambda one: (metres(graph, one, row), one))
            order = [one for one in order if hop == 1 or metres(graph, one, row) <= plan.context_m]
            edge = set(order[: most - len(expected)])
            known |= edge
            expected += order[: most - len(expected)]
        around = sub_graph(graph, row, plan)
        assert around.rows.tolist() == expected
        assert (np.diff(around.hops) >= 0).all()
        assert sub_graph_faults(graph, around, plan) == []


def test_edges_within_a_sub_graph_are_all_those_between_its_nodes(graph, images, plan):
    rows = sub_graph(graph, images[5], plan).rows
    inside = np.isin(graph.edges.source, rows) & np.isin(graph.edges.target, rows)
    np.testing.assert_array_equal(edges_within(graph, rows), np.flatnonzero(inside))


def test_wrong_sub_graphs_are_noticed(graph, images, plan):
    good = sub_graph(graph, images[0], plan)
    far = Around(good.rows, np.where(good.hops == 3, 2, good.hops))
    twice = Around(np.append(good.rows, good.rows[-1:]), np.append(good.hops, good.hops[-1:]))
    assert any("another distance" in fault for fault in sub_graph_faults(graph, far, plan))
    assert any("a node twice" in fault for fault in sub_graph_faults(graph, twice, plan))
    assert any("more than" in fault for fault in sub_graph_faults(graph, good, replace(plan, most_nodes=3)))


def test_of_a_cell_only_the_first_images_have_a_sub_graph(graph, images):
    plan = GraphPlan(cell_m=700.0, most_in_cell=2)
    cells = defaultdict(list)
    for row in images.tolist():
        cells[tuple((graph.nodes.xy[row] // 700.0).tolist())].append(row)
    assert anchors(graph, plan).tolist() == sorted(row for some in cells.values() for row in some[:2])


def test_paths_are_walks_along_edges(graph, images, walks, next_to, plan):
    assert sum(map(len, walks)) > 0.9 * plan.paths * len(images)
    for row, some in zip(images.tolist(), walks, strict=True):
        assert len(some) <= plan.paths
        for walk in some:
            nodes = [row, *graph.step_to[walk].tolist()]
            assert plan.shortest <= len(walk) <= plan.longest
            assert len(set(nodes)) == len(nodes)
            assert all(other in next_to[one] for one, other in pairwise(nodes))
            assert (metres(graph, nodes, row) <= plan.reach_m).all()
        assert path_faults(graph, row, some, plan) == []


def test_paths_have_every_length_and_come_to_every_kind_of_node(graph, walks, plan):
    every = [walk for some in walks for walk in some]
    assert {len(walk) for walk in every} == set(range(plan.shortest, plan.longest + 1))
    assert {KINDS[graph.nodes.kind[row]] for walk in every for row in graph.step_to[walk]} == set(KINDS)


def test_no_path_comes_to_streets_of_one_name_three_times(graph, walks):
    for walk in (walk for some in walks for walk in some):
        rows = [row for row in graph.step_to[walk] if KINDS[graph.nodes.kind[row]] == "street"]
        names = Counter(graph.nodes.name[row] for row in rows if graph.nodes.name[row])
        assert max(names.values(), default=0) <= 2


def test_no_two_paths_of_an_image_are_nearly_the_same(walks, plan):
    for some in walks:
        for one, other in combinations([set((walk // 2).tolist()) for walk in some], 2):
            assert len(one & other) < plan.alike * len(one | other)


def test_similarity_counts_common_edges_whichever_way_they_are_taken():
    assert similarity(np.array([0, 2, 4]), np.array([1, 3, 5])) == 1.0
    assert similarity(np.array([0, 2, 4, 6]), np.array([0, 2, 4, 6, 8])) == pytest.approx(0.8)


def test_the_same_seed_gives_the_same_paths_and_another_seed_others(graph, images, walks, plan):
    def told(found):
        return [[walk.tolist() for walk in some] for some in found]

    assert told(walk_from(graph, images, plan)) == told(walks)
    assert told(walk_from(graph, images, replace(plan, seed=1))) != told(walks)


def test_steps_are_taken_with_equal_chance(draw_city):
    """Of a star with a tail behind every arm, each arm is as likely."""
    arms = [(50, 0), (0, 50), (-50, 0)]
    places = [(1000, 1000)] + [(1000 + k * x, 1000 + k * y) for x, y in arms for k in (1, 2, 3)]
    city = draw_city(
        pois=[(f"p{k}", {"amenity": "cafe"}, shapely.Point(one)) for k, one in enumerate(places)]
    )
    plan = GraphPlan(near_m=60.0, shortest=3, longest=3, paths=4, area_m=1.0, area_most=1)
    graph = build_graph(city, plan)
    begin = np.full(900, graph.nodes.rows("poi")[0])
    first = Counter(graph.step_to[some[0][0]] for some in walk_from(graph, begin, plan) if some)
    arms = [count for row, count in first.items() if KINDS[graph.nodes.kind[row]] == "poi"]
    assert len(arms) == 3
    assert max(arms) - min(arms) < 6 * np.sqrt(max(arms))


def test_wrong_paths_are_noticed(graph, images, walks, plan):
    row, walk = images[0], walks[0][0]
    assert any("do not follow" in fault for fault in path_faults(graph, row, [walk[::-1]], plan))
    assert any("hops, not 3 to 8" in fault for fault in path_faults(graph, row, [walk[:1]], plan))
    back = np.concatenate([walk[:2], walk[1::-1] ^ 1])
    assert any("a node twice" in fault for fault in path_faults(graph, row, [back], plan))


def test_a_node_that_nothing_is_joined_with_has_no_path_and_a_sub_graph_of_its_own(draw_city):
    city = draw_city(
        pois=[("a", {}, shapely.Point(5, 5)), ("b", {}, shapely.Point(900, 900))],
        landuse=[("far", {"landuse": "grass"}, shapely.box(1500, 1500, 1600, 1600))],
    )
    graph, plan = build_graph(city), GraphPlan()
    rows = graph.nodes.rows("poi")
    assert walk_from(graph, rows, plan) == [[], []]
    assert sub_graph(graph, rows[0], plan).rows.tolist() == [rows[0]]
