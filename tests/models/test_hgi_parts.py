"""HGI's net, losses and samples against loops over regions, categories and pairs."""

import math

import numpy as np
import pytest
import shapely
import torch
from torch_geometric.nn import GCNConv

from urbanbench.models._hgi.activation import PReLU
from urbanbench.models._hgi.categories import categories_of
from urbanbench.models._hgi.delaunay import delaunay_graph
from urbanbench.models._hgi.material import build_material
from urbanbench.models._hgi.negatives import NegativeRegions, coarse_vectors, similar_regions
from urbanbench.models._hgi.net import HGINet, Pooling, summarise_city
from urbanbench.models._hgi.objective import MutualInformation, pois_of, surprise
from urbanbench.models._hgi.places import Places
from urbanbench.models._hgi.propagation import as_tensor, normalised, propagate, spread_categories
from urbanbench.models._hgi.segments import Segments
from urbanbench.models._hgi.skipgram import (
    CategoryObjective,
    CategoryVectors,
    draw_negatives,
    never_together,
    pairwise_distances,
)
from urbanbench.models.hgi import HGI
from urbanbench.toolkit.ground.neighbours import Groups, adjacent_pairs
from urbanbench.toolkit.training import seeded_torch

SIZES = [4, 0, 1, 7, 3, 0, 5]
DIM, HEADS = 8, 2
KINDS = ("amenity=cafe", "amenity=bank", "shop=books", "shop=toys", "tourism=hotel")


@pytest.fixture(params=[100, 6, 1], ids=["one block", "some blocks", "blocks computed again"])
def city(request, monkeypatch):
    """Seven squares in a row, two of them without POIs, three POIs outside."""
    monkeypatch.setattr("urbanbench.models._hgi.blocks.MOST_POIS", request.param)
    if request.param == 1:
        monkeypatch.setattr("urbanbench.models._hgi.blocks.BLOCKS_KEPT", 2)
    rng = np.random.default_rng(5)
    region = np.concatenate([np.repeat(np.arange(7), SIZES), [-1, -1, -1]])
    xy = np.column_stack(
        [np.where(region < 0, 8, region) * 100 + rng.uniform(0, 90, 23), rng.uniform(0, 90, 23)]
    )
    words = np.array(KINDS)[rng.integers(0, 5, 23)]
    places = Places(
        np.arange(23).astype(object),
        np.zeros(23, dtype=bool),
        xy,
        np.zeros(2),
        region,
        categories_of(words, min_count=1),
        7,
    )
    graph = delaunay_graph(xy, region, cross=0.4, max_edge_m=None, rng=rng)
    shapes = shapely.box(np.arange(7) * 100.0, 0, np.arange(7) * 100.0 + 100, 100 + np.arange(7) * 10)
    table = rng.normal(size=(len(places.categories), 6)).astype(np.float32)
    material = build_material(HGI(), places, graph, table, shapes, seed=0, device="cpu")
    with seeded_torch(0, "test"):
        net = HGINet(6, DIM, HEADS)
        for one in net.parameters():
            one.data += 0.1 * torch.randn_like(one)
    return places, graph, shapes, table, material, net


def runs(vectors):
    ends = np.cumsum(SIZES)
    return [vectors[end - size : end] for size, end in zip(SIZES, ends, strict=True)]


def test_sums_and_softmax_of_runs_equal_a_loop_with_their_gradients():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(20, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    segments = Segments(np.array(SIZES), "cpu")
    wanted = torch.stack([one.sum(0) for one in runs(rows)])
    torch.testing.assert_close(segments.sum(rows), wanted)
    shares = torch.cat([torch.softmax(one, dim=0) for one in runs(rows)])
    torch.testing.assert_close(segments.softmax(rows), shares)
    weight = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    [fast] = torch.autograd.grad((segments.softmax(rows) * weight).sum(), rows)
    [slow] = torch.autograd.grad((shares * weight).sum(), rows)
    torch.testing.assert_close(fast, slow)
    few = torch.randn(7, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(segments.spread, few)
    assert torch.autograd.gradcheck(segments.sum, rows)


def test_the_activation_is_torchs_with_its_gradients():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(30, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    rows.data[::7] = 0
    own, known = PReLU(4).double(), torch.nn.PReLU(4).double()
    own.weight.data = known.weight.data = torch.tensor([0.25, 0.0, -0.5, 2.0], dtype=torch.float64)
    made, wanted = own(rows), known(rows)
    assert torch.equal(made, wanted)
    weight = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    fast = torch.autograd.grad((made * weight).sum(), [rows, own.weight])
    slow = torch.autograd.grad((wanted * weight).sum(), [rows, known.weight])
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other)


def pooled_by_loop(pool, pois):
    """The set transformer's pooling as published, one head and one POI after the other."""
    query = pool.query(pool.seed)[0]
    width = pool.width
    total = query.clone()
    for head in range(pool.heads):
        part = slice(head * width, (head + 1) * width)
        if len(pois):
            keys, values = pool.key(pois)[:, part], pool.value(pois)[:, part]
            scores = torch.stack([key @ query[part] for key in keys]) / math.sqrt(DIM)
            total[part] = total[part] + sum(
                w * v for w, v in zip(torch.softmax(scores, 0), values, strict=True)
            )
    return total + torch.relu(pool.out(total))


def test_pooling_equals_a_loop_over_regions():
    with seeded_torch(1, "test"):
        pool = Pooling(DIM, HEADS)
        pois = torch.randn(20, DIM)
    made = pool(pois, Segments(np.array(SIZES), "cpu"))
    wanted = torch.stack([pooled_by_loop(pool, one) for one in runs(pois)])
    torch.testing.assert_close(made, wanted)
    assert torch.equal(made[1], made[5])


def test_graph_convolutions_equal_the_librarys(city):
    _, graph, shapes, _, material, net = city
    features = material.table[material.category]
    edges = torch.from_numpy(np.stack([graph.rows, graph.neighbour]))
    layer = GCNConv(6, DIM)
    layer.lin.weight.data, layer.bias.data = net.poi_layer.weight.data, net.poi_layer.bias.data
    weights = torch.from_numpy(graph.rescaled()).float()
    torch.testing.assert_close(
        net.encode_pois(material.smoothed), net.poi_act(layer(features, edges, weights))
    )
    regions = GCNConv(DIM, DIM)
    regions.lin.weight.data, regions.bias.data = net.region_layer.weight.data, net.region_layer.bias.data
    pooled = torch.randn(7, DIM)
    pairs = torch.from_numpy(np.stack(adjacent_pairs(shapes, gap_m=1.0)))
    wanted = net.region_act(regions(pooled, pairs))
    torch.testing.assert_close(net.join(pooled, material.region_matrix), wanted)


def test_a_product_with_a_symmetric_matrix_has_its_gradient():
    row, column = np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1])
    matrix = normalised(row, column, np.array([0.5, 0.5, 2.0, 2.0]), 4)
    assert np.allclose(matrix.toarray(), matrix.toarray().T)
    tensor = as_tensor(matrix.astype(np.float64), "cpu")
    assert torch.autograd.gradcheck(
        lambda x: propagate(tensor, x), torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    )


def test_features_of_categories_spread_like_those_of_nodes():
    generator = np.random.default_rng(0)
    one, other = generator.integers(0, 30, (2, 90))
    matrix = normalised(np.r_[one, other], np.r_[other, one], generator.random(180), 30)
    category = torch.from_numpy(generator.integers(0, 5, 30))  # so few that a row names one twice
    table = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    wanted = torch.from_numpy(matrix.toarray()) @ table[category]
    torch.testing.assert_close(spread_categories(as_tensor(matrix, "cpu"), category, table), wanted)


def loss_by_loop(city, other, order, alpha):
    """HGI's loss region after region, with sigmoids and logarithms."""
    places, _, shapes, _, material, net = city
    features = material.table[material.category]
    dense = material.poi_matrix.to_dense()
    pois = net.poi_act(net.poi_layer(dense @ features))
    wrong_pois = net.poi_act(net.poi_layer(dense @ features[torch.from_numpy(order)]))
    of_region = [np.flatnonzero(places.region == k) for k in range(7)]
    matrix = material.region_matrix.to_dense()
    regions, wrong = (
        net.region_act(net.region_layer.bias + matrix @ torch.stack([pooled_by_loop(net.pooling, x[rows]) for rows in of_region]) @ net.region_layer.weight.T)
        for x in (pois, wrong_pois)
    )  # fmt: skip
    filled = [k for k in range(7) if len(of_region[k])]
    right, false = [], []
    for place, k in enumerate(filled):
        right += [torch.sigmoid(pois[i] @ net.poi_region @ regions[k]) for i in of_region[k]]
        false += [
            torch.sigmoid(pois[i] @ net.poi_region @ regions[k]) for i in of_region[filled[other[place]]]
        ]
    first = -torch.stack(right).log().mean() - (1 - torch.stack(false)).log().mean()
    area = np.array([shapes[k].area for k in filled])
    summary = torch.sigmoid(sum(a * regions[k] for a, k in zip(area / area.sum(), filled, strict=True)))
    true = torch.stack([torch.sigmoid(regions[k] @ net.region_city @ summary) for k in filled])
    fake = torch.stack([torch.sigmoid(wrong[k] @ net.region_city @ summary) for k in filled])
    return alpha * first + (1 - alpha) * (-true.log().mean() - (1 - fake).log().mean())


@pytest.mark.parametrize("alpha", [0.5, 0.2])
def test_the_loss_equals_a_loop_over_regions_with_its_gradients(city, alpha):
    material, net = city[4], city[5]
    objective = MutualInformation(net, material, alpha=alpha, lr=0.1)
    made = objective.loss(np.arange(5), np.random.default_rng(9))
    rng = np.random.default_rng(9)
    order = rng.permutation(23)
    wanted = loss_by_loop(city, material.negatives.draw(rng), order, alpha)
    torch.testing.assert_close(made, wanted)
    names = [name for name, _ in net.named_parameters()]
    fast, slow = (torch.autograd.grad(one, list(net.parameters())) for one in (made, wanted))
    for name, one, other in zip(names, fast, slow, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
        assert one.abs().max() > 0, name


def test_gradients_repeat_bit_by_bit(city):
    objective = MutualInformation(city[5], city[4], alpha=0.5, lr=0.1)

    def gradients():
        loss = objective.loss(np.arange(5), np.random.default_rng(2))
        return torch.autograd.grad(loss, list(city[5].parameters()))

    first = gradients()
    assert all(torch.equal(a, b) for _ in range(5) for a, b in zip(first, gradients(), strict=True))


def test_the_loss_of_discriminators_that_tell_nothing_is_the_chance_stated(city):
    net = city[5]
    net.poi_region.data.zero_()
    net.region_city.data.zero_()
    objective = MutualInformation(net, city[4], alpha=0.3, lr=0.1)
    assert float(objective.loss(np.arange(5), np.random.default_rng(0)).detach()) == pytest.approx(
        objective.chance
    )


def test_surprise_is_the_logarithm_with_its_gradient_until_there_is_nothing_left_to_learn():
    scores = torch.tensor([-200.0, -3.0, 0.0, 2.0, 39.0, 41.0, 95.0], requires_grad=True)
    made = surprise(scores)
    wanted = -torch.sigmoid(scores.detach().double()).log()
    torch.testing.assert_close(made.double(), wanted, atol=1e-16, rtol=1e-6)
    [gradient] = torch.autograd.grad(made.sum(), scores)
    torch.testing.assert_close(
        gradient.double(), torch.sigmoid(scores.detach().double()) - 1, atol=1e-16, rtol=1e-6
    )
    assert gradient[-2:].eq(0).all()


def test_wrong_pois_are_all_pois_of_the_chosen_regions():
    start, sizes = np.array([0, 4, 5]), np.array([4, 1, 7])
    assert pois_of(start, sizes, np.array([2, 0, 2])).tolist() == [*range(5, 12), *range(4), *range(5, 12)]


def test_blocks_hold_all_regions_and_pois_in_order(city):
    blocks = city[4].blocks
    assert [row for block in blocks for row in range(7)[block.regions]] == list(range(7))
    assert [row for block in blocks for row in range(20)[block.pois]] == list(range(20))
    for block in blocks:
        assert block.segments.sizes.tolist() == SIZES[block.regions]


def test_the_city_is_the_squashed_mean_by_area():
    regions = torch.tensor([[1.0, -2.0], [3.0, 0.0]])
    torch.testing.assert_close(
        summarise_city(regions, torch.tensor([0.25, 0.75])), torch.sigmoid(torch.tensor([2.5, -0.5]))
    )


def test_negatives_are_other_regions_and_similar_ones_as_often_as_asked():
    count = 6
    similar = Groups.from_pairs(np.array([0, 0, 3]), np.array([2, 5, 1]), count)
    rng = np.random.default_rng(0)
    drawn = np.stack([NegativeRegions(similar, 0.25).draw(rng) for _ in range(8000)])
    shares = np.stack([np.bincount(column, minlength=count) for column in drawn.T]) / len(drawn)
    wanted = np.full((count, count), 0.2)
    wanted[0] = 0.75 / 5 + np.array([0, 0, 0.125, 0, 0, 0.125])
    wanted[3] = 0.75 / 5 + np.array([0, 0.25, 0, 0, 0, 0])
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(shares, wanted, atol=0.025)
    hard = np.stack([NegativeRegions(similar, 1.0).draw(rng) for _ in range(100)])
    assert set(hard[:, 0].tolist()) == {2, 5}
    assert set(hard[:, 3].tolist()) == {1}


def test_similar_regions_have_a_cosine_between_the_bounds(monkeypatch):
    vectors = np.random.default_rng(1).random((40, 6)).astype(np.float32) ** 3
    made = similar_regions(vectors, 0.6, 0.8, np.random.default_rng(0))
    for row in range(40):
        cosines = [
            float(vectors[row] @ one / np.linalg.norm(vectors[row]) / np.linalg.norm(one)) for one in vectors
        ]
        wanted = [k for k, cosine in enumerate(cosines) if 0.6 < cosine < 0.8 and k != row]
        assert made.take(np.array([row]))[0].tolist() == wanted
    monkeypatch.setattr("urbanbench.models._hgi.negatives.MOST_COMPARED", 10)
    fewer = similar_regions(vectors, 0.6, 0.8, np.random.default_rng(0))
    assert len(np.unique(fewer.member)) <= 10
    assert all(set(fewer.take(np.array([k]))[0]) <= set(made.take(np.array([k]))[0]) for k in range(40))


def test_coarse_vectors_are_shares_of_both_levels(city):
    places = city[0]
    full = np.searchsorted([0, 2, 3, 4, 6], places.region)
    made = coarse_vectors(np.where(places.region < 0, -1, full), places.categories, 5)
    for row, region in enumerate([0, 2, 3, 4, 6]):
        kinds = places.categories.of_place[places.region == region]
        first = np.bincount(places.categories.parent[kinds], minlength=made.shape[1] - len(places.categories))
        second = np.bincount(kinds, minlength=len(places.categories))
        np.testing.assert_allclose(made[row], np.concatenate([first, second]) / len(kinds), rtol=1e-6)


WALKS = np.array([[0, 1, 1], [0, 2, -1], [1, 0, 3], [2, 2, 2], [3, 0, 1]])


def test_negatives_of_skip_gram_never_occur_with_their_target():
    never = never_together(WALKS, 4)
    assert [set(never.take(np.array([k]))[0].tolist()) for k in range(4)] == [
        {0, 3},
        {1, 2},
        {0, 1, 3},
        {2, 3},
    ]
    drawn = draw_negatives(never, np.array([0, 2] * 500), 7, np.random.default_rng(0))
    assert drawn.shape == (1000, 7)
    assert set(drawn[::2].ravel().tolist()) == {0, 3}
    assert np.bincount(drawn[1::2].ravel()) / 3500 == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3], abs=0.03)


def test_a_category_that_occurs_with_all_has_any_other_as_a_negative():
    never = never_together(np.array([[0, 0], [0, 1], [0, 2], [1, 0]]), 3)
    assert never.take(np.array([0]))[0].tolist() == [1, 2]


def test_the_category_loss_equals_a_loop_over_pairs():
    categories = categories_of(["amenity=cafe", "amenity=bank", "shop=books", "shop=toys"], min_count=1)
    with seeded_torch(0, "test"):
        vectors = CategoryVectors(4, 5)
    objective = CategoryObjective(
        vectors, categories, WALKS, negatives=3, hierarchy=0.7, lr=0.1, device="cpu"
    )
    anchors = np.array([1, 4, 2])
    made = objective.loss(anchors, np.random.default_rng(3))
    wrong = draw_negatives(objective.never, WALKS[anchors, 0], 6, np.random.default_rng(3))
    total, terms = torch.zeros(()), 0
    for place, anchor in enumerate(anchors):
        target = vectors.target[WALKS[anchor, 0]]
        for step, context in enumerate(WALKS[anchor, 1:]):
            if context >= 0:
                total = total - torch.sigmoid(target @ vectors.context[context]).log()
                for one in wrong[place, 3 * step : 3 * step + 3]:
                    total = total - (1 - torch.sigmoid(target @ vectors.context[one])).log()
                terms += 4
    for i in range(4):
        for j in range(i + 1, 4):
            if categories.parent[i] == categories.parent[j]:
                total = total + 3 * 0.35 * (vectors.target[i] - vectors.target[j]).square().sum()
    torch.testing.assert_close(made, total / 3)
    assert objective.chance == pytest.approx(terms / 3 * math.log(2))
    gradients = torch.autograd.grad(made, list(vectors.parameters()))
    assert all(one.abs().max() > 0 for one in gradients)


def test_pairwise_distances_within_groups():
    vectors = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    group = [0, 1, 0, 0, 1, 2]
    members = torch.eye(3)[group].T
    wanted = sum(
        (vectors[i] - vectors[j]).square().sum() for i in range(6) for j in range(i) if group[i] == group[j]
    )
    torch.testing.assert_close(pairwise_distances(vectors, members), wanted)
