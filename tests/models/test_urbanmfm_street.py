"""Street views in UrbanMFM: sampling points, memory, gate, L_svi and local graphs with street views, against naive loops."""

import math
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
import torch
from torch import nn

from urbanbench.city.city import City
from urbanbench.errors import UnknownName
from urbanbench.models._urbanmfm import l_local, l_svi
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.l_local import SHAPE, STREET, LocalObjective, part
from urbanbench.models._urbanmfm.l_svi import SviObjective, candidates, draw_directions
from urbanbench.models._urbanmfm.memory import (
    DirectionGate,
    StreetMemory,
    sector_of,
    sector_vectors,
    street_vectors,
)
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stars import Stars, StarTable, draw_drops, draw_modalities
from urbanbench.models._urbanmfm.streets import DIRECTIONS, Streets, direction_of, gather_streets
from urbanbench.toolkit.features._feature_rows import Frozen, FrozenPictures
from urbanbench.toolkit.ground.neighbours import nearest_within
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule

DIM, PIXELS, WORDS = 6, 5, 4
TAU = 0.5


class SmallNet(nn.Module):
    """The parts of the model that street views pass through."""

    def __init__(self):
        super().__init__()
        self.text = nn.Sequential(nn.Linear(WORDS, DIM), nn.ReLU(), nn.Linear(DIM, DIM))
        self.image = nn.Linear(PIXELS, DIM)
        self.surface = nn.Linear(1, DIM)
        self.scene = nn.Linear(2 * DIM, DIM)
        self.street_gate = DirectionGate(DIM)
        self.local_graph = GraphEncoder(DIM, heads=2, head_dim=3, dropout=0.0, readout="mean")

    def encode_text(self, features):
        return self.text(features)

    def encode_image(self, features):
        return self.image(features)

    def encode_shape(self, features, surface):
        return 0.5 * (self.image(features) + self.surface(surface[:, None]))


class TunedStub:
    """Pictures that go through a module that is trained; remembers what was asked for."""

    def __init__(self, n):
        with seeded_torch(5, "stub"):
            self.encoder = nn.Linear(3, PIXELS)
            self.pixels = torch.randn(n, 3)
        self.dim, self.ok, self.asked = PIXELS, np.ones(n, dtype=bool), []

    def rows(self, index):
        self.asked.append(index.tolist())
        return self.encoder(self.pixels[index])

    def modules(self):
        return (self.encoder,)


def small_net():
    with seeded_torch(0, "street-net"):
        return SmallNet()


def random_streets(n, *, missing, seed=0, side=1000.0):
    """Points with their own pictures; `missing` is the share of absent directions, every point keeps one at least."""
    rng = np.random.default_rng(seed)
    present = rng.random((n, 4)) >= missing
    present[np.arange(n), rng.integers(0, 4, n)] = True
    picture = np.full((n, 4), -1)
    picture[present] = rng.permutation(present.sum())
    names = tuple(f"p{k}" for k in range(present.sum()))
    return Streets(rng.uniform(0, side, (n, 2)), names, picture, ((),) * n, np.full(n, -1))


def features(streets, seed=3):
    values = np.random.default_rng(seed).normal(size=(len(streets.pictures), PIXELS))
    return FrozenPictures(torch.from_numpy(values.astype(np.float32)))


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


# Sampling points


def view_of(rows, *, region_ids=("a", "b"), has=True):
    """Make a view whose street views are given as dicts with x, y and columns."""
    optional = (name for name in ("heading", "location_id") if any(name in row for row in rows))
    columns = ("image", *DIRECTIONS, *optional)
    frame = gpd.GeoDataFrame(
        {name: [row.get(name) for row in rows] for name in columns}
        | {"region_id": [row.get("region_id") for row in rows]},
        geometry=[shapely.Point(row["x"], row["y"]) for row in rows],
        index=[f"v{k}" for k in range(len(rows))],
        crs="EPSG:32632",
    )
    return SimpleNamespace(has=lambda name: has, street_views=frame, region_ids=region_ids)


def names(streets):
    return [[streets.pictures[one] if one >= 0 else None for one in row] for row in streets.picture]


def test_no_street_views_make_no_points():
    assert gather_streets(view_of([], has=False)) is None
    assert gather_streets(view_of([{"x": 0, "y": 0}])) is None


def test_views_with_four_pictures_stay_points_of_their_own():
    one = {"x": 5, "y": 6, "east": "e", "south": "s", "west": "w", "north": "n", "region_id": "b"}
    streets = gather_streets(view_of([one, {"x": 5, "y": 6, "south": "t", "north": "e"}]))
    assert names(streets) == [["e", "s", "w", "n"], [None, "t", None, "e"]]
    assert streets.xy.tolist() == [[5, 6], [5, 6]]
    assert streets.region.tolist() == [1, -1]
    assert streets.view_ids == (("v0",), ("v1",))
    assert len(streets.pictures) == 5


def test_views_with_several_pictures_are_not_merged():
    streets = gather_streets(
        view_of([{"x": 0, "y": 0, "east": "e", "south": "s"}, {"x": 0, "y": 0, "west": "w", "north": "n"}])
    )
    assert names(streets) == [["e", "s", None, None], [None, None, "w", "n"]]


def test_single_pictures_are_merged_by_place_and_turned_by_heading():
    rows = [
        {"x": 100, "y": 0, "image": "far", "heading": 181},
        {"x": 0, "y": 0, "image": "up", "heading": 359},
        {"x": 0.6, "y": 0.6, "image": "right", "heading": 100, "region_id": "a"},
        {"x": 0, "y": 1.5, "image": "other", "heading": 0},
        {"x": 0.2, "y": 0, "image": "left", "heading": 270, "west": "left"},
    ]
    streets = gather_streets(view_of(rows))
    assert names(streets) == [
        [None, "far", None, None], ["right", None, "left", "up"], [None, None, None, "other"]
    ]  # fmt: skip
    assert streets.view_ids == (("v0",), ("v1", "v2", "v4"), ("v3",))
    assert streets.xy.tolist() == [[100, 0], [0, 0], [0, 1.5]]


def test_a_row_of_near_places_does_not_grow_into_one_point():
    rows = [{"x": 0.8 * k, "y": 0, "image": f"i{k}", "heading": 90 * k % 360} for k in range(6)]
    streets = gather_streets(view_of(rows))
    assert streets.view_ids == (("v0", "v1"), ("v2", "v3"), ("v4", "v5"))


def test_a_second_picture_of_a_direction_opens_another_point():
    rows = [{"x": 0, "y": 0, "image": f"i{k}", "heading": h} for k, h in enumerate((0, 90, 10, 0))]
    streets = gather_streets(view_of(rows))
    assert names(streets) == [["i1", None, None, "i0"], [None, None, None, "i2"], [None, None, None, "i3"]]
    assert streets.view_ids == (("v0", "v1"), ("v2",), ("v3",))


def test_single_pictures_of_one_location_are_one_point_however_far_apart():
    rows = [
        {"x": 0, "y": 0, "image": "i0", "heading": 0, "location_id": "p", "region_id": "b"},
        {"x": 0, "y": 0, "image": "i1", "heading": 90, "location_id": "q"},
        {"x": 900, "y": 0, "image": "i2", "heading": 90, "location_id": "p", "region_id": "a"},
        {"x": 0, "y": 0, "image": "i3", "heading": 90},
        {"x": 0, "y": 0.5, "image": "i4", "heading": 180, "location_id": None},
        {"x": 0, "y": 0, "image": "i5", "heading": 0, "location_id": "p"},
        {"x": 0, "y": 0, "east": "i6", "west": "i7", "location_id": "p"},
    ]
    streets = gather_streets(view_of(rows))
    assert streets.view_ids == (("v0", "v2"), ("v5",), ("v1",), ("v3", "v4"), ("v6",))
    assert names(streets)[0] == ["i2", None, None, "i0"]
    assert streets.xy[0].tolist() == [0, 0]
    assert streets.region[0] == 1


def test_locations_may_be_numbers():
    rows = [
        {"x": 50 * k, "y": 0, "image": f"i{k}", "heading": 90 * k, "location_id": k // 2} for k in range(4)
    ]
    assert gather_streets(view_of(rows)).view_ids == (("v0", "v1"), ("v2", "v3"))


def test_pictures_without_a_heading_stand_in_the_east():
    rows = [{"x": 0, "y": 0, "image": "one"}, {"x": 0, "y": 0, "image": "two"}]
    assert names(gather_streets(view_of(rows))) == [["one", None, None, None], ["two", None, None, None]]


def test_headings_go_to_the_nearest_direction():
    heading = np.random.default_rng(0).uniform(0, 360, 400)
    centre = np.array([90.0, 180.0, 270.0, 0.0])
    apart = np.abs((heading[:, None] - centre + 180) % 360 - 180)
    assert direction_of(heading).tolist() == apart.argmin(axis=1).tolist()
    assert direction_of(np.array([0, 90, 180, 270, 360, 44.9, 45, np.nan])).tolist() == [
        3, 0, 1, 2, 3, 3, 0, 0
    ]  # fmt: skip


def test_toyville_gives_a_point_with_four_pictures_per_view(tiny_toyville):
    view = City.open(tiny_toyville).view({"street_view"})
    streets, frame = gather_streets(view), view.street_views
    assert streets.view_ids == tuple((one,) for one in frame.index)
    assert names(streets) == frame[list(DIRECTIONS)].to_numpy().tolist()
    assert [view.region_ids[one] for one in streets.region] == frame["region_id"].tolist()
    np.testing.assert_allclose(streets.xy, np.column_stack([frame.geometry.x, frame.geometry.y]))
    assert gather_streets(City.open(tiny_toyville).view({"poi"})) is None


# Memory


def test_sectors_equal_quarters_of_the_bearing():
    offset = np.random.default_rng(0).normal(size=(3000, 2))
    bearing = np.degrees(np.arctan2(offset[:, 0], offset[:, 1])) % 360
    wanted = [0 if 45 <= b < 135 else 1 if 135 <= b < 225 else 2 if 225 <= b < 315 else 3 for b in bearing]
    assert sector_of(offset).tolist() == wanted


@pytest.mark.parametrize("length", [1.0, 0.1, 333.3])
def test_sectors_are_exact_on_the_borders_and_around_north(length):
    steps = {
        (0, 1): 3, (1, 1): 0, (1, 0): 0, (1, -1): 1, (0, -1): 1, (-1, -1): 2, (-1, 0): 2, (-1, 1): 3,
        (1e-9, 1): 3, (-1e-9, 1): 3, (0, 0): 3,
    }  # fmt: skip
    offset = length * np.array(list(steps))
    assert sector_of(offset).tolist() == list(steps.values())


def test_memory_equals_a_loop_over_all_points():
    streets, rng = random_streets(80, missing=0.5), np.random.default_rng(1)
    xy = np.vstack([rng.uniform(0, 1000, (60, 2)), [[5000.0, 5000.0]]])
    ok = rng.random(len(streets.pictures)) < 0.6
    memory = StreetMemory(streets, xy, max_dist_m=150.0, cap=5, ok=ok)
    for row, place in enumerate(xy):
        near = []
        for point, centre in enumerate(streets.xy):
            distance = math.dist(place, centre)
            if distance <= 150.0 and any(one >= 0 and ok[one] for one in streets.picture[point]):
                bearing = math.degrees(math.atan2(place[0] - centre[0], place[1] - centre[1])) % 360
                near.append((distance, point, int((bearing - 45) // 90) % 4))
        near = sorted(near)[:5]
        assert memory.has[row] == bool(near)
        assert memory.point[row].tolist() == [one[1] for one in near] + [-1] * (5 - len(near))
        assert memory.sector[row, : len(near)].tolist() == [one[2] for one in near]
        wanted = [150.0 / (one[0] + 150.0) for one in near] + [0.0] * (5 - len(near))
        np.testing.assert_allclose(memory.nearness[row], wanted, rtol=1e-6)
    assert 0 < memory.has.sum() < 61
    assert (memory.picture[streets.picture >= 0] >= 0).tolist() == ok[
        streets.picture[streets.picture >= 0]
    ].tolist()


def naive_gate(gate, anchor, context):
    if anchor is None or context is None:
        return context if anchor is None else anchor
    both = torch.cat([anchor, context])
    logits = [
        float(both @ gate.weigh.weight[k].detach()) + float(gate.weigh.bias[k].detach()) for k in range(2)
    ]
    share = [math.exp(one) / sum(map(math.exp, logits)) for one in logits]
    return share[0] * anchor + share[1] * context


def naive_point(net, pictures, table, sector):
    """Eqs. 11 and 12 of one point."""
    seen = [net.image(pictures.features[one]).detach() if one >= 0 else None for one in table]
    others = [one for k, one in enumerate(seen) if k != sector and one is not None]
    return naive_gate(net.street_gate, seen[sector], sum(others) / len(others) if others else None)


def test_the_gate_weighs_anchor_and_context_or_takes_the_one_there_is():
    gate, rng = small_net().street_gate, np.random.default_rng(0)
    anchor, context = (torch.from_numpy(rng.normal(size=(6, DIM)).astype(np.float32)) for _ in range(2))
    has_anchor = torch.tensor([True, True, False, True, False, True])
    has_context = torch.tensor([True, False, True, True, True, True])
    made = gate(anchor, context, has_anchor, has_context)
    for k in range(6):
        wanted = naive_gate(
            gate, anchor[k] if has_anchor[k] else None, context[k] if has_context[k] else None
        )
        torch.testing.assert_close(made[k].detach(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_points_seen_from_a_side_equal_a_loop(missing):
    net, streets = small_net(), random_streets(30, missing=missing)
    pictures, sector = features(streets), np.random.default_rng(0).integers(0, 4, 30)
    made = sector_vectors(net, pictures, streets.picture, sector)
    for row in range(30):
        wanted = naive_point(net, pictures, streets.picture[row], sector[row])
        torch.testing.assert_close(made[row].detach(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prior", ["literal", "log"])
@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_street_vectors_equal_a_loop_over_equations_11_to_14(prior, missing):
    net, streets, rng = small_net(), random_streets(50, missing=missing), np.random.default_rng(2)
    pictures, xy = features(streets), rng.uniform(0, 1000, (40, 2))
    memory = StreetMemory(streets, xy, max_dist_m=250.0, cap=7)
    rows = rng.permutation(np.flatnonzero(memory.has))
    text = torch.from_numpy(rng.normal(size=(len(rows), DIM)).astype(np.float32))
    made = street_vectors(net, pictures, memory, rows, text, prior=prior, temperature=TAU).detach()
    for k, row in enumerate(rows):
        seen, logit = [], []
        distance = np.hypot(*(streets.xy - xy[row]).T)
        for point in [one for one in np.argsort(distance) if distance[one] <= 250.0][:7]:
            dx, dy = xy[row] - streets.xy[point]
            sector = int((math.degrees(math.atan2(dx, dy)) % 360 - 45) // 90) % 4
            seen.append(naive_point(net, pictures, streets.picture[point], sector))
            b, likeness = 250.0 / (distance[point] + 250.0), cosine(text[k], seen[-1])
            logit.append(likeness * b / TAU if prior == "literal" else likeness / TAU + math.log(b))
        share = [math.exp(one) / sum(map(math.exp, logit)) for one in logit]
        wanted = sum(a * b for a, b in zip(share, seen, strict=True))
        torch.testing.assert_close(made[k], wanted, rtol=1e-4, atol=1e-5)
    assert len({(memory.point[row] >= 0).sum() for row in rows}) > 2


def test_unknown_prior_is_named():
    streets = random_streets(3, missing=0.0)
    memory = StreetMemory(streets, streets.xy, max_dist_m=10.0)
    with pytest.raises(UnknownName, match="street prior 'flat'"):
        street_vectors(small_net(), features(streets), memory, np.arange(3), torch.ones(3, DIM), prior="flat")


def test_each_picture_is_encoded_once_however_many_places_see_it():
    streets, net = random_streets(20, missing=0.2), small_net()
    source = TunedStub(len(streets.pictures))
    memory = StreetMemory(
        streets, np.random.default_rng(0).uniform(0, 1000, (200, 2)), max_dist_m=2000.0, cap=16
    )
    street_vectors(net, source, memory, np.arange(200), torch.randn(200, DIM))
    (asked,) = source.asked
    assert len(asked) == len(set(asked))
    assert set(asked) == set(range(len(streets.pictures)))


# L_svi


def svi(streets, *, literal=False, scenes="all", net=None, pictures=None):
    rng = np.random.default_rng(8)
    scene = rng.integers(0, 3, len(streets))
    if scenes == "some":
        scene[rng.random(len(streets)) < 0.5] = -1
    text = torch.from_numpy(rng.normal(size=(3, WORDS)).astype(np.float32))
    known = scenes != "none"
    return SviObjective(
        net or small_net(), pictures or features(streets), streets, scene if known else None, text if known else None,
        literal=literal, temperature=TAU, lr=1e-2, lr_backbone=1e-3, device="cpu",
    )  # fmt: skip


def naive_svi(objective, anchors, pair):
    """Eq. 9 over all pictures of the batch, one pair of pictures at a time."""
    net, views = objective.net, {}
    for i, anchor in enumerate(anchors):
        for gamma in range(4):
            row = objective.picture[anchor, gamma]
            if row < 0:
                continue
            view = net.image(objective.pictures.features[row])
            if objective.scene is not None and objective.scene[anchor] >= 0:
                told = net.text(objective.scene_text[objective.scene[anchor]])
                view = net.scene(torch.cat([view, told]))
            views[i, gamma] = view.detach()
    total, counts = 0.0, []
    for i, (alpha, beta) in enumerate(pair):
        below, count = 0.0, 0
        for (j, gamma), view in views.items():
            if not objective.literal and j == i and gamma != beta:
                continue
            below += math.exp(cosine(views[i, alpha], view) / TAU)
            count += 1
        total -= math.log(math.exp(cosine(views[i, alpha], views[i, beta]) / TAU) / below) / len(anchors)
        counts.append(math.log(count))
    return total, sum(counts) / len(counts)


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("scenes", ["all", "some", "none"])
def test_svi_loss_equals_a_loop_over_equation_9(literal, missing, scenes):
    objective = svi(random_streets(30, missing=missing), literal=literal, scenes=scenes)
    anchors = np.array([4, 0, 9, 13, 2, 7])
    loss = float(objective.loss(anchors, np.random.default_rng(6)).detach())
    pair = draw_directions(objective.picture[anchors] >= 0, np.random.default_rng(6))
    wanted, chance = naive_svi(objective, anchors, pair)
    assert loss == pytest.approx(wanted, rel=1e-5)
    assert objective.chance == pytest.approx(chance, rel=1e-6)


@pytest.mark.parametrize("literal", [False, True])
def test_views_that_tell_nothing_have_the_loss_of_chance(literal):
    objective = svi(random_streets(40, missing=0.3), literal=literal, scenes="none")
    with torch.no_grad():
        objective.net.image.weight.zero_()
    loss = float(objective.loss(np.arange(16), np.random.default_rng(0)).detach())
    assert loss == pytest.approx(objective.chance, rel=1e-5)
    full = svi(random_streets(40, missing=0.0), literal=literal)
    full.loss(np.arange(16), np.random.default_rng(0))
    assert full.chance == pytest.approx(math.log(64 if literal else 61))


def test_anchors_are_points_with_two_pictures_that_can_be_opened():
    streets = random_streets(50, missing=0.6)
    pictures = features(streets)
    pictures.features[::5] = torch.nan
    pictures = FrozenPictures(pictures.features)
    objective = svi(streets, pictures=pictures)
    wanted = [[one if one >= 0 and one % 5 else -1 for one in row] for row in streets.picture.tolist()]
    assert objective.picture.tolist() == [row for row in wanted if sum(one >= 0 for one in row) >= 2]
    assert 0 < objective.n_anchors < 50
    assert math.isfinite(
        float(objective.loss(np.arange(objective.n_anchors), np.random.default_rng(0)).detach())
    )


def test_directions_are_drawn_uniformly_from_those_there_are():
    present = np.tile([True, True, False, True], (6000, 1))
    pair = draw_directions(present, np.random.default_rng(0))
    kinds, counts = np.unique(pair, axis=0, return_counts=True)
    assert kinds.tolist() == [[0, 1], [0, 3], [1, 0], [1, 3], [3, 0], [3, 1]]
    assert (np.abs(counts / 6000 - 1 / 6) < 0.02).all()


def test_candidates_of_the_own_point_are_the_positive_alone_unless_literal():
    present = np.array([[1, 1, 1, 1], [1, 0, 1, 0]], dtype=bool)
    pair = np.array([[1, 3], [0, 2]])
    assert candidates(present, pair, literal=False).astype(int).tolist() == [
        [0, 0, 0, 1, 1, 0, 1, 0], [1, 1, 1, 1, 0, 0, 1, 0]
    ]  # fmt: skip
    assert candidates(present, pair, literal=True).astype(int).tolist() == [[1, 1, 1, 1, 1, 0, 1, 0]] * 2


def reached(module):
    return {name for name, one in module.named_parameters() if one.grad is not None and bool(one.grad.any())}


def claimed(objective, module):
    wanted = {id(one) for group in objective.parameter_groups() for one in group["params"]}
    return {name for name, one in module.named_parameters() if id(one) in wanted}


@pytest.mark.parametrize("scenes", ["all", "none"])
def test_svi_gradients_reach_all_that_is_trained_and_not_the_text(scenes):
    streets = random_streets(30, missing=0.2)
    source = TunedStub(len(streets.pictures))
    objective = svi(streets, scenes=scenes, pictures=source)
    objective.loss(np.arange(12), np.random.default_rng(0)).backward()
    assert reached(objective.net) == claimed(objective, objective.net)
    assert {name.split(".")[0] for name in reached(objective.net)} == (
        {"image", "scene"} if scenes == "all" else {"image"}
    )
    assert reached(source.encoder) == {"weight", "bias"}
    assert [group["lr"] for group in objective.parameter_groups()] == [1e-2, 1e-3]
    assert [one for one in objective.modules() if one is source.encoder]


def test_training_brings_the_pictures_of_a_point_together():
    rng, n = np.random.default_rng(0), 240
    streets = Streets(
        rng.uniform(0, 1, (n, 2)),
        tuple(map(str, range(4 * n))),
        np.arange(4 * n).reshape(n, 4),
        ((),) * n,
        np.zeros(n),
    )
    place = rng.normal(size=(n, 1, PIXELS)) + 0.5 * rng.normal(size=(n, 4, PIXELS))
    pictures = FrozenPictures(torch.from_numpy(place.reshape(-1, PIXELS).astype(np.float32) + 4.0))
    objective = svi(streets, pictures=pictures, scenes="none")
    log = train_stage(objective, Schedule(batch=32, epochs=16), seed=0)
    assert log.best < log.checks[0][1] - 0.5
    assert np.mean(log.steps[-5:]) < math.log(1 + 31 * 4) - 0.8


# Local graphs


@pytest.fixture
def town():
    """Texts, footprints, streets and neighbours of 60 made-up POIs, 12 of them far from any street view."""
    rng, n = np.random.default_rng(1), 60
    streets, xy = random_streets(40, missing=0.3, side=600.0), rng.uniform(0, 600, (60, 2))
    xy[-12:] += 3000.0
    return SimpleNamespace(
        texts=Frozen(torch.from_numpy(rng.normal(size=(20, WORDS)).astype(np.float32))),
        shapes=Shapes(
            torch.from_numpy(rng.normal(size=(15, PIXELS)).astype(np.float32)),
            torch.linspace(0, 1, 15),
        ),
        text=rng.integers(0, 20, n),
        shape=np.where(rng.random(n) < 0.5, rng.integers(0, 15, n), -1),
        stars=StarTable(*nearest_within(xy, radius_m=200.0, cap=9)),
        pictures=features(streets),
        memory=StreetMemory(streets, xy, max_dist_m=200.0, cap=5),
    )


def local(town, *, shapes=True, memory=True, prior="literal", net=None):
    return LocalObjective(
        net or small_net(), town.texts, town.shapes if shapes else None, town.text, town.shape, town.stars,
        drop_share=0.1, temperature=TAU, direction="query_to_key", lr=1e-2, lr_new=1e-2, device="cpu",
        memory=town.memory if memory else None, pictures=town.pictures if memory else None, prior=prior,
    )  # fmt: skip


def naive_node(town, net, place, chosen, prior):
    text = net.encode_text(town.texts.features[town.text[place]][None])[0]
    if chosen == SHAPE:
        row = town.shape[place]
        return net.encode_shape(town.shapes.features[row][None], town.shapes.surface[row][None])[0]
    if chosen == STREET:
        return street_vectors(
            net, town.pictures, town.memory, np.array([place]), text[None], prior=prior, temperature=TAU
        )[0]
    return text


def naive_graph(town, net, star, chosen, prior):
    """Encode one graph node by node, its absent slots really left out."""
    slots = np.flatnonzero(star.present[0])
    nodes = [naive_node(town, net, int(star.node[0, slot]), int(chosen[slot]), prior) for slot in slots]
    small = Stars(star.node[:, slots], star.present[:, slots], star.distance_m[:, slots[1:] - 1])
    return net.local_graph(small, torch.stack(nodes)[None])[0].detach()


@pytest.mark.parametrize("shapes", [True, False])
@pytest.mark.parametrize("prior", ["literal", "log"])
def test_local_loss_with_street_views_equals_a_loop_over_graphs(town, shapes, prior):
    objective, anchors = local(town, shapes=shapes, prior=prior), np.array([0, 5, 9, 31, 50])
    loss = float(objective.loss(anchors, np.random.default_rng(2)).detach())
    stars = town.stars.take(anchors, "cpu")
    positive, chosen = objective.positives(stars, np.random.default_rng(2))
    assert (chosen == STREET).sum() > 3
    assert bool((chosen == SHAPE).any()) == shapes
    query, key = [], []
    for row in range(5):
        one, other = (part(graphs, slice(row, row + 1)) for graphs in (stars, positive))
        query.append(naive_graph(town, objective.net, one, torch.zeros_like(chosen[row]), prior))
        key.append(naive_graph(town, objective.net, other, chosen[row], prior))
    total = 0.0
    for i, text in enumerate(town.text[anchors]):
        same = [j for j, other in enumerate(town.text[anchors]) if j != i and other == text]
        below = sum(math.exp(cosine(query[i], key[j]) / TAU) for j in range(5) if j not in same)
        total -= math.log(math.exp(cosine(query[i], key[i]) / TAU) / below) / 5
    assert loss == pytest.approx(total, rel=1e-5)


def test_street_views_stand_only_for_pois_that_see_one(town):
    stars = town.stars.take(np.arange(60), "cpu")
    for seed in range(20):
        positive, chosen = local(town).positives(stars, np.random.default_rng(seed))
        assert town.memory.has[positive.node[chosen == STREET]].all()
        assert (chosen[~positive.present] == 0).all()
    assert not town.memory.has[-12:].any()


def test_without_a_memory_the_draws_are_those_of_text_and_shape(town):
    stars = town.stars.take(np.arange(30), "cpu")
    positive, chosen = local(town, memory=False).positives(stars, np.random.default_rng(4))
    rng, present = np.random.default_rng(4), stars.present.numpy()
    kept = present & ~draw_drops(present, rng, share=0.1)
    shaped = town.shape[stars.node.numpy()] >= 0
    wanted = draw_modalities(np.stack([np.ones_like(shaped), shaped], axis=2), kept, rng)
    assert (positive.present.numpy() == kept).all()
    assert (chosen.numpy() == wanted).all()


def test_a_memory_that_nobody_sees_is_none(town):
    streets = random_streets(5, missing=0.0)
    town.memory = StreetMemory(streets, np.full((60, 2), 1e6), max_dist_m=10.0)
    objective = local(town)
    assert objective.sight is None
    assert objective.modalities(np.arange(60)).shape == (60, 2)


@pytest.mark.parametrize(("shapes", "memory"), [(True, True), (False, True), (False, False)])
def test_local_gradients_reach_all_that_is_trained_and_nothing_else(town, shapes, memory):
    objective = local(town, shapes=shapes, memory=memory)
    objective.loss(np.arange(20), np.random.default_rng(0)).backward()
    assert reached(objective.net) == claimed(objective, objective.net)
    parts = {"text", "local_graph"} | ({"surface", "image"} if shapes else set())
    assert {name.split(".")[0] for name in reached(objective.net)} == parts | (
        {"image", "street_gate"} if memory else set()
    )


def made_in_parts(objective, n, monkeypatch, module):
    """Return the loss of a batch made alone, and made of one part when another process gives the rest."""
    rows, whole, parts = slice(5, 12), [], []

    def keeping(vectors):
        whole.append(vectors.detach())
        return vectors

    def filling(vectors):
        parts.append(vectors)
        given = whole[len(parts) - 1].clone()
        given[rows] = vectors
        return given

    monkeypatch.setattr(module, "gathered", keeping)
    alone = float(objective.loss(np.arange(n), np.random.default_rng(0)).detach())
    monkeypatch.setattr(module, "gathered", filling)
    monkeypatch.setattr(module, "own_part", lambda _: rows)
    shared = objective.loss(np.arange(n), np.random.default_rng(0))
    for one, other in zip(parts, whole, strict=True):
        torch.testing.assert_close(one.detach(), other[rows])
    return alone, float(shared.detach())


def test_a_process_encodes_its_part_of_the_graphs(town, monkeypatch):
    alone, shared = made_in_parts(local(town), 20, monkeypatch, l_local)
    assert alone == pytest.approx(shared, rel=1e-5)


def test_a_process_encodes_its_part_of_the_sampling_points(monkeypatch):
    alone, shared = made_in_parts(svi(random_streets(40, missing=0.0)), 20, monkeypatch, l_svi)
    assert alone == pytest.approx(shared, rel=1e-5)


def test_both_objectives_run_in_half_precision(town):
    for objective in (local(town), svi(random_streets(40, missing=0.2), scenes="some")):
        whole = float(objective.loss(np.arange(20), np.random.default_rng(0)).detach())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = objective.loss(np.arange(20), np.random.default_rng(0))
        half.backward()
        assert float(half.detach()) == pytest.approx(whole, abs=0.02)
