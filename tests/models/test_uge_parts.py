"""Parts of UGE against independent references: PyTorch Geometric's GATv2, loops, and hand-made graphs."""

import numpy as np
import pytest
import torch
from tests.models.uge_exams import draw_graph

from urbanbench.items import LocalGraph
from urbanbench.models._uge.graph_net import Asked, GraphEncoder
from urbanbench.models._uge.net import Rows
from urbanbench.models._uge.objective import Lessons, pictures_of
from urbanbench.models._uge.texts import MOST_CLAUSES, TextTower, clauses_of, number_waves, worded
from urbanbench.toolkit.graphs._node_net import Attended, Edges, GraphSizes, edge_inputs, place_waves
from urbanbench.toolkit.graphs.flat import graph_table
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import seeded_torch


def table_of(graphs, most=100, joined=100):
    words = sorted({one for graph in graphs for one in graph.text})
    rows = [np.array([words.index(one) for one in graph.text]) for graph in graphs]
    return graph_table(graphs, rows, most, joined), words


def encoder(text_dim=6, **changes):
    sizes = {
        "dim": 8,
        "out": 5,
        "heads": 2,
        "layers": 2,
        "edge_dim": 4,
        "place": True,
        "edges": True,
        "dropout": 0.0,
    }
    with seeded_torch(0, "encoder"):
        return GraphEncoder(GraphSizes(text_dim, **{**sizes, **changes})).eval()


@pytest.fixture
def graphs():
    return [
        draw_graph(("cafe", "park"), seed=1),
        draw_graph(("school",), seed=2, n_other=0),
        draw_graph(("park",), seed=3, n_other=5),
    ]


def test_attention_is_that_of_pytorch_geometric():
    from torch_geometric.nn import GATv2Conv

    with seeded_torch(0, "attention"):
        ours = Attended(8, 3, 4, 0.0).eval()
        theirs = GATv2Conv(8, 8, heads=3, concat=False, edge_dim=4, add_self_loops=False).eval()
        states, vector = torch.randn(6, 8), torch.randn(9, 4)
    with torch.no_grad():
        for side, mine in (("lin_l", ours.source), ("lin_r", ours.target)):
            getattr(theirs, side).weight.copy_(torch.cat([one.weight for one in mine]))
            getattr(theirs, side).bias.copy_(torch.cat([one.bias for one in mine]))
        theirs.lin_edge.weight.copy_(torch.cat([one.weight for one in ours.edge]))
        theirs.att.copy_(torch.cat([one.weight for one in ours.score])[None])
        theirs.bias.copy_(ours.bias.add_(torch.randn(8)))
    target = torch.tensor([0, 0, 0, 1, 1, 3, 4, 4, 4])
    source = torch.tensor([1, 2, 5, 0, 3, 3, 0, 1, 2])
    start = torch.tensor([0, 3, 5, 5, 6, 9])
    made = ours(states, Edges(source, target, start, vector))
    wanted = theirs(states, torch.stack([source, target]), edge_attr=vector)
    assert torch.allclose(made, wanted, atol=1e-5)


def test_every_graph_of_a_batch_is_encoded_as_if_it_were_alone(graphs):
    table, words = table_of(graphs)
    net, texts, asked = encoder(), torch.randn(len(words), 6), torch.randn(3, 6)
    together = net(table.batch(np.array([2, 0, 1])), texts, asked)
    for place, row in enumerate((2, 0, 1)):
        alone = net(table.batch(np.array([row])), texts, asked[[place]])
        assert torch.allclose(together[place], alone[0], atol=1e-5)


def test_edges_stand_in_both_directions_sorted_by_where_they_lead(graphs):
    table, _ = table_of(graphs)
    batch = table.batch(np.array([0, 2]))
    assert (np.diff(batch.target) >= 0).all()
    there = {
        (s, t): (d, b)
        for s, t, d, b in zip(batch.source, batch.target, batch.distance_m, batch.bearing, strict=True)
    }
    assert len(there) == 2 * (len(graphs[0].source) + len(graphs[2].source))
    for (source, target), (distance, bearing) in there.items():
        back = there[target, source]
        assert back[0] == distance
        assert abs(abs(back[1] - bearing) - 180.0) < 1e-3
        east, north = batch.offset_m[target] - batch.offset_m[source]
        assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(bearing, abs=0.01)


def test_of_a_large_graph_the_nearest_nodes_are_read_and_those_of_fewest_hops_joined():
    graph = LocalGraph(
        kind=np.zeros(5, dtype=np.int8), text=("picture", "far hop one", "near hop two", "near hop one", "far hop two"),
        offset_m=np.array([[0, 0], [90, 0], [5, 0], [0, 30], [0, 99.0]]), hops=np.array([0, 1, 2, 1, 2]),
        source=np.array([0, 0, 3, 1]), target=np.array([1, 3, 2, 4]), relation=np.zeros(4, dtype=np.int8),
        distance_m=np.array([90.0, 30, 25, 130]), bearing=np.array([90.0, 0, np.nan, 300]),
    )  # fmt: skip
    table, words = table_of([graph], most=4, joined=3)
    batch = table.batch(np.array([0]))
    assert [words[row] for row in batch.text] == ["picture", "near hop one", "far hop one", "near hop two"]
    ends = set(zip(batch.source.tolist(), batch.target.tolist(), strict=True))
    assert ends == {(0, 2), (2, 0), (0, 1), (1, 0)}
    whole = table_of([graph], most=4, joined=9)[0].batch(np.array([0]))
    assert {(1, 3), (3, 1)} < set(zip(whole.source.tolist(), whole.target.tolist(), strict=True))


def test_edge_inputs_are_logarithm_direction_and_signed_difference(graphs):
    table, _ = table_of(graphs[:1])
    batch = table.batch(np.array([0]))
    batch.bearing[0] = np.nan
    distance, direction, difference = edge_inputs(batch)
    assert np.allclose(np.expm1(distance[:, 0]), batch.distance_m, rtol=1e-4)
    assert not direction[0].any()
    assert np.allclose(np.degrees(np.arctan2(*direction[1:].T)) % 360, batch.bearing[1:], atol=1e-3)
    apart = batch.offset_m[batch.target] - batch.offset_m[batch.source]
    assert np.allclose(np.sign(difference) * np.expm1(np.abs(difference)), apart, rtol=1e-3)


def test_waves_of_places_have_sixteen_scales_and_do_not_repeat_within_a_town():
    waves = place_waves(np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [8000.0, -20.0]]))
    assert waves.shape == (4, 64)
    assert waves.dtype == np.float32
    assert (waves[0, :32] == 0).all()
    assert (waves[0, 32:] == 1).all()
    assert (np.linalg.norm(waves[None] - waves[:, None], axis=2)[np.triu_indices(4, 1)] > 0.5).all()


@pytest.mark.parametrize(
    ("changes", "reads_place", "reads_edges"),
    [
        ({}, True, True),
        ({"place": False}, False, True),
        ({"edges": False}, True, False),
        ({"layers": 0}, True, False),
    ],
)
def test_ablations_leave_out_what_they_say(graphs, changes, reads_place, reads_edges):
    table, words = table_of(graphs)
    net, texts, asked = encoder(**changes), torch.randn(len(words), 6), torch.zeros(1, 6)
    batch = table.batch(np.array([0]))
    before = net(batch, texts, asked)
    batch.distance_m[:] *= 3
    assert torch.allclose(net(batch, texts, asked), before) != reads_edges
    batch.distance_m[:] /= 3
    batch.offset_m[1:] += 50.0
    reads_offset = reads_place or (reads_edges and net.nodes.edge is not None)
    assert torch.allclose(net(batch, texts, asked), before) != reads_offset


def test_a_text_attends_to_the_nodes_that_are_like_it():
    with seeded_torch(0, "asked"):
        asked = Asked(6, 8)
    texts = torch.eye(6)[[0, 1, 2, 0, 3]]
    graph_of = torch.tensor([0, 0, 0, 1, 1])
    weights = [one.detach() for one in asked(torch.zeros(5, 8), texts, torch.eye(6)[[1, 3]], graph_of)]
    for one in weights:
        assert one[1] > 0.9
        assert one[4] > 0.9
        assert one[:3].sum() == pytest.approx(1.0, abs=1e-5)
    bare = asked(torch.zeros(5, 8), texts, torch.zeros(2, 6), graph_of)
    assert torch.allclose(bare[0], torch.tensor([1 / 3] * 3 + [1 / 2] * 2), atol=1e-6)


def test_a_text_is_the_mean_of_its_clauses_and_their_order_counts():
    with seeded_torch(0, "text"):
        tower = TextTower(4, 8, 0.0).eval()
    vectors = torch.randn(3, 4)
    clauses = Groups(np.array([0, 2, 4, 5]), np.array([0, 1, 1, 0, 2]))
    made = tower(np.array([0, 1, 2, 0]), clauses, vectors)
    assert torch.allclose(made[0], made[3])
    assert not torch.allclose(made[0], made[1])
    alone = tower(np.array([2]), clauses, vectors)
    assert torch.allclose(made[2], alone[0], atol=1e-6)


def test_texts_are_cut_at_points_commas_and_distances_that_lead_somewhere():
    told = "Within 700 m: 86 places, 3 areas. From a cafe less than 1 m north to a park, which is near it. It is 1.5 km off."
    assert clauses_of(told) == [
        "Within 700 m:", "86 places,", "3 areas.", "From a cafe", "less than 1 m north to a park,", "which is near it.", "It is 1.5 km off.",
    ]  # fmt: skip
    assert clauses_of("about 75 m to the north") == ["about 75 m to the north"]
    assert len(clauses_of("So. " * 200)) == MOST_CLAUSES


def test_numbers_are_read_apart_from_words_and_nearly_equal_ones_alike():
    assert worded("30 m north") == worded("45.5 m north") == "# m north"
    none, near, nearer, far = number_waves(["a cafe", "100 m", "105 m", "900 m"])
    assert not none.any()
    assert near @ nearer > 0.9 * (near @ near)
    assert near @ far < 0.1 * (near @ near)
    two = number_waves(["3 of 900"])[0]
    assert np.allclose(two, np.concatenate([number_waves(["3"])[0][:24], far[:24], np.zeros(24)]))


def rows(image, text, graph):
    return Rows(*(np.array(one, dtype=np.int64) for one in (image, text, graph)))


def test_lessons_are_drawn_of_one_kind_where_a_picture_has_it_and_all_of_a_kind_alike():
    anchor = rows([5, 5, 5, 5, 7], [-1] * 5, [-1] * 5)
    positive = rows([-1] * 5, [0, 1, 2, 3, 4], [-1] * 5)
    kinds = ["path", "path", "caption", "path", "path"]
    lessons = Lessons(anchor, positive, kinds, pictures_of(anchor), np.array([1]))
    assert len(lessons) == 2
    assert lessons.held_out.tolist() == [1]
    assert lessons.kinds == ("caption", "path")
    rng = np.random.default_rng(0)
    captions, paths = (
        np.array([lessons.draw(kind, np.array([1, 0]), rng) for _ in range(2000)]) for kind in (0, 1)
    )
    assert set(captions[:, 1]) == {2}
    assert set(captions[:, 0]) == set(paths[:, 0]) == {4}
    assert np.bincount(paths[:, 1], minlength=4) / 2000 == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3], abs=0.05)


def test_a_picture_is_known_by_its_image_or_its_graph_or_its_text():
    anchor = rows([3, 3, -1, -1, -1], [0, 1, 1, 2, 2], [9, 8, 3, -1, 3])
    about = pictures_of(anchor)
    assert about[0] == about[1]
    assert about[2] == about[4]
    assert len(set(about)) == 3
