"""Parts of UGE against independent references: PyTorch Geometric's GATv2, loops, and hand-made graphs."""

import numpy as np
import pytest
import torch
from tests.models.uge_exams import draw_graph

from urbanbench.items import LocalGraph
from urbanbench.models._uge.graph_net import Asked, GraphEncoder, Question
from urbanbench.models._uge.net import Fusion, Rows
from urbanbench.models._uge.objective import Lessons, PairObjective, forms_of, pictures_of
from urbanbench.models._uge.spoken import Spoken, summed
from urbanbench.models._uge.texts import (
    MOST_CLAUSES,
    NUMBERS_LONG,
    TextTower,
    clauses_of,
    most_alike,
    number_waves,
    phrases_of,
    worded,
)
from urbanbench.toolkit.graphs._node_net import Attended, Edges, GraphSizes, edge_inputs, place_waves
from urbanbench.toolkit.graphs.flat import graph_table, with_read_edges
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import seeded_torch


def table_of(graphs, most=100, joined=100):
    words = sorted({one for graph in graphs for one in graph.text})
    rows = [np.array([words.index(one) for one in graph.text]) for graph in graphs]
    return graph_table(graphs, rows, most, joined), words


GIVEN = 6 + NUMBERS_LONG
"""Length of a frozen vector here: six words, and numbers."""


def encoder(text_dim=GIVEN, **changes):
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
        made = GraphEncoder(GraphSizes(text_dim, **{**sizes, **changes})).eval()
        torch.nn.init.normal_(made.read.weight)
        return made


def tower():
    with seeded_torch(0, "tower"):
        return TextTower(GIVEN, 5, 0.0).eval()


def frozen(words):
    """Vectors of words without numbers."""
    with seeded_torch(1, "words"):
        return torch.cat([torch.randn(words, 6), torch.zeros(words, NUMBERS_LONG)], dim=1)


def unasked(batch):
    return Question(torch.zeros(len(batch), GIVEN), torch.zeros(len(batch.text)))


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
    net, reads, texts, asked = encoder(), tower(), frozen(len(words)), torch.randn(3, GIVEN)
    batch = table.batch(np.array([2, 0, 1]))
    likeness = torch.rand(len(batch.text))
    together = net(batch, texts, Question(asked, likeness), reads)
    for place, row in enumerate((2, 0, 1)):
        own = likeness[torch.from_numpy(batch.graph_of == place)]
        alone = net(table.batch(np.array([row])), texts, Question(asked[[place]], own), reads)
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


@pytest.mark.parametrize(("most", "joined"), [(4, 2), (6, 6), (100, 3), (5, None)])
def test_edges_that_are_never_read_need_not_be_kept(graphs, most, joined):
    fewer = [with_read_edges(one, most, joined) for one in graphs]
    rows = [np.arange(len(one)) for one in graphs]
    whole, kept = (graph_table(some, rows, most, joined) for some in (graphs, fewer))
    for name in ("nodes", "edges", "text", "offset_m", "source", "target", "distance_m", "bearing"):
        assert np.array_equal(getattr(whole, name), getattr(kept, name), equal_nan=True), name
    assert sum(len(one.source) for one in fewer) == len(whole.source) // 2
    assert [one.text for one in fewer] == [one.text for one in graphs]


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
    net, reads, texts = encoder(**changes), tower(), frozen(len(words))
    batch = table.batch(np.array([0]))

    def made():
        return net(batch, texts, unasked(batch), reads)

    before = made()
    batch.distance_m[:] *= 3
    assert torch.allclose(made(), before) != reads_edges
    batch.distance_m[:] /= 3
    batch.offset_m[1:] += 50.0
    reads_offset = reads_place or (reads_edges and net.nodes.edge is not None)
    assert torch.allclose(made(), before) != reads_offset


def test_a_text_attends_to_the_nodes_that_are_like_it_and_never_to_the_picture_itself(graphs):
    table, _ = table_of(graphs)
    batch = table.batch(np.array([0, 1]))
    with seeded_torch(0, "asked"):
        asked = Asked(6, 8, place=False)
    nodes, likeness = torch.zeros(len(batch.text), 8), torch.zeros(len(batch.text))
    likeness[[2, batch.first[1] + 1]] = 1.0
    likeness[torch.from_numpy(batch.first)] = 1.0
    for one in asked(nodes, batch, Question(torch.zeros(2, 6), likeness)).detach().T:
        assert one[2] > 0.9
        assert one[torch.from_numpy(batch.first)] == pytest.approx(0.0, abs=1e-6)
        assert one[: batch.first[1]].sum() == pytest.approx(1.0, abs=1e-5)
        assert one[batch.first[1] :].sum() == pytest.approx(1.0, abs=1e-5)
    bare = asked(nodes, batch, Question(torch.zeros(2, 6), torch.zeros(len(batch.text))))
    others = batch.first[1] - 1
    assert torch.allclose(bare[1 : batch.first[1], 0], torch.full((others,), 1 / others), atol=1e-5)


def test_before_training_some_heads_look_at_what_is_near(graphs):
    table, _ = table_of(graphs[2:])
    batch = table.batch(np.array([0]))
    with seeded_torch(0, "asked"):
        asked = Asked(6, 8, place=True)
    weights = asked(
        torch.zeros(len(batch.text), 8), batch, Question(torch.zeros(1, 6), torch.zeros(len(batch.text)))
    )
    away = np.hypot(*batch.offset_m.T)[1:]
    wanted = (1 + away) ** -2.0
    assert weights[1:, -1].detach().numpy() == pytest.approx(wanted / wanted.sum(), abs=1e-5)
    assert weights[1:, 0].detach().numpy() == pytest.approx(np.full(len(away), 1 / len(away)), abs=1e-5)


def test_a_node_is_read_as_the_clause_that_tells_of_it():
    """The picture and one place 120 m to the east, beside the text "120 m to a park"."""
    graph = LocalGraph(
        kind=np.zeros(2, dtype=np.int8), text=("picture", "a park"), offset_m=np.array([[0, 0], [120.0, 0]]), hops=np.array([0, 1]),
        source=np.array([0]), target=np.array([1]), relation=np.zeros(1, dtype=np.int8), distance_m=np.array([120.0]), bearing=np.array([90.0]),
    )  # fmt: skip
    table, words = table_of([graph])
    batch, reads, texts = table.batch(np.array([0])), tower(), frozen(2)
    spoken = Spoken(5, 1, place=True).eval()
    torch.nn.init.zeros_(spoken.toward.weight)
    made = spoken(batch, texts, reads, torch.tensor([[0.0], [1.0]]))
    told = texts[words.index("a park")].clone()
    told[6:] = torch.from_numpy(number_waves(["120 m to a park"])[0])
    clause = reads.whole(reads.bent(reads.first(told[None])))
    assert torch.allclose(made, clause, atol=1e-5)


def test_graphs_enter_the_fusion_as_texts_do_until_they_are_trained():
    with seeded_torch(0, "fusion"):
        fusion = Fusion(4)
    fusion.read_alike(2, 1)
    part, nothing = torch.randn(3, 4), torch.zeros(3, 4)
    flags = torch.zeros(3, 3)
    as_text = fusion(torch.cat([nothing, part, nothing], dim=1), flags)
    as_graph = fusion(torch.cat([nothing, nothing, part], dim=1), flags)
    as_image = fusion(torch.cat([part, nothing, nothing], dim=1), flags)
    assert torch.allclose(as_text, as_graph)
    assert not torch.allclose(as_text, as_image)


def test_what_is_asked_for_stands_by_itself_and_is_like_the_node_of_that_kind():
    asked = "How far from the picture is the nearest bank, and in which direction? An inn or a park."
    phrases = phrases_of(asked)
    assert phrases == [
        "How far from", "the picture is", "the nearest bank,", "and in which direction?", "An inn or", "a park.",
    ]  # fmt: skip
    words = torch.eye(6)
    vectors = torch.cat([words, torch.full((6, NUMBERS_LONG), 9.0)], dim=1)
    vectors[4, :6] = (words[0] + words[1]) / 2
    groups = Groups(np.array([0, 2, 3]), np.array([2, 4, 1]))
    made = most_alike(np.array([1, -1, 0]), groups, vectors, torch.tensor([0, 1, 3]))
    assert made.numpy() == pytest.approx(np.array([[0, 1, 0], [0, 0, 0], [0.5**0.5, 0.5**0.5, 0]]), abs=1e-6)


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


def test_forms_of_questions_are_told_apart_by_how_they_begin_where_they_are_many():
    kinds = ["path"] * 2 + ["answer"] * 7
    questions = [
        "",
        "",
        *["How far is a cafe?", "How far is a park?"] * 2,
        "What kind is it?",
        "What is it?",
        "Why?",
    ]
    assert forms_of(kinds, questions, 8) == ["path"] * 2 + ["answer: How far"] * 4 + ["answer"] * 3
    assert set(forms_of(kinds, questions, 100)) == {"path", "answer"}


class _Vectors(torch.nn.Module):
    """Towers that give an item the vector of its image or text."""

    def __init__(self, table):
        super().__init__()
        self.table = table

    def forward(self, items, _material):
        return torch.nn.functional.normalize(self.table[np.maximum(items.image, items.text)], dim=1)


def test_a_wrong_answer_counts_once_however_many_pairs_have_it():
    """Of pictures 0, 1, 2, 3 with texts 4, 4, 5, 6 each is looked for among the three texts, and each text among pictures that do not have it, too."""
    from types import SimpleNamespace

    told = [4, 4, 5, 6]
    anchor, positive = rows(range(4), [-1] * 4, [-1] * 4), rows([-1] * 4, told, [-1] * 4)
    lessons = Lessons(anchor, positive, ["answer"] * 4, np.arange(4), np.array([], dtype=np.int64))
    table = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    towers = _Vectors(table).eval()
    objective = PairObjective(
        "text", towers, SimpleNamespace(clauses=table, views=None), lessons, {}, temperature=0.5, drop=(0.0, 0.0), weight_decay=0.0,
    )  # fmt: skip
    loss = objective.loss(np.arange(4), np.random.default_rng(0))
    unit = torch.nn.functional.normalize(table, dim=1)
    cosine = (unit[:4] @ unit[4:].T / 0.5).numpy()
    to_text = [np.log(np.exp(cosine[k]).sum()) - cosine[k, told[k] - 4] for k in range(4)]
    to_picture = []
    for k in range(4):
        others = [j for j in range(4) if j == k or told[j] != told[k]]
        mine = cosine[:, told[k] - 4]
        to_picture.append(np.log(np.exp(mine[others]).sum()) - mine[k])
    assert float(loss) == pytest.approx((np.mean(to_text) + np.mean(to_picture)) / 2, abs=1e-5)
    assert objective.chance == pytest.approx((np.log(3) + np.mean(np.log([3, 3, 4, 4]))) / 2)


def test_sums_over_nodes_are_those_of_a_loop_whatever_the_sizes_of_graphs():
    torch.manual_seed(0)
    graph_of, nodes, weights = np.array([0, 0, 0, 1, 2, 2]), torch.randn(6, 4), torch.randn(6, 3)
    made = summed(nodes, weights, graph_of)
    for graph in range(3):
        of = torch.from_numpy(graph_of == graph)
        for part in range(3):
            wanted = sum(weight * node for weight, node in zip(weights[of][:, part], nodes[of], strict=True))
            assert torch.allclose(made[graph, part], wanted, atol=1e-6)
