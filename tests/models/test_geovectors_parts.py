"""GeoVectors' graph, walks, encoding of places and words of tags against plain loops."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from urbanbench.city.folder.tags import tag_table
from urbanbench.models._geovectors.encode import encode_places
from urbanbench.models._geovectors.entities import local_xy, tag_words
from urbanbench.models._geovectors.graph import (
    NearGraph,
    damped,
    nearest_graph,
    sample_walks,
    sliding_graph,
    spatial_order,
)
from urbanbench.models._geovectors.judge import chance, context_samples, negative_sampling_loss


def places(n, seed=0, side=4000.0):
    return np.round(np.random.default_rng(seed).uniform(0, side, (n, 2)), 3)


def edges_of(graph):
    """Edges with their probabilities, by a loop."""
    found = {}
    for node in range(len(graph)):
        before = float(node)
        for edge in range(graph.start[node], graph.start[node + 1]):
            pair = (node, int(graph.target[edge]))
            found[pair] = found.get(pair, 0.0) + graph.reach[edge] - before
            before = graph.reach[edge]
    return found


def damped_by_hand(metres):
    return max(1 / np.log(max(metres / 1000, 1.1)), np.e)


def test_damping_is_flat_below_one_point_one_and_beyond_one_point_four_kilometres():
    metres = np.array([0.0, 500.0, 1100.0, 1200.0, 1440.0, 1445.0, 3000.0, 50_000.0])
    np.testing.assert_allclose(damped(metres), [damped_by_hand(one) for one in metres])
    assert damped(np.array([10.0]))[0] == pytest.approx(10.492, abs=1e-3)
    assert damped(np.array([9000.0]))[0] == np.e


def test_nearest_graph_links_each_entity_to_its_nearest_by_damped_weight():
    xy, k = places(40), 7
    wanted = {}
    for node in range(len(xy)):
        apart = np.hypot(*(xy - xy[node]).T)
        apart[node] = np.inf
        near = np.argsort(apart)[:k]
        weights = [damped_by_hand(apart[other]) for other in near]
        wanted |= {(node, int(other)): w / sum(weights) for other, w in zip(near, weights, strict=True)}
    found = edges_of(nearest_graph(xy, k))
    assert found.keys() == wanted.keys()
    assert found == pytest.approx(wanted, rel=1e-6)


def test_nearest_graph_of_few_entities_links_all_of_them():
    assert set(edges_of(nearest_graph(places(3), 50))) == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }


def test_sliding_graph_links_to_the_next_northwards_and_eastwards():
    xy, k = places(25), 4
    weights = {}
    for axis in (1, 0):
        order = np.argsort(xy[:, axis])
        for place, node in enumerate(order):
            for other in order[place + 1 : place + 1 + k]:
                pair = (int(node), int(other))
                apart = float(np.hypot(*(xy[node] - xy[other])))
                weights[pair] = weights.get(pair, 0.0) + damped_by_hand(apart)
    total = {}
    for (node, _), weight in weights.items():
        total[node] = total.get(node, 0.0) + weight
    found = edges_of(sliding_graph(xy, k))
    assert found == pytest.approx({pair: w / total[pair[0]] for pair, w in weights.items()})


def test_spatial_order_is_a_permutation_that_keeps_near_entities_near():
    xy = places(5000)
    order = spatial_order(xy)
    assert sorted(order.tolist()) == list(range(5000))
    steps = np.hypot(*np.diff(xy[order], axis=0).T)
    assert np.median(steps) < 0.2 * np.median(np.hypot(*np.diff(xy, axis=0).T))


def test_spatial_order_takes_entities_in_one_place():
    assert sorted(spatial_order(np.zeros((5, 2))).tolist()) == list(range(5))


def test_walks_follow_edges_and_start_at_every_entity_equally_often():
    graph = nearest_graph(places(60), 5)
    walks = sample_walks(graph, per_node=4, length=6, seed=0)
    assert np.bincount(walks[:, 0]).tolist() == [4] * 60
    assert walks[:, 0].tolist() != sorted(walks[:, 0].tolist())
    edges = set(edges_of(graph))
    assert {(int(a), int(b)) for one in walks for a, b in pairwise(one)} <= edges


def test_walks_take_edges_as_often_as_their_weights_say():
    source, target = np.array([0, 0, 0, 1, 2, 3]), np.array([1, 2, 3, 0, 0, 0])
    weight = np.array([1.0, 2.0, 5.0, 7.0, 7.0, 7.0])
    graph = NearGraph.from_edges(source, target, weight, 4)
    walks = sample_walks(graph, per_node=20_000, length=2, seed=1)
    taken = np.bincount(walks[walks[:, 0] == 0, 1], minlength=4) / 20_000
    np.testing.assert_allclose(taken, [0, 1 / 8, 2 / 8, 5 / 8], atol=0.015)


def test_a_walk_ends_where_no_edge_leads_on():
    graph = NearGraph.from_edges(np.array([0, 1]), np.array([1, 2]), np.ones(2), 3)
    walks = sample_walks(graph, per_node=1, length=4, seed=0)
    assert {tuple(one) for one in walks.tolist()} == {(0, 1, 2, -1), (1, 2, -1, -1), (2, -1, -1, -1)}


def test_walks_repeat_with_the_seed_and_differ_by_purpose():
    graph = nearest_graph(places(50), 5)
    first = sample_walks(graph, per_node=2, length=5, seed=3)
    assert np.array_equal(first, sample_walks(graph, per_node=2, length=5, seed=3))
    assert not np.array_equal(first, sample_walks(graph, per_node=2, length=5, seed=4))
    assert not np.array_equal(first, sample_walks(graph, per_node=2, length=5, seed=3, purpose="held-out"))


def encoded_by_loop(xy, node_xy, vectors, k):
    rows = []
    for place in xy:
        apart = np.hypot(*(node_xy - place).T)
        near = [one for one in np.argsort(apart, kind="stable") if apart[one] > 0][:k]
        weight = np.array([np.log(1 + 1 / (apart[one] / 1000)) for one in near])
        rows.append(sum(w * vectors[one] for w, one in zip(weight, near, strict=True)) / weight.sum())
    return np.array(rows)


def test_places_are_weighted_means_of_nearest_entities_elsewhere():
    node_xy = places(80)
    node_xy[20:50] = node_xy[20]  # more entities at one place than are looked up at first
    vectors = np.random.default_rng(1).normal(size=(80, 3)).astype(np.float32)
    xy = np.concatenate([places(10, seed=2), node_xy[[20, 49, 3]]])
    found, known = encode_places(xy, node_xy, vectors, k=5)
    assert known.all()
    np.testing.assert_allclose(found[10:], encoded_by_loop(xy[10:], node_xy, vectors, 5), atol=1e-5)
    distinct = np.concatenate(
        [node_xy[:21], node_xy[50:]]
    )  # equally far entities could come in another order
    few, _ = encode_places(xy[:10], distinct, np.delete(vectors, slice(21, 50), axis=0), k=5)
    wanted = encoded_by_loop(xy[:10], distinct, np.delete(vectors, slice(21, 50), axis=0), 5)
    np.testing.assert_allclose(few, wanted, atol=1e-5)


def test_a_place_without_entities_elsewhere_is_unknown():
    found, known = encode_places(
        np.array([[1.0, 1.0]]), np.ones((3, 2)), np.ones((3, 2), dtype=np.float32), k=2
    )
    assert not known.any()
    assert not found.any()
    assert not encode_places(np.ones((2, 2)), np.ones((0, 2)), np.ones((0, 2), dtype=np.float32), k=2)[
        1
    ].any()


def tagged(*objects):
    maps = pa.array([list(one.items()) for one in objects], pa.map_(pa.string(), pa.string()))
    return tag_table(pd.Series(maps, dtype=pd.ArrowDtype(maps.type)))


def test_words_are_keys_and_values_of_one_word():
    tags = tagged(
        {"amenity": "cafe", "name": "Blue Door"}, {}, {"shop": "books", "name": "Zoe"}, {"name": "cafe"}
    )
    words = tag_words(tags)
    assert words.names == ("Zoe", "amenity", "books", "cafe", "name", "shop")
    said = [[words.names[code] for code in words.code[words.row == row]] for row in range(4)]
    assert said == [["amenity", "cafe", "name"], [], ["shop", "books", "name", "Zoe"], ["name", "cafe"]]
    assert [[words.names[code] for code in one] for one in words.sentences()] == [said[0], said[2], said[3]]


def test_words_without_a_vector_are_not_counted():
    words = tag_words(tagged({"amenity": "cafe"}, {"shop": "books"}))
    known = np.array([name != "books" for name in words.names])
    assert words.counts(known).toarray().tolist() == [[1, 0, 1, 0], [0, 0, 0, 1]]


def loss_by_loop(inputs, outputs, sentences, noise, window, *, pairs):
    terms, row = [], 0
    for sentence in sentences:
        for place, word in enumerate(sentence):
            near = [other for at, other in enumerate(sentence) if at != place and abs(at - place) <= window]
            for context in [[one] for one in near] if pairs else [near]:
                hidden = np.mean([inputs[one] for one in context], axis=0)
                loss = -np.log(1 / (1 + np.exp(-hidden @ outputs[word])))
                loss -= sum(np.log(1 / (1 + np.exp(hidden @ outputs[one]))) for one in noise[row])
                terms.append(loss)
                row += 1
    return np.mean(terms)


@pytest.mark.parametrize("pairs", [True, False])
def test_loss_is_negative_sampling_over_contexts(pairs):
    rng = np.random.default_rng(0)
    inputs, outputs = rng.normal(size=(2, 9, 4))
    sentences = [rng.integers(0, 9, length) for length in (2, 5, 7)]
    samples = context_samples(sentences, np.ones(9), window=2, negative=3, rng=rng, pairs=pairs)
    wanted = loss_by_loop(inputs, outputs, sentences, samples.noise, 2, pairs=pairs)
    assert negative_sampling_loss(inputs, outputs, samples) == pytest.approx(wanted)
    assert negative_sampling_loss(inputs, 0 * outputs, samples) == pytest.approx(chance(3))


def test_noise_follows_counts_to_the_power_of_three_quarters():
    counts = np.array([1, 16, 81])
    samples = context_samples(
        [np.array([0, 1])] * 5000, counts, window=1, negative=5, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(
        np.bincount(samples.noise.ravel()) / 50_000, np.array([1, 8, 27]) / 36, atol=0.01
    )


def test_places_are_counted_from_the_corner_to_the_millimetre():
    shapes = np.array([shapely.Point(1000.00049, 7.0), shapely.box(0, 0, 2, 4)], dtype=object)
    assert local_xy(shapes, np.array([1.0, 1.0])).tolist() == [[999.0, 6.0], [0.0, 1.0]]
