"""The global objective against naive loops; adjacent regions and trips against brute force; POIs fused one by one."""

import math
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import torch
from torch import nn

from urbanbench.errors import BadInput
from urbanbench.models._urbanmfm.adjacent import adjacent_regions
from urbanbench.models._urbanmfm.flows import Flows, flow_features
from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.l_global import MACRO, MICRO, TRIPS, GlobalObjective
from urbanbench.models._urbanmfm.memory import DirectionGate
from urbanbench.models._urbanmfm.micro import MicroEncoder, draw_pois, pois_by_region
from urbanbench.models._urbanmfm.net import Projection
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stars import Stars, StarTable
from urbanbench.toolkit.features._feature_rows import Frozen, FrozenPictures
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule

DIM, PLACES, TEXTS, SHAPES, REGIONS, PICTURES = 8, 90, 20, 15, 40, 25


class Net(nn.Module):
    """The parts the global objective needs."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.text, self.surface, self.flow = Projection(5, DIM), Projection(1, DIM), Projection(3, DIM)
        self.image, self.street_gate = nn.Linear(4, DIM), DirectionGate(DIM)
        self.fuse_street, self.fuse_shape, self.fuse_flow = (
            Fusion(DIM, heads=2, dropout=dropout) for _ in range(3)
        )
        self.global_graph = GraphEncoder(DIM, heads=3, head_dim=2, dropout=dropout, readout="mean")

    def encode_text(self, features):
        return self.text(features)

    def encode_shape(self, features, surface):
        return 0.5 * (self.image(features) + self.surface(surface[:, None]))


def test_new_parts_have_a_rate_of_their_own(city):
    model = net()
    objective = objective_of(city, model)
    objective.lr, objective.lr_new = 1e-4, 1e-3
    rate = {id(one): group["lr"] for group in objective.parameter_groups() for one in group["params"]}
    new = (
        model.fuse_street,
        model.fuse_shape,
        model.fuse_flow,
        model.street_gate,
        model.global_graph,
        model.flow,
    )
    assert {rate[id(one)] for part in new for one in part.parameters() if id(one) in rate} == {1e-3}
    known = (model.text, model.image, model.surface)
    assert {rate[id(one)] for part in known for one in part.parameters() if id(one) in rate} == {1e-4}


def net(dropout=0.0):
    with seeded_torch(0, "test-net"):
        return Net(dropout)


@pytest.fixture
def city():
    """40 regions, 30 of them with a picture and about as many with POIs and with trips; one picture is broken."""
    rng = np.random.default_rng(1)
    features = torch.from_numpy(rng.normal(size=(PICTURES, 4)).astype(np.float32))
    features[7] = torch.nan
    picture = np.where(rng.random(REGIONS) < 0.75, rng.integers(0, PICTURES, REGIONS), -1)
    picture[3] = 7
    corner = rng.uniform(0, 700, (REGIONS, 2))
    squares = shapely.box(*corner.T, *(corner + 90).T)
    stars = adjacent_regions(gpd.GeoDataFrame(geometry=squares), gap_m=30.0, cap=5)
    region = np.where(rng.random(PLACES) < 0.9, rng.integers(0, REGIONS - 8, PLACES), -1)
    trips = rng.random(REGIONS) < 0.6
    return {
        "texts": Frozen(torch.from_numpy(rng.normal(size=(TEXTS, 5)).astype(np.float32))),
        "shapes": Shapes(torch.from_numpy(rng.normal(size=(SHAPES, 4)).astype(np.float32)), torch.rand(SHAPES)),
        "text": rng.integers(0, TEXTS, PLACES),
        "shape": np.where(rng.random(PLACES) < 0.5, rng.integers(0, SHAPES, PLACES), -1),
        "has_street": rng.random(PLACES) < 0.5,
        "scene": torch.from_numpy(rng.normal(size=(PLACES, 4)).astype(np.float32)),
        "region": region,
        "pois": pois_by_region(region, REGIONS),
        "pictures": FrozenPictures(features),
        "picture": picture,
        "stars": stars,
        "flows": Flows(np.where(trips[:, None], rng.normal(size=(REGIONS, 3)), 0).astype(np.float32), trips, np.zeros((2, 3))),
    }  # fmt: skip


def micro_of(city, model, *, street=True, shapes=True):
    def seen(rows, text):
        """Stand-in for the street-view memory: a picture of the POI's own, mixed with its text by the direction gate."""
        assert city["has_street"][rows].all()
        assert text.shape == (len(rows), DIM)
        known = torch.ones(len(rows), dtype=torch.bool)
        return model.street_gate(model.image(city["scene"][rows]), text, known, known)

    return MicroEncoder(
        model, city["texts"], city["shapes"] if shapes else None, city["text"], city["shape"],
        street=seen if street else None, has_street=city["has_street"] if street else None, device="cpu",
    )  # fmt: skip


def objective_of(city, model, *, flows=True, cap=4, direction="both", **parts):
    return GlobalObjective(
        model, micro_of(city, model, **parts), city["pois"], city["pictures"], city["picture"], city["stars"],
        city["flows"] if flows else None, cap=cap, temperature=0.5, direction=direction, lr=1e-2, lr_new=1e-2, device="cpu",
    )  # fmt: skip


def scaled(vector):
    return vector / vector.norm()


def one_poi(city, model, place):
    """E_j of a POI whose streets and footprint may be seen."""
    text = made = model.encode_text(city["texts"].features[city["text"][place]][None])
    if city["has_street"][place]:
        known = torch.ones(1, dtype=torch.bool)
        street = model.street_gate(model.image(city["scene"][place][None]), text, known, known)
        made = model.fuse_street(made, street)
    row = city["shape"][place]
    if row >= 0:
        shape = (
            model.image(city["shapes"].features[row]) + model.surface(city["shapes"].surface[row][None])
        ) / 2
        made = model.fuse_shape(made, shape[None])
    return scaled(made[0].detach())


def one_node(city, model, region, what, drawn, *, flows):
    """Vector of one node of a graph."""
    trips = model.flow(torch.from_numpy(city["flows"].features[region])[None])
    if what == MACRO:
        return scaled(model.image(city["pictures"].features[city["picture"][region]])).detach()
    if what == TRIPS:
        return scaled(trips[0].detach())
    made = torch.stack([one_poi(city, model, place) for place in drawn[region]]).mean(0)
    if flows and city["flows"].has[region]:
        made = model.fuse_flow(made[None], trips)[0].detach()
    return scaled(made)


def one_graph(city, model, star, chosen, drawn, *, flows):
    """Encode one graph node by node, its absent slots really left out."""
    slots = np.flatnonzero(star.present[0])
    nodes = [one_node(city, model, int(star.node[0, s]), chosen[s], drawn, flows=flows) for s in slots]
    small = Stars(star.node[:, slots], star.present[:, slots], star.distance_m[:, slots[1:] - 1])
    return model.global_graph(small, torch.stack(nodes)[None])[0].detach()


def naive_info_nce(query, key, picture):
    """Mean over both directions; graphs whose centres show the same picture are no negatives."""
    total = chance = 0.0
    for a, b in ((query, key), (key, query)):
        for i in range(len(a)):
            likeness = [math.exp(float(scaled(a[i]) @ scaled(one)) / 0.5) for one in b]
            counted = [one for j, one in enumerate(likeness) if j == i or picture[j] != picture[i]]
            total -= math.log(likeness[i] / sum(counted)) / len(a) / 2
            chance += math.log(len(counted)) / len(a) / 2
    return total, chance


@pytest.mark.parametrize("flows", [False, True])
def test_global_loss_equals_a_loop_over_graphs(city, flows):
    model = net()
    objective = objective_of(city, model, flows=flows)
    anchors = np.arange(objective.n_anchors)[::2]
    loss = objective.loss(anchors, np.random.default_rng(5))
    stars, chosen, place, owner = objective.draw(anchors, np.random.default_rng(5))
    drawn = {int(region): place[owner == region] for region in np.unique(owner)}
    originals, copies = [], []
    for row, region in enumerate(objective.anchors[anchors]):
        star = Stars(stars.node[row : row + 1], stars.present[row : row + 1], stars.distance_m[row : row + 1])
        assert star.node[0, 0] == region
        kept = np.zeros(chosen.shape[1], dtype=int)
        originals.append(one_graph(city, model, star, kept, drawn, flows=flows))
        copies.append(one_graph(city, model, star, chosen[row], drawn, flows=flows))
    assert set(np.unique(chosen)) == ({MACRO, MICRO, TRIPS} if flows else {MACRO, MICRO})
    picture = city["picture"][objective.anchors[anchors]]
    assert len(set(picture.tolist())) < len(picture)
    wanted, chance = naive_info_nce(originals, copies, picture)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert objective.chance == pytest.approx(chance)


def test_a_city_with_one_picture_for_all_regions_has_no_anchors(city):
    city["picture"] = np.where(city["picture"] >= 0, 4, -1)
    assert objective_of(city, net()).n_anchors == 0


def test_anchors_are_the_seen_regions_where_something_can_be_replaced(city):
    objective = objective_of(city, net(), flows=False)
    seen = (city["picture"] >= 0) & (city["picture"] != 7)
    wanted = []
    for region in np.flatnonzero(seen):
        nodes = [region, *(one for one in city["stars"].neighbour[region] if one >= 0 and seen[one])]
        if any((city["region"] == one).any() for one in nodes):
            wanted.append(region)
    assert objective.anchors.tolist() == wanted
    assert 0 < len(wanted) < seen.sum() < REGIONS


def test_graphs_hold_only_regions_with_a_sound_picture_and_replacements_they_have(city):
    objective = objective_of(city, net())
    times = np.zeros(3)
    for seed in range(50):
        stars, chosen, place, owner = objective.draw(
            np.arange(objective.n_anchors), np.random.default_rng(seed)
        )
        node, present = stars.node.numpy(), stars.present.numpy()
        assert (city["picture"][node[present]] >= 0).all()
        assert (city["picture"][node[present]] != 7).all()
        assert (chosen[~present] == MACRO).all()
        assert (city["pois"].sizes[node[chosen == MICRO]] > 0).all()
        assert city["flows"].has[node[chosen == TRIPS]].all()
        assert (chosen != MACRO).any(axis=1).all()
        assert np.unique(owner).tolist() == np.unique(node[chosen == MICRO]).tolist()
        assert len(set(place.tolist())) == len(place)
        both = (city["pois"].sizes[node] > 0) & city["flows"].has[node] & present
        times += np.bincount(chosen[both], minlength=3)
    assert times[MICRO] / times.sum() == pytest.approx(times[TRIPS] / times.sum(), abs=0.03)
    assert 0.25 < times[MACRO] / times.sum() < 1 / 3


def trained_names(model, objective):
    wanted = {id(one) for group in objective.parameter_groups() for one in group["params"]}
    return {name for name, one in model.named_parameters() if id(one) in wanted}


@pytest.mark.parametrize("flows", [False, True])
@pytest.mark.parametrize("street", [False, True])
@pytest.mark.parametrize("shapes", [False, True])
def test_gradients_reach_all_that_the_stage_trains_and_nothing_else(city, flows, street, shapes):
    model = net()
    objective = objective_of(city, model, flows=flows, street=street, shapes=shapes)
    objective.loss(np.arange(objective.n_anchors), np.random.default_rng(0)).backward()
    reached = {
        name for name, one in model.named_parameters() if one.grad is not None and bool(one.grad.any())
    }
    assert reached == trained_names(model, objective)
    assert {name.split(".")[0] for name in reached} == (
        {"text", "image", "global_graph"}
        | ({"flow", "fuse_flow"} if flows else set())
        | ({"street_gate", "fuse_street"} if street else set())
        | ({"surface", "fuse_shape"} if shapes else set())
    )
    assert len(objective.modules()) == len({id(one) for one in objective.modules()})


def test_the_stage_learns_and_repeats_bit_by_bit(city):
    def trained():
        model = net(dropout=0.2)
        objective = objective_of(city, model, cap=3)
        return train_stage(objective, Schedule(batch=16, epochs=60, patience=99), seed=0), model.state_dict()

    (stage, state), (again, same) = trained(), trained()
    assert stage.steps == again.steps
    assert all(torch.equal(state[name], same[name]) for name in state)
    assert np.mean(stage.steps[-5:]) < np.mean(stage.steps[:5]) - 0.1
    assert np.mean(stage.steps[-5:]) < stage.chance - 0.1


def test_mixed_precision_gives_nearly_the_same_loss_and_gradients(city):
    model = net()
    objective, anchors = objective_of(city, model), np.arange(20)
    exact = float(objective.loss(anchors, np.random.default_rng(0)).detach())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = objective.loss(anchors, np.random.default_rng(0))
    assert float(loss.detach()) == pytest.approx(exact, abs=0.02)
    loss.backward()
    assert model.fuse_street.gate.weight.grad.any()


def test_pois_are_fused_from_what_they_have(city):
    model, rows = net(), np.array([5, 88, 5, *range(40)])
    made = micro_of(city, model).vectors(rows)
    kinds = {(bool(city["has_street"][row]), bool(city["shape"][row] >= 0)) for row in rows}
    assert len(kinds) == 4
    for place, row in enumerate(rows):
        torch.testing.assert_close(made[place].detach(), one_poi(city, model, row), rtol=1e-4, atol=1e-6)


def test_a_region_is_the_mean_of_its_pois(city):
    model = net()
    micro = micro_of(city, model)
    made = micro.means(np.array([4, 9, 11, 30]), np.array([2, 0, 2, 2]), 3).detach()
    alone = [one_poi(city, model, place) for place in (4, 9, 11, 30)]
    torch.testing.assert_close(made[0], alone[1])
    torch.testing.assert_close(made[2], torch.stack([alone[0], *alone[2:]]).mean(0))
    assert not made[1].any()


def test_drawn_pois_are_capped_distinct_and_from_their_region():
    region = np.array([0] * 10 + [2] * 3 + [-1] * 4 + [3])
    groups = pois_by_region(region, 5)
    assert groups.sizes.tolist() == [10, 0, 3, 1, 0]
    times = np.zeros(len(region))
    for seed in range(400):
        place, owner = draw_pois(groups, np.array([2, 0, 4, 3]), np.random.default_rng(seed), cap=5)
        assert np.bincount(owner, minlength=4).tolist() == [3, 5, 0, 1]
        assert len(set(place.tolist())) == 9
        assert region[place].tolist() == np.array([2, 0, 4, 3])[owner].tolist()
        np.add.at(times, place, 1)
    assert (np.abs(times[:10] - 200) < 50).all()


def blocks(n=60):
    """Rotated rectangles, some overlapping, some far from all others."""
    rng = np.random.default_rng(4)
    shapes = [
        shapely.affinity.rotate(shapely.box(x, y, x + w, y + h), angle)
        for x, y, w, h, angle in zip(
            *rng.uniform(0, 3000, (2, n)), *rng.uniform(20, 300, (2, n)), rng.uniform(0, 90, n), strict=True
        )
    ]
    return gpd.GeoDataFrame(geometry=[*shapes, shapely.box(9e4, 9e4, 9.1e4, 9.1e4)])


@pytest.mark.parametrize(("gap_m", "cap"), [(100.0, 16), (0.0, 16), (400.0, 3)])
def test_adjacent_regions_are_those_within_the_gap_nearest_centres_first(gap_m, cap):
    frame = blocks()
    table = adjacent_regions(frame, gap_m=gap_m, cap=cap)
    shapes, sizes = list(frame.geometry), []
    for i, one in enumerate(shapes):
        near = [j for j, other in enumerate(shapes) if j != i and one.distance(other) <= gap_m]
        far = {j: one.centroid.distance(shapes[j].centroid) for j in near}
        wanted = sorted(near, key=far.__getitem__)[:cap]
        kept = table.neighbour[i] >= 0
        assert table.neighbour[i][kept].tolist() == wanted
        np.testing.assert_allclose(table.distance_m[i][kept], [far[j] for j in wanted], rtol=1e-6)
        assert np.isinf(table.distance_m[i][~kept]).all()
        sizes.append(len(near))
    assert max(sizes) >= 3
    assert sizes[-1] == 0


def test_regions_all_alone_have_stars_of_one_node():
    table = adjacent_regions(blocks().iloc[[3, -1]], gap_m=1.0)
    assert table.neighbour.tolist() == [[-1], [-1]]
    model = net()
    stars = table.take(np.array([0, 1]), "cpu")
    assert torch.isfinite(model.global_graph(stars, torch.ones(2, 2, DIM))).all()


def test_nonsense_bounds_of_adjacency_are_named():
    with pytest.raises(BadInput, match="cap=0"):
        adjacent_regions(blocks(), cap=0)


def flow_view(frame, *, allowed=True):
    return SimpleNamespace(has=lambda _: allowed, flows=frame, region_ids=("a", "b", "c", "d"))


def trips():
    return pd.DataFrame(
        {
            "origin_id": ["a", "a", "b", "x", "c", "c"],
            "destination_id": ["b", "a", "a", "c", "x", "b"],
            "trips": [10.0, 2.0, 4.0, 7.0, 5.0, 1.0],
            "hour": [8, 8, 17, 9, 23, 0],
        }
    )


def test_trip_features_are_scored_counts_by_direction_and_hour():
    flows = flow_features(flow_view(trips()))
    assert flows.has.tolist() == [True, True, True, False]
    counts = np.zeros((4, 2, 25))
    for row in trips().itertuples():
        for side, end in enumerate((row.origin_id, row.destination_id)):
            if end != "x":
                counts["abcd".index(end), side, [0, 1 + row.hour]] += row.trips
    counts = np.log1p(counts.reshape(4, 50))
    for column in range(50):
        known = counts[:3, column]
        wanted = (known - known.mean()) / known.std() if known.std() > 0 else np.zeros(3)
        np.testing.assert_allclose(flows.features[:3, column], wanted, atol=1e-6)
    assert not flows.features[3].any()


def test_trips_without_hours_are_totals_and_unseen_trips_nothing():
    flows, without_hours = (
        flow_features(flow_view(trips())),
        flow_features(flow_view(trips().drop(columns="hour"))).features,
    )
    np.testing.assert_array_equal(without_hours[:, [0, 25]], flows.features[:, [0, 25]])
    assert np.count_nonzero(without_hours.any(axis=0)) == 2
    assert flow_features(flow_view(trips(), allowed=False)) is None
    assert flow_features(flow_view(trips().iloc[:0])) is None


def test_a_neighbour_table_may_be_empty(city):
    alone = StarTable(np.full((REGIONS, 1), -1), np.full((REGIONS, 1), np.inf, dtype=np.float32))
    objective = objective_of(city | {"stars": alone}, net())
    assert torch.isfinite(objective.loss(np.arange(6), np.random.default_rng(0)))


def test_trips_of_another_city_are_scored_by_the_scale_that_was_learned():
    learned = flow_features(flow_view(trips())).scale
    doubled = trips().assign(trips=trips()["trips"] * 2)
    other = flow_features(flow_view(doubled), learned)
    own = flow_features(flow_view(doubled))
    np.testing.assert_array_equal(other.scale, learned)
    mean, deviation = own.scale
    raw = own.features[:3] * deviation + mean
    kept = learned[1] > 1e-12
    expected = (raw[:, kept] - learned[0, kept]) / learned[1, kept]
    np.testing.assert_allclose(other.features[:3, kept], expected, atol=1e-5)
