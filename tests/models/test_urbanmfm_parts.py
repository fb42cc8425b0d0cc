"""UrbanMFM's losses against naive loops, its attention against PyTorch Geometric, its sampling against its rules."""

import math
import warnings

import numpy as np
import pytest
import torch

from urbanbench.errors import UnknownName
from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder, StarAttention
from urbanbench.models._urbanmfm.l_local import LocalObjective
from urbanbench.models._urbanmfm.l_poi import PoiObjective, sample_roads
from urbanbench.models._urbanmfm.net import NetSizes, UrbanNet, mean_by_group
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stars import Stars, StarTable, draw_drops, draw_modalities
from urbanbench.toolkit.features._feature_rows import Frozen, TunedTexts
from urbanbench.toolkit.ground.neighbours import Groups, nearest_within
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule

DIM, N, TEXTS, SHAPES = 8, 60, 20, 15


def made_net(text_dim, **graph):
    return UrbanNet(
        NetSizes(text=text_dim, image=4, dim=DIM),
        make_graph=lambda: GraphEncoder(DIM, head_dim=2, **graph),
        make_fusion=lambda: Fusion(DIM, heads=2, dropout=0.0),
    )


def net(readout="mean", dropout=0.0):
    with seeded_torch(0, "test-net"):
        return made_net(5, heads=3, dropout=dropout, readout=readout)


@pytest.fixture
def city():
    """Texts, footprints, neighbours and roads of 60 made-up POIs."""
    rng = np.random.default_rng(1)
    texts = Frozen(torch.from_numpy(rng.normal(size=(TEXTS, 5)).astype(np.float32)))
    shapes = Shapes(torch.from_numpy(rng.normal(size=(SHAPES, 4)).astype(np.float32)), torch.rand(SHAPES))
    shape = np.where(rng.random(N) < 0.5, rng.integers(0, SHAPES, N), -1)
    stars = StarTable(*nearest_within(rng.uniform(0, 1000, (N, 2)), radius_m=150.0, cap=12))
    sizes = rng.integers(2, 7, 25)
    roads = Groups(np.concatenate([[0], np.cumsum(sizes)]), rng.integers(0, N, sizes.sum()))
    return {
        "texts": texts,
        "shapes": shapes,
        "text": rng.integers(0, TEXTS, N),
        "shape": shape,
        "stars": stars,
        "roads": roads,
    }


def poi_objective(city, model, *, cap=None, include_self=False, texts=None, direction="both"):
    return PoiObjective(
        model, texts or city["texts"], city["text"], city["roads"],
        cap=cap, include_self=include_self, temperature=0.5, direction=direction, lr=1e-2, lr_backbone=1e-3, device="cpu",
    )  # fmt: skip


def local_objective(city, model, *, shapes=True):
    return LocalObjective(
        model, city["texts"], city["shapes"] if shapes else None, city["text"], city["shape"], city["stars"],
        drop_share=0.1, temperature=0.5, direction="both", lr=1e-2, lr_new=1e-2, device="cpu",
    )  # fmt: skip


def naive_info_nce(query, key, label):
    """Both directions of Eqs. 7 and 16, and what vectors that tell nothing lose; candidates with the anchor's label are left out."""

    def cosine(a, b):
        return float(a @ b / (a.norm() * b.norm()))

    total = chance = 0.0
    for a, b in ((query, key), (key, query)):
        for i in range(len(a)):
            counted = [
                math.exp(cosine(a[i], b[j]) / 0.5) for j in range(len(b)) if j == i or label[i] != label[j]
            ]
            total -= math.log(math.exp(cosine(a[i], b[i]) / 0.5) / sum(counted)) / len(a) / 2
            chance += math.log(len(counted)) / len(a) / 2
    assert chance < math.log(len(query)), "no two anchors of this test carry the same label"
    return total, chance


@pytest.mark.parametrize("include_self", [False, True])
def test_poi_loss_equals_a_loop_over_roads(city, include_self):
    model, anchors = net(), np.array([3, 0, 7, 24, 11])
    objective = poi_objective(city, model, include_self=include_self)
    loss = objective.loss(anchors, np.random.default_rng(9))
    query, member, owner = sample_roads(
        city["roads"], anchors, np.random.default_rng(9), cap=None, include_self=include_self
    )

    def encoded(place):
        return model.encode_text(city["texts"].features[city["text"][place]][None])[0].detach()

    means = [
        torch.stack([encoded(m) for m, o in zip(member, owner, strict=True) if o == row]).mean(0)
        for row in range(5)
    ]
    wanted, chance = naive_info_nce([encoded(one) for one in query], means, city["text"][query])
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert objective.chance == pytest.approx(chance)


@pytest.mark.parametrize("include_self", [False, True])
def test_the_mean_of_a_road_leaves_the_sampled_poi_out_unless_asked(city, include_self):
    roads, anchors = city["roads"], np.arange(25)
    query, member, owner = sample_roads(
        roads, anchors, np.random.default_rng(0), cap=None, include_self=include_self
    )
    for row in range(25):
        everyone = roads.member[roads.start[row] : roads.start[row + 1]].tolist()
        assert query[row] in everyone
        if not include_self:
            everyone.remove(query[row])
        assert sorted(member[owner == row]) == sorted(everyone)


def test_the_mean_of_a_long_road_is_capped_and_every_poi_is_sampled(city):
    roads = Groups(np.array([0, 30, 33]), np.arange(33))
    seen = set()
    for seed in range(300):
        query, member, owner = sample_roads(
            roads, np.array([0, 1]), np.random.default_rng(seed), cap=4, include_self=False
        )
        assert np.bincount(owner).tolist() == [4, 2]
        assert not set(query) & set(member)
        seen |= {int(query[0])}
    assert seen == set(range(30))


def test_local_loss_equals_a_loop_over_graphs(city):
    model, twin = net(), np.flatnonzero(city["text"] == city["text"][0])[1]
    anchors = np.array([0, 5, 9, twin])
    objective = local_objective(city, model)
    loss = objective.loss(anchors, np.random.default_rng(2))
    positive, replaced = objective.positives(city["stars"].take(anchors, "cpu"), np.random.default_rng(2))
    originals, copies = [], []
    for row, anchor in enumerate(anchors):
        originals.append(one_graph(city, model, city["stars"].take(anchors[row : row + 1], "cpu"), None))
        kept = Stars(
            positive.node[row : row + 1], positive.present[row : row + 1], positive.distance_m[row : row + 1]
        )
        copies.append(one_graph(city, model, kept, replaced[row]))
        assert positive.node[row, 0] == anchor
    wanted, chance = naive_info_nce(originals, copies, city["text"][anchors])
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert objective.chance == pytest.approx(chance)


def one_graph(city, model, star, replaced):
    """Encode one graph node by node, its absent slots really left out."""
    slots = np.flatnonzero(star.present[0])
    nodes = []
    for slot in slots:
        place = int(star.node[0, slot])
        if replaced is not None and replaced[slot]:
            row = city["shape"][place]
            nodes.append(
                model.encode_shape(city["shapes"].features[row][None], city["shapes"].surface[row][None])[0]
            )
        else:
            nodes.append(model.encode_text(city["texts"].features[city["text"][place]][None])[0])
    small = Stars(star.node[:, slots], star.present[:, slots], star.distance_m[:, slots[1:] - 1])
    return model.local_graph(small, torch.stack(nodes)[None])[0].detach()


@pytest.mark.parametrize("heads", [1, 4])
def test_star_attention_equals_pytorch_geometric(heads):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import uses a deprecated part of torch
        from torch_geometric.nn import GATConv
    with seeded_torch(0, "gat"):
        mine = StarAttention(6, 5, heads=heads, dropout=0.0)
        theirs = GATConv(6, 5, heads=heads, edge_dim=1)
        nodes = torch.randn(3, 5, 6)
    theirs.lin.weight.data = mine.linear.weight.data
    theirs.lin_edge.weight.data = mine.edge.weight.data
    theirs.att_src.data, theirs.att_dst.data = mine.sender.data[None], mine.receiver.data[None]
    theirs.att_edge.data = mine.edge_attention.data[None]
    present = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 1, 0], [1, 0, 0, 0, 0]], dtype=torch.bool)
    weights = Stars(
        torch.zeros(3, 5).long(), present, torch.tensor([[10.0, 20, 5, 0.1], [7, 1, 9, 1], [1, 1, 1, 1]])
    ).weights()
    made = mine(nodes, present, weights)
    for graph in range(3):
        slots = torch.nonzero(present[graph])[:, 0]
        leaves = torch.arange(1, len(slots))
        edges = torch.stack([torch.cat([leaves, leaves * 0]), torch.cat([leaves * 0, leaves])])
        wanted = theirs(nodes[graph, slots], edges, weights[graph, slots[1:] - 1].repeat(2)[:, None])
        torch.testing.assert_close(made[graph, slots], wanted)


def test_edge_weights_are_inverse_distances_that_sum_to_one():
    stars = Stars(
        torch.zeros(1, 4).long(), torch.tensor([[True, True, True, False]]), torch.tensor([[0.0, 4.0, 9.0]])
    )
    torch.testing.assert_close(stars.weights(), torch.tensor([[0.8, 0.2, 0.0]]))


def test_distances_change_what_a_graph_says():
    model, nodes = net(), torch.randn(1, 4, DIM, generator=torch.Generator().manual_seed(0))
    present = torch.ones(1, 4, dtype=torch.bool)

    def at(distance):
        return model.local_graph(Stars(torch.zeros(1, 4).long(), present, torch.tensor([distance])), nodes)

    assert not torch.allclose(at([10.0, 10.0, 10.0]), at([1.0, 500.0, 500.0]), atol=1e-4)
    torch.testing.assert_close(at([10.0, 20.0, 40.0]), at([100.0, 200.0, 400.0]))


@pytest.mark.parametrize("readout", ["mean", "center"])
def test_empty_slots_change_nothing(readout):
    model = net(readout)
    nodes = torch.randn(2, 4, DIM, generator=torch.Generator().manual_seed(0))
    present = torch.tensor([[True, True, True, False], [True, False, False, False]])
    distance = torch.tensor([[3.0, 8.0, 1.0], [1.0, 1.0, 1.0]])
    made = model.local_graph(Stars(torch.zeros(2, 4).long(), present, distance), nodes)
    nodes[~present] = 1e3
    torch.testing.assert_close(
        made, model.local_graph(Stars(torch.zeros(2, 4).long(), present, distance * 1), nodes)
    )
    short = model.local_graph(
        Stars(torch.zeros(1, 3).long(), present[:1, :3], distance[:1, :2]), nodes[:1, :3]
    )
    torch.testing.assert_close(made[:1], short)


def test_unknown_readout_is_named():
    with pytest.raises(UnknownName, match="readout 'max'"):
        GraphEncoder(4, heads=1, head_dim=1, dropout=0.0, readout="max")


def test_a_tenth_of_the_neighbours_is_dropped_and_never_the_centre():
    present = np.zeros((5, 41), dtype=bool)
    for row, neighbours in enumerate((0, 9, 10, 29, 40)):
        present[row, : neighbours + 1] = True
    times = np.zeros(present.shape)
    for seed in range(200):
        dropped = draw_drops(present, np.random.default_rng(seed), share=0.1)
        assert dropped.sum(axis=1).tolist() == [0, 0, 1, 2, 4]
        assert not dropped[:, 0].any()
        assert not (dropped & ~present).any()
        times += dropped
    assert (times[4, 1:] > 5).all()


def test_modalities_are_drawn_uniformly_from_what_a_node_has():
    available = np.zeros((4000, 3, 3), dtype=bool)
    available[..., 0] = True
    available[:, 1, 2] = True
    available[:, 2, 1:] = True
    chosen = draw_modalities(available, np.ones((4000, 3), dtype=bool), np.random.default_rng(0))
    assert (chosen[:, 0] == 0).all()
    assert set(np.unique(chosen[:, 1])) == {0, 2}
    # Without the guarantee a half and a third would keep the text; in a sixth of the graphs one of the two is replaced after all.
    assert (chosen[:, 1] == 0).mean() == pytest.approx(1 / 2 - 1 / 12, abs=0.03)
    assert (chosen[:, 2] == 0).mean() == pytest.approx(1 / 3 - 1 / 12, abs=0.03)
    assert (chosen[:, 2] == 1).mean() == pytest.approx((chosen[:, 2] == 2).mean(), abs=0.04)


def test_at_least_one_node_is_replaced_where_one_can_be():
    rng = np.random.default_rng(3)
    available = np.stack([np.ones((500, 6), dtype=bool), rng.random((500, 6)) < 0.15], axis=2)
    present = rng.random((500, 6)) < 0.7
    present[:, 0] = True
    chosen = draw_modalities(available, present, rng)
    possible = (available[..., 1] & present).any(axis=1)
    assert (chosen.any(axis=1) == possible).all()
    assert not (chosen.astype(bool) & ~(available[..., 1] & present)).any()
    assert 0 < possible.sum() < 500


def trained_names(model, objective):
    wanted = {id(one) for group in objective.parameter_groups() for one in group["params"]}
    return {name for name, one in model.named_parameters() if id(one) in wanted}


@pytest.mark.parametrize(
    ("make", "shapes"), [(poi_objective, True), (local_objective, True), (local_objective, False)]
)
def test_gradients_reach_all_that_a_stage_trains_and_nothing_else(city, make, shapes):
    model = net()
    objective = make(city, model) if make is poi_objective else make(city, model, shapes=shapes)
    objective.loss(np.arange(12), np.random.default_rng(0)).backward()
    reached = {
        name for name, one in model.named_parameters() if one.grad is not None and bool(one.grad.any())
    }
    assert reached == trained_names(model, objective)
    parts = {name.split(".")[0] for name in reached}
    assert parts == (
        {"text"}
        if make is poi_objective
        else {"text", "local_graph"} | ({"image", "surface"} if shapes else set())
    )


def test_a_text_encoder_that_is_trained_gets_gradients_and_its_own_rate(city):
    with seeded_torch(0, "tuned"):
        encoder = load_text_encoder("hashing")
    texts = [f"amenity: kind{k}, name: place {k % 4}" for k in range(TEXTS)]
    with seeded_torch(0, "wide"):
        model = made_net(encoder.dim, heads=1, dropout=0.0, readout="mean")
    objective = poi_objective(city, model, texts=TunedTexts(encoder, texts, "cpu"))
    objective.loss(np.arange(8), np.random.default_rng(0)).backward()
    assert encoder.bag.weight.grad.any()
    assert [group["lr"] for group in objective.parameter_groups()] == [1e-2, 1e-3]
    assert objective.parameter_groups()[1]["params"] == [encoder.bag.weight]
    assert encoder in objective.modules()


def test_chunks_of_a_trained_encoder_give_the_gradients_of_one_pass(city):
    with seeded_torch(0, "tuned"):
        encoder = load_text_encoder("hashing")
    texts = [f"amenity: kind{k % 9}, name: place {k}" for k in range(150)]
    source = TunedTexts(encoder, texts, "cpu")
    source.rows(torch.arange(150)).square().sum().backward()
    chunked = encoder.bag.weight.grad.clone()
    encoder.zero_grad()
    encoder(encoder.tokenize(texts)).square().sum().backward()
    torch.testing.assert_close(chunked, encoder.bag.weight.grad)


@pytest.mark.parametrize("make", [poi_objective, local_objective])
def test_a_stage_learns_and_repeats_bit_by_bit(city, make):
    def trained():
        model = net(dropout=0.2)
        return train_stage(
            make(city, model), Schedule(batch=16, epochs=40, patience=99), seed=0
        ), model.state_dict()

    (stage, state), (again, same) = trained(), trained()
    assert stage.steps == again.steps
    assert all(torch.equal(state[name], same[name]) for name in state)
    assert np.mean(stage.steps[-5:]) < np.mean(stage.steps[:5]) - 0.1
    assert np.mean(stage.steps[-5:]) < stage.chance - 0.1


def test_shapes_are_half_picture_half_surface():
    model = net()
    features, surface = torch.randn(3, 4), torch.rand(3)
    wanted = torch.stack(
        [(model.image(f) + model.surface(s[None])) / 2 for f, s in zip(features, surface, strict=True)]
    )
    torch.testing.assert_close(model.encode_shape(features, surface), wanted)


def test_mean_by_group_is_the_mean_and_zero_without_members():
    vectors = torch.arange(8.0).reshape(4, 2)
    made = mean_by_group(vectors, torch.tensor([2, 0, 2, 2]), 3)
    torch.testing.assert_close(made, torch.stack([vectors[1], torch.zeros(2), vectors[[0, 2, 3]].mean(0)]))
