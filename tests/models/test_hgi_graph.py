"""HGI's POI graph, its walks and what is a category, against plain loops."""

import itertools
import math

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.spatial import Delaunay

from urbanbench.city.folder.tags import tag_table
from urbanbench.models._hgi.categories import FIRST_LEVEL, categories_of, category_words
from urbanbench.models._hgi.delaunay import PlaceGraph, closeness, delaunay_graph, moved_apart, triangulate
from urbanbench.models._hgi.walks import random_walks


@pytest.fixture
def scattered():
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 3000, (25, 2))
    region = (xy[:, 0] // 1000).astype(np.int64)
    region[:5] = -1
    return xy, region


def built(xy, region, **how):
    settings = {"cross": 0.4, "max_edge_m": None} | how
    return delaunay_graph(xy, region, **settings, rng=np.random.default_rng(0))


def edges_of(graph):
    return {
        (i, j): w
        for i, j, w in zip(graph.rows.tolist(), graph.neighbour.tolist(), graph.weight.tolist(), strict=True)
    }


def test_no_other_point_lies_inside_the_circle_of_a_triangle(scattered):
    xy, _ = scattered
    edges = {tuple(edge) for edge in triangulate(xy).tolist()}
    empty = set()
    for corners in itertools.combinations(range(len(xy)), 3):
        a, b, c = xy[list(corners)]
        matrix = 2 * np.array([b - a, c - a])
        centre = np.linalg.solve(matrix, [b @ b - a @ a, c @ c - a @ a])
        apart = np.hypot(*(xy - centre).T)
        if (np.delete(apart, corners) > apart[corners[0]]).all():
            empty |= set(itertools.combinations(corners, 2))
    assert edges == empty


def test_weights_are_the_papers_formula_and_the_same_in_both_directions(scattered):
    xy, region = scattered
    graph = built(xy, region)
    diagonal = math.dist(xy.min(axis=0), xy.max(axis=0))
    found = edges_of(graph)
    for (i, j), weight in found.items():
        length = math.dist(xy[i], xy[j])
        wanted = math.log((1 + diagonal**1.5) / (1 + length**1.5)) * (1.0 if region[i] == region[j] else 0.4)
        assert weight == pytest.approx(wanted)
        assert found[j, i] == weight
    scaled = graph.rescaled()
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    assert np.corrcoef(scaled, graph.weight)[0, 1] == pytest.approx(1.0)


def test_long_edges_are_left_out_on_request(scattered):
    xy, region = scattered
    found = edges_of(built(xy, region, max_edge_m=400.0))
    assert set(found) == {(i, j) for i, j in edges_of(built(xy, region)) if math.dist(xy[i], xy[j]) <= 400.0}


def test_places_at_one_spot_are_moved_apart_and_all_are_linked():
    xy = np.repeat(np.array([[0.0, 0.0], [500.0, 0.0], [0.0, 500.0], [500.0, 500.0]]), 20, axis=0)
    moved = moved_apart(xy, np.random.default_rng(0))
    assert len(np.unique(moved, axis=0)) == 80
    assert np.abs(moved - xy).max() <= 0.1
    assert (moved[::20] == xy[::20]).all()
    graph = built(xy, np.zeros(80, dtype=np.int64))
    assert nx.is_connected(nx.Graph(list(edges_of(graph))))
    assert graph.degree.min() >= 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_places_on_a_line_are_a_chain(count):
    xy = np.column_stack([np.arange(count)[::-1] * 100.0, np.zeros(count)])
    graph = built(xy, np.zeros(count, dtype=np.int64))
    assert set(edges_of(graph)) == {(i, i + s) for i in range(count) for s in (-1, 1) if 0 <= i + s < count}
    assert (graph.weight > 0).all()


def test_places_too_near_for_the_triangulation_are_linked_to_their_neighbour(monkeypatch):
    class Mesh:
        simplices = np.array([[0, 1, 2]], dtype=np.int32)
        coplanar = np.array([[3, 0, 1]], dtype=np.int32)

    monkeypatch.setattr("urbanbench.models._hgi.delaunay.Delaunay", lambda _: Mesh())
    assert triangulate(np.zeros((4, 2))).tolist() == [[0, 1], [0, 2], [1, 2], [1, 3]]
    assert Delaunay is not Mesh


def test_closeness_of_the_diagonal_is_zero():
    assert closeness(np.array([50.0]), 50.0) == pytest.approx(0.0)


def little_graph():
    """0 - 1 - 2 - 3 with a chord 0 - 2, and 4 on its own."""
    edges = {(0, 1): 1.0, (1, 2): 2.0, (2, 3): 3.0, (0, 2): 0.5}
    table = np.zeros((5, 5))
    for (i, j), weight in edges.items():
        table[i, j] = table[j, i] = weight
    row, column = np.nonzero(table)
    return PlaceGraph(np.concatenate([[0], np.cumsum((table > 0).sum(1))]), column, table[row, column]), table


def test_walks_follow_edges_and_start_everywhere():
    graph, table = little_graph()
    walks = random_walks(
        graph, per_place=3, length=6, return_bias=2.0, far_bias=2.0, rng=np.random.default_rng(0)
    )
    assert walks.shape == (15, 6)
    assert np.bincount(walks[:, 0]).tolist() == [3] * 5
    assert (walks[walks[:, 0] == 4][:, 1:] == -1).all()
    for walk in walks[walks[:, 0] != 4]:
        assert all(table[a, b] > 0 for a, b in itertools.pairwise(walk.tolist()))


def test_steps_have_the_chances_of_node2vec():
    graph, table = little_graph()
    walks = random_walks(
        graph, per_place=40_000, length=3, return_bias=2.0, far_bias=3.0, rng=np.random.default_rng(1)
    )
    first = walks[walks[:, 0] == 2][:, 1]
    np.testing.assert_allclose(
        np.bincount(first, minlength=5) / len(first), table[2] / table[2].sum(), atol=0.01
    )
    for before, here in ((0, 2), (1, 2), (3, 2), (0, 1)):
        chances = table[here].copy()
        for then in range(5):
            chances[then] *= 2.0 if then == before else 1.0 if table[before, then] > 0 else 3.0
        seen = walks[(walks[:, 0] == before) & (walks[:, 1] == here)][:, 2]
        np.testing.assert_allclose(
            np.bincount(seen, minlength=5) / len(seen), chances / chances.sum(), atol=0.015
        )


def test_walks_in_parts_are_as_many(monkeypatch):
    monkeypatch.setattr("urbanbench.models._hgi.walks.AT_ONCE", 4)
    graph, table = little_graph()
    walks = random_walks(
        graph, per_place=2, length=4, return_bias=2.0, far_bias=2.0, rng=np.random.default_rng(0)
    )
    assert np.bincount(walks[:, 0]).tolist() == [2] * 5
    for walk in walks[walks[:, 0] != 4]:
        assert all(table[a, b] > 0 for a, b in itertools.pairwise(walk.tolist()))


def tagged(*objects):
    tags = pa.array([list(one.items()) for one in objects], type=pa.map_(pa.string(), pa.string()))
    return tag_table(pd.Series(tags, dtype=pd.ArrowDtype(tags.type)))


def test_the_first_key_that_an_object_has_decides():
    words = category_words(
        tagged(
            {"shop": "books", "amenity": "cafe"}, {"building": "school", "name": "A"}, {"highway": "stop"}, {}
        )
    )
    assert words.tolist() == ["amenity=cafe", "building=school", "", ""]


def test_rare_values_are_one_category_of_their_key():
    words = ["amenity=cafe"] * 3 + ["amenity=bank", "amenity=pub", "shop=books", "shop=books"]
    made = categories_of(words, min_count=2)
    assert made.names == ("amenity=cafe", "amenity=other", "shop=books")
    assert [made.names[k] for k in made.of_place] == [
        *["amenity=cafe"] * 3,
        *["amenity=other"] * 2,
        *["shop=books"] * 2,
    ]
    assert [FIRST_LEVEL[k] for k in made.parent] == ["amenity", "amenity", "shop"]
