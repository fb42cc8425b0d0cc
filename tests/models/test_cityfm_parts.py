"""CityFM's losses against naive loops, its sampling against its rules, its trained parts against its claims."""

import math

import numpy as np
import pytest
import shapely
import torch

from urbanbench.models._cityfm.contexts import context_texts, route_counts
from urbanbench.models._cityfm.l_road import RoadObjective, pair_roads
from urbanbench.models._cityfm.l_shape import ShapeObjective, draw_footprints, footprints_by_text
from urbanbench.models._cityfm.l_text import TextObjective, draw_texts
from urbanbench.models._cityfm.net import CityNet, means, paired_loss
from urbanbench.toolkit.features._feature_rows import Frozen, TunedShapes, TunedTexts
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.ground.places import Places
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch

DIM, TEXTS, SHAPES, ROADS = 6, 20, 15, 30
NONE = TEXTS - 1


@pytest.fixture
def city():
    """Texts, footprints and contexts of roads, some without POIs, the last text of each being the one of no POI."""
    rng = np.random.default_rng(1)
    sizes = np.append(rng.integers(0, 6, ROADS - 2), [0, 3])
    member = [[*rng.integers(0, NONE, size), NONE] for size in sizes]
    return {
        "texts": Frozen(torch.from_numpy(rng.normal(size=(TEXTS, 5)).astype(np.float32))),
        "shapes": Frozen(torch.from_numpy(rng.normal(size=(SHAPES, 4)).astype(np.float32))),
        "surface": torch.from_numpy(rng.random(SHAPES).astype(np.float32)),
        "contexts": Groups(np.append(0, np.cumsum(sizes + 1)), np.concatenate(member).astype(np.int64)),
    }


def net(text=5, image=4):
    with seeded_torch(0, "test-net"):
        return CityNet(text, image, DIM)


def text_objective(city, model, texts=None, **options):
    options = {"leave_one_out": False, "mask_same_text": True, "chunk": 64} | options
    return TextObjective(
        model, texts or city["texts"], city["contexts"], temperature=0.5, lr=1e-2, device="cpu", **options
    )


def shape_objective(city, model, shapes=None, *, groups=None, chunk=64):
    made = torch.from_numpy(np.random.default_rng(4).normal(size=(TEXTS, DIM)).astype(np.float32))
    groups = groups or Groups(np.arange(0, SHAPES + 1, 3), np.arange(SHAPES))
    return ShapeObjective(
        model, shapes or city["shapes"], city["surface"], made[: len(groups)], groups,
        chunk=chunk, temperature=0.5, lr=1e-2, lr_backbone=1e-2, device="cpu",
    )  # fmt: skip


def road_objective(city, model, routes, texts=None, tolerance=0.02):
    return RoadObjective(
        model, texts or city["texts"], city["contexts"], routes,
        tolerance=tolerance, temperature=0.5, lr=1e-2, device="cpu",
    )  # fmt: skip


def naive_nt_xent(query, key, label=None, temperature=0.5):
    """Chen et al. 2020, Eq. 1, summed over both sides number by number; the same label makes no negatives."""
    both = [*query, *key]
    label = [*label, *label] if label is not None else [*range(len(query))] * 2
    n, total = len(query), 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)

        def score(j, i=i):
            cosine = float(both[i] @ both[j] / (both[i].norm() * both[j].norm()))
            return math.exp(cosine / temperature)

        below = sum(score(j) for j in range(2 * n) if j != i and (j == partner or label[j] != label[i]))
        total -= math.log(score(partner) / below)
    return total / (2 * n)


@pytest.mark.parametrize("leave_one_out", [False, True])
@pytest.mark.parametrize("mask_same_text", [False, True])
def test_text_loss_equals_a_loop_over_roads(city, leave_one_out, mask_same_text):
    model = net()
    objective = text_objective(city, model, leave_one_out=leave_one_out, mask_same_text=mask_same_text)
    anchors = np.array([3, 0, 7, 15, 11, 9])
    loss = objective.loss(anchors, np.random.default_rng(9))
    query, member, owner = draw_texts(
        objective.contexts, anchors, np.random.default_rng(9), leave_one_out=leave_one_out
    )
    features = city["texts"].features
    drawn = [model.encode_text(features[one][None])[0].detach() for one in query]
    whole = [
        model.encode_text(
            torch.stack([features[m] for m, o in zip(member, owner, strict=True) if o == k]).mean(0)[None]
        )[0].detach()
        for k in range(len(anchors))
    ]
    wanted = naive_nt_xent(drawn, whole, query if mask_same_text else None)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)


def test_among_n_pois_the_text_of_none_is_drawn_once_in_n_plus_one(city):
    contexts = Groups(np.array([0, 4, 5]), np.array([2, 7, 7, NONE, NONE]))
    anchors = np.repeat([0, 1], 4000)
    query, member, owner = draw_texts(contexts, anchors, np.random.default_rng(0), leave_one_out=False)
    shares = [np.mean(query[:4000] == one) for one in (2, 7, NONE)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert (query[4000:] == NONE).all()
    assert len(member) == 4000 * 5
    assert np.bincount(owner).tolist() == [4] * 4000 + [1] * 4000


def test_leaving_one_out_takes_the_drawn_text_away_once(city):
    contexts, anchors = city["contexts"].at_least(2), np.arange(12)
    query, member, owner = draw_texts(contexts, anchors, np.random.default_rng(3), leave_one_out=True)
    for row in range(12):
        everyone = contexts.member[contexts.start[row] : contexts.start[row + 1]].tolist()
        everyone.remove(query[row])
        assert sorted(member[owner == row]) == sorted(everyone)


def test_roads_without_others_to_compare_are_no_anchors_when_one_is_left_out(city):
    alone = int((city["contexts"].sizes == 1).sum())
    assert alone > 1
    assert text_objective(city, net()).n_anchors == ROADS
    assert text_objective(city, net(), leave_one_out=True).n_anchors == ROADS - alone


def test_shape_loss_equals_a_loop_over_texts(city):
    model, anchors = net(), np.array([4, 0, 2])
    objective = shape_objective(city, model)
    loss = objective.loss(anchors, np.random.default_rng(5))
    drawn = draw_footprints(objective.footprints, anchors, np.random.default_rng(5))
    shapes = [
        0.5 * (model.image(city["shapes"].features[one]) + model.surface(city["surface"][one][None])).detach()
        for one in drawn
    ]
    texts = [objective.text_vectors[one] for one in anchors]
    assert float(loss.detach()) == pytest.approx(naive_nt_xent(shapes, texts), rel=1e-5)
    assert objective.chance == pytest.approx(math.log(5))


def test_footprints_are_grouped_by_the_text_they_have():
    text, footprint = np.array([5, 2, 5, 5, 9, 2]), np.array([0, 1, 0, 3, -1, 3])
    texts, groups = footprints_by_text(text, footprint)
    assert texts.tolist() == [2, 5]
    assert [groups.member[a:b].tolist() for a, b in zip(groups.start, groups.start[1:], strict=False)] == [
        [1, 3],
        [0, 3],
    ]


def test_every_footprint_of_a_text_is_drawn():
    groups = Groups(np.array([0, 3, 4]), np.array([8, 2, 5, 7]))
    rng = np.random.default_rng(0)
    drawn = np.array([draw_footprints(groups, np.array([1, 0]), rng) for _ in range(3000)])
    assert set(drawn[:, 0]) == {7}
    counts = np.unique(drawn[:, 1], return_counts=True)
    assert counts[0].tolist() == [2, 5, 8]
    assert counts[1] == pytest.approx([1000, 1000, 1000], abs=120)


def naive_pairs(routes, reach):
    """Walk over the roads, pair each with the first after it that may, use each number of routes once."""
    used, pairs = set(), []
    for i, one in enumerate(routes):
        for j in range(i + 1, len(routes)):
            if one not in used and routes[j] not in used and abs(one - routes[j]) <= reach:
                pairs.append([i, j])
                used |= {one, routes[j]}
    return pairs


@pytest.mark.parametrize("reach", [0, 1, 3])
@pytest.mark.parametrize("most", [2, 6, 40])
def test_pairs_of_roads_equal_a_greedy_walk(reach, most):
    rng = np.random.default_rng(most + reach)
    for n in (0, 1, 2, 7, 60):
        routes = rng.integers(1, most + 1, n)
        assert pair_roads(routes, reach).tolist() == naive_pairs(routes.tolist(), reach)


def test_road_loss_equals_a_loop_over_pairs(city):
    model, rng = net(), np.random.default_rng(2)
    routes = rng.integers(1, 60, ROADS)
    anchors = rng.permutation(ROADS)[:20]
    objective = road_objective(city, model, routes)
    loss = objective.loss(anchors, rng)
    pairs = naive_pairs(routes[anchors].tolist(), int(0.02 * routes.max()))
    assert len(pairs) > 3
    contexts = city["contexts"]

    def vector(road):
        rows = contexts.member[contexts.start[road] : contexts.start[road + 1]]
        return model.encode_text(city["texts"].features[rows].mean(0)[None])[0].detach()

    one, other = zip(*[(vector(anchors[i]), vector(anchors[j])) for i, j in pairs], strict=True)
    assert float(loss.detach()) == pytest.approx(naive_nt_xent(one, other), rel=1e-5)
    assert objective.chance == pytest.approx(math.log(2 * len(pairs) - 1))


def test_roads_whose_shares_differ_by_exactly_the_tolerance_are_paired(city):
    routes = np.array([50, 49, 30, 29, 10, 8])
    assert road_objective(city, net(), routes).reach == 1
    assert pair_roads(routes, 1).tolist() == [[0, 1], [2, 3]]


def test_a_batch_with_one_pair_teaches_nothing_and_does_not_hang(city):
    model = net()
    objective = road_objective(city, model, np.tile([10, 20, 30], 10))
    loss = objective.loss(np.array([0, 3, 1]), np.random.default_rng(0))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert all(one.grad is None or not one.grad.any() for one in model.parameters())


def test_roads_that_form_fewer_than_two_pairs_are_no_anchors(city):
    assert road_objective(city, net(), np.full(ROADS, 4)).n_anchors == 0
    assert road_objective(city, net(), np.empty(0, dtype=np.int64)).n_anchors == 0
    assert road_objective(city, net(), np.tile([4, 40], ROADS // 2)).n_anchors == ROADS


def test_means_count_a_text_as_often_as_it_stands_there():
    features = torch.arange(8.0).view(4, 2)
    made = means(features, torch.tensor([1, 1, 3, 0]), torch.tensor([0, 0, 0, 1]), 2)
    torch.testing.assert_close(made, torch.stack([(2 * features[1] + features[3]) / 3, features[0]]))


def test_a_batch_is_cut_into_chunks_that_do_not_see_one_another():
    made = torch.Generator().manual_seed(0)
    query, key = (torch.randn(10, 4, generator=made) for _ in range(2))
    label = torch.tensor([0, 1, 0, 2, 2, 3, 4, 4, 4, 5])
    loss, chance = paired_loss(query, key, chunk=4, temperature=0.5, labels=label)
    cuts = [slice(0, 4), slice(4, 7), slice(7, 10)]
    parts = [naive_nt_xent(query[one], key[one], label[one].tolist()) for one in cuts]
    assert float(loss) == pytest.approx(np.average(parts, weights=[4, 3, 3]), rel=1e-5)
    same = torch.ones(10, 4)
    assert float(paired_loss(same, same, chunk=4, temperature=0.5, labels=label)[0]) == pytest.approx(chance)
    assert paired_loss(same, same, chunk=64, temperature=0.5)[1] == pytest.approx(math.log(19))


def test_each_stage_gives_a_gradient_to_all_it_trains_and_to_nothing_else(city):
    text = load_text_encoder("hashing")
    with seeded_torch(0, "encoders"):
        image = load_image_encoder("random-efficientnet-lite0")
    model = net(text.dim, image.dim)
    tuned = TunedTexts(text, [f"amenity: kind {row}" for row in range(TEXTS)], "cpu")
    made = {
        "text": text_objective(city, model, tuned),
        "shape": shape_objective(city, model, TunedShapes(image, boxes(SHAPES), size=16, device="cpu")),
        "road": road_objective(city, model, np.random.default_rng(2).integers(1, 60, ROADS), tuned),
    }
    claims = {
        "text": {"text", "words"},
        "shape": {"image", "surface", "pixels"},
        "road": {"text", "words"},
    }
    for name, objective in made.items():
        for module in (model, text, image):
            module.zero_grad()
        objective.loss(np.arange(objective.n_anchors), np.random.default_rng(0)).backward()
        parts = {
            "text": model.text,
            "image": model.image,
            "surface": model.surface,
            "words": text,
            "pixels": image,
        }
        reached = {part for part, module in parts.items() if all(_told(one) for one in module.parameters())}
        touched = {part for part, module in parts.items() if any(_told(one) for one in module.parameters())}
        assert reached == touched == claims[name], name
        trained = {id(one) for group in objective.parameter_groups() for one in group["params"]}
        assert trained == {id(one) for part in claims[name] for one in parts[part].parameters()}


def _told(parameter):
    return parameter.grad is not None and bool(parameter.grad.any())


def boxes(n):
    return shapely.box(0, 0, np.arange(1, n + 1) * 7.0, 10 + np.arange(n) ** 2)


def test_batch_statistics_stay_while_the_image_encoder_is_trained():
    with seeded_torch(0, "encoders"):
        image = load_image_encoder("random-efficientnet-lite0")
    tuned = TunedShapes(image, boxes(6), size=16, device="cpu")
    before = {name: one.clone() for name, one in image.named_buffers()}
    image.train()
    whole = tuned.rows(torch.tensor([4, 1, 2]))
    alone = tuned.rows(torch.tensor([1]))
    torch.testing.assert_close(whole[1:2], alone, atol=1e-5, rtol=1e-4)
    assert all(torch.equal(one, before[name]) for name, one in image.named_buffers())


def test_texts_behind_a_trained_encoder_come_in_the_order_asked_for():
    encoder = load_text_encoder("hashing")
    texts = ["word " * (1 + row * 7 % 11) + str(row) for row in range(150)]
    asked = torch.tensor([140, 3, 3, *range(90)])
    made = TunedTexts(encoder, texts, "cpu").rows(asked)
    wanted = encoder(encoder.tokenize([texts[row] for row in asked.tolist()]))
    torch.testing.assert_close(made, wanted, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("stage", ["text", "shape", "road"])
def test_training_lowers_each_loss(city, stage):
    model = net()
    rng = np.random.default_rng(0)
    made = {
        "text": lambda: text_objective(city, model, leave_one_out=True),
        "shape": lambda: shape_objective(
            city, model, groups=Groups(np.arange(SHAPES + 1), np.arange(SHAPES))
        ),
        "road": lambda: road_objective(city, model, np.sort(rng.integers(1, 40, ROADS)), tolerance=0.1),
    }[stage]()
    optimiser = torch.optim.Adam([dict(group) for group in made.parameter_groups()])
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = made.loss(np.arange(made.n_anchors), np.random.default_rng(0))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.1


def test_contexts_end_with_the_text_of_no_poi():
    places = Places(
        np.array(["a", "b", "c"], dtype=object), 3, np.zeros((3, 2)), np.zeros(3, dtype=np.int64),
        ("bank", "cafe", "context: none"), np.array([1, 0, 1]), np.empty(0, dtype=object), np.full(3, -1), np.empty(0, np.int64),
    )  # fmt: skip
    made = context_texts(Groups(np.array([0, 2, 2, 3]), np.array([0, 1, 2])), places)
    assert made.start.tolist() == [0, 3, 4, 6]
    assert made.member.tolist() == [1, 0, 2, 2, 1, 2]


def test_bus_routes_are_stated_or_listed():
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa

    tags = [
        [("highway", "primary"), ("bus_routes", "7")],
        [("route_ref", "12; 15;12;")],
        [("bus_routes", "3"), ("route_ref", "1;2")],
        [("highway", "service")],
        [("bus_routes", "many")],
    ]
    kind = pa.map_(pa.string(), pa.string())
    roads = gpd.GeoDataFrame({"tags": pd.Series(pa.array(tags, kind), dtype=pd.ArrowDtype(kind))})
    assert route_counts(roads).tolist() == [7, 2, 3, 0, 0]
