"""UrbanMFM's macro scale: pictures from above, pairs against the full matrix, the loss against a naive loop."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from urbanbench.city.city import City
from urbanbench.models._urbanmfm.l_macro import MacroObjective
from urbanbench.models._urbanmfm.overheads import Overheads, gather_overheads
from urbanbench.models._urbanmfm.pairs import Similarity, draw_true, similar_pairs
from urbanbench.toolkit.features._feature_rows import FrozenPictures
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


class Pictured:
    """As much of a view as pictures from above need."""

    def __init__(self, images):
        self.region_ids = ("a", "b", "c", "d")
        self.satellite = pd.DataFrame({"image": images}).rename_axis("region_id")

    def has(self, name):
        return name == "satellite"


def test_every_region_has_its_own_picture(city):
    view = city.view(frozenset({"satellite"}))
    overheads = gather_overheads(view)
    named = [overheads.pictures[row] for row in overheads.picture]
    assert named == [view.satellite["image"][one] for one in view.region_ids]
    assert overheads.present.all()


def test_regions_without_a_picture_and_shared_pictures_are_told_apart():
    overheads = gather_overheads(Pictured({"d": "x.png", "a": "y.png", "c": "x.png", "b": None}))
    assert overheads.pictures == ("x.png", "y.png")
    assert overheads.picture.tolist() == [1, -1, 0, 0]
    assert overheads.present.tolist() == [True, False, True, True]


def test_no_picture_at_all_is_none(city):
    assert gather_overheads(city.view(frozenset({"poi"}))) is None
    assert gather_overheads(Pictured({"a": None})) is None


@pytest.fixture
def features():
    """F_p and F_r of 90 regions; one in seven has no POI, one in eleven no road."""
    rng = np.random.default_rng(8)
    by_poi, by_road = rng.gamma(0.5, size=(90, 12)) ** 2, rng.uniform(0.1, 1.0, (90, 2))
    by_poi[::7], by_road[::11] = 0.0, 0.0
    return by_poi, by_road


def full_matrix(by_poi, by_road, threshold):
    """Eq. 21 for every pair, one cosine at a time."""

    def cosine(a, b):
        length = math.sqrt(sum(a * a) * sum(b * b))
        return sum(a * b) / length if length else -2.0

    n = len(by_poi)
    alike = np.zeros((n, n), dtype=bool)
    for i, j in itertools.permutations(range(n), 2):
        alike[i, j] = cosine(by_poi[i], by_poi[j]) >= threshold and (
            by_road is None or cosine(by_road[i], by_road[j]) >= threshold
        )
    return alike


@pytest.mark.parametrize("block", [1, 13, 2048])
@pytest.mark.parametrize(("threshold", "roads"), [(0.8, True), (0.95, False), (0.95, True), (0.5, True)])
def test_pairs_equal_the_full_matrix_of_cosines(features, threshold, roads, block):
    by_poi, by_road = features[0], features[1] if roads else None
    pairs = similar_pairs(by_poi, by_road, threshold, 90, block, rng=np.random.default_rng(0))
    member, owner = pairs.take(np.arange(90))
    made = np.zeros((90, 90), dtype=bool)
    made[owner, member] = True
    wanted = full_matrix(by_poi, by_road, threshold)
    np.testing.assert_array_equal(made, wanted)
    assert len(member) == wanted.sum() > 10


def test_whether_regions_are_alike_equals_the_full_matrix_of_cosines(features):
    rows, columns = np.array([0, 3, 9, 9, 50]), np.array([14, 4, 9, 80, 0, 51, 7])
    wanted = full_matrix(*features, 0.7)
    same = rows[:, None] == columns
    made = Similarity.from_features(*features, 0.7).between(rows, columns)
    np.testing.assert_array_equal(made & ~same, wanted[np.ix_(rows, columns)] & ~same)


def test_a_region_without_pois_or_without_roads_is_like_none_not_even_itself(features):
    similarity = Similarity.from_features(*features, threshold=0.0)
    everyone = np.arange(90)
    alike = similarity.between(everyone, everyone)
    empty = (everyone % 7 == 0) | (everyone % 11 == 0)
    assert not alike[empty].any()
    assert not alike[:, empty].any()
    assert alike[np.ix_(~empty, ~empty)].all()


def test_equal_directions_reach_a_threshold_of_one():
    rows = np.random.default_rng(0).uniform(0.1, 1, (1, 12)) * np.arange(1, 40)[:, None]
    pairs = similar_pairs(rows, None, 1.0, 99, rng=np.random.default_rng(0))
    assert pairs.sizes.tolist() == [38] * 39


def test_partners_are_limited_and_only_usable_regions_pair(features):
    usable = np.arange(90) % 3 > 0
    pairs = similar_pairs(*features, 0.5, 4, rng=np.random.default_rng(0), usable=usable)
    wanted = full_matrix(*features, 0.5) & usable[:, None] & usable
    for region in range(90):
        members = pairs.member[pairs.start[region] : pairs.start[region + 1]]
        assert len(members) == min(4, wanted[region].sum())
        assert wanted[region, members].all()
        assert len(set(members.tolist())) == len(members)


def test_in_a_large_city_every_block_is_compared_with_some_regions_only(features):
    wanted = full_matrix(*features, 0.5)
    pairs = similar_pairs(*features, 0.5, 90, 10, rng=np.random.default_rng(0), candidates=40)
    member, owner = pairs.take(np.arange(90))
    assert wanted[owner, member].all()
    assert 0.3 * wanted.sum() < len(member) < 0.8 * wanted.sum()
    assert pairs.sizes.max() <= 40


def test_no_comparable_region_gives_no_pairs():
    assert similar_pairs(np.zeros((5, 12)), None, rng=np.random.default_rng(0)).sizes.tolist() == [0] * 5


def test_every_partner_is_drawn_as_often_as_any_other():
    mask = np.zeros((3, 30), dtype=bool)
    mask[0, 3:26], mask[1, ::2], mask[2, 5] = True, True, True
    times = np.zeros(mask.shape)
    rng = np.random.default_rng(1)
    for _ in range(4000):
        row, column = draw_true(mask, 7, rng)
        assert len(set(zip(row.tolist(), column.tolist(), strict=True))) == len(row) == 15
        times[row, column] += 1
    assert not times[~mask].any()
    np.testing.assert_allclose(times[0, mask[0]] / 4000, 7 / 23, atol=0.03)
    np.testing.assert_allclose(times[1, mask[1]] / 4000, 7 / 15, atol=0.03)
    assert times[2, 5] == 4000


REGIONS, IMAGE_DIM, DIM = 90, 6, 8


class Net(nn.Module):
    """As much of the net as the macro scale needs."""

    def __init__(self):
        super().__init__()
        self.image = nn.Linear(IMAGE_DIM, DIM)
        self.text = nn.Linear(3, DIM)


class Tuned:
    """Pictures behind an encoder that is trained."""

    def __init__(self, pixels):
        self.encoder, self.pixels, self.dim = nn.Linear(pixels.shape[1], IMAGE_DIM), pixels, IMAGE_DIM
        self.ok = np.ones(len(pixels), dtype=bool)

    def rows(self, index):
        return self.encoder(self.pixels[index])

    def modules(self):
        return (self.encoder,)


def macro(features, *, tuned=False, direction="both", broken=(), threshold=0.8, lr=1e-2):
    """The objective over made-up pictures; regions 1 and 2 share one, every tenth has none."""
    with seeded_torch(0, "macro-test"):
        net, numbers = Net(), torch.randn(REGIONS, IMAGE_DIM)
        numbers[list(broken)] = torch.nan
        pictures = Tuned(numbers) if tuned else FrozenPictures(numbers)
    picture = np.where(np.arange(REGIONS) % 10 == 0, -1, np.arange(REGIONS))
    picture[2] = picture[1]
    overheads = Overheads(tuple(f"{row}.png" for row in range(REGIONS)), picture)
    pairs = similar_pairs(*features, threshold, 5, rng=np.random.default_rng(0))
    objective = MacroObjective(
        net, pictures, overheads, pairs, Similarity.from_features(*features, threshold),
        temperature=0.5, direction=direction, lr=lr, lr_backbone=1e-3, device="cpu",
    )  # fmt: skip
    return net, objective


def naive_loss(net, objective, region, partner, alike, directions):
    """Eq. 22 anchor by anchor; candidates like the anchor are left out. Returns the loss and its value without any knowledge."""

    def encoded(one):
        return net.image(objective.pictures.features[objective.picture[one]]).detach()

    def cosine(a, b):
        return float(a @ b / (a.norm() * b.norm()))

    loss, chance = 0.0, 0.0
    for step in range(directions):
        for i in range(len(region)):
            kept = []
            for j in range(len(region)):
                a, b = (region[i], partner[j]) if step == 0 else (region[j], partner[i])
                shown = objective.picture[[a, partner[i] if step == 0 else partner[j]]]
                if i == j or not (alike[a, b] or objective.picture[b] in shown):
                    kept.append(math.exp(cosine(encoded(a), encoded(b)) / 0.5))
            own = math.exp(cosine(encoded(region[i]), encoded(partner[i])) / 0.5)
            loss -= math.log(own / sum(kept)) / len(region) / directions
            chance += math.log(len(kept)) / len(region) / directions
    return loss, chance


@pytest.mark.parametrize(("direction", "directions"), [("both", 2), ("query_to_key", 1)])
def test_macro_loss_equals_a_loop_over_regions(features, direction, directions):
    net, objective = macro(features, direction=direction)
    anchors = np.arange(0, objective.n_anchors, 2)
    loss = objective.loss(anchors, np.random.default_rng(4))
    region, partner = objective.draw(anchors, np.random.default_rng(4))
    alike = full_matrix(*features, 0.8)
    assert alike[region, partner].all()
    others = alike[np.ix_(region, partner)] & ~np.eye(len(region), dtype=bool)
    assert 0 < others.sum() < len(region) ** 2 - len(region)
    wanted, chance = naive_loss(net, objective, region, partner, alike, directions)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert objective.chance == pytest.approx(chance)


def test_anchors_are_the_regions_with_a_picture_and_a_pictured_partner(features):
    _, objective = macro(features, broken=(11, 12, 33))
    pairs = similar_pairs(*features, 0.8, 5, rng=np.random.default_rng(0))
    pictured = {row for row in range(REGIONS) if row % 10} - {11, 12, 33}
    partners = {
        row: set(pairs.member[pairs.start[row] : pairs.start[row + 1]].tolist()) & pictured
        for row in pictured
    }
    assert objective.regions.tolist() == sorted(row for row, found in partners.items() if found)
    seen = {row: set() for row in objective.regions.tolist()}
    for seed in range(200):
        for row, other in zip(
            *objective.draw(np.arange(objective.n_anchors), np.random.default_rng(seed)), strict=True
        ):
            seen[int(row)].add(int(other))
    assert seen == {row: partners[row] for row in seen}


def test_regions_that_are_all_alike_are_no_anchors():
    _, objective = macro((np.ones((REGIONS, 12)), None))
    assert objective.n_anchors == 0


def test_regions_like_all_possible_candidates_are_no_anchors():
    """Kinds 0 and 1 are like the middle kind and unlike each other; a kind that only regions without a picture have is of no use."""
    angle = np.select([np.arange(REGIONS) % 10 == 0, np.arange(REGIONS) % 3 == 0], [1.5, 0.4], 0.0)
    angle[1::9] = 0.8
    by_poi = np.zeros((REGIONS, 12))
    by_poi[:, 0], by_poi[:, 1] = np.cos(angle), np.sin(angle)
    _, objective = macro((by_poi, None))
    pictured = np.arange(REGIONS) % 10 > 0
    assert objective.regions.tolist() == np.flatnonzero(pictured & (angle != 0.4)).tolist()


def test_regions_that_share_one_picture_are_no_negatives_and_so_no_anchors(features):
    _, objective = macro(features)
    with seeded_torch(0, "one-picture"):
        pictures = FrozenPictures(torch.randn(1, IMAGE_DIM))
    shared = MacroObjective(
        objective.net, pictures, Overheads(("0.png",), np.zeros(REGIONS, dtype=int)),
        similar_pairs(*features, 0.8, 5, rng=np.random.default_rng(0)), objective.similarity,
        temperature=0.5, direction="both", lr=1e-2, lr_backbone=1e-3, device="cpu",
    )  # fmt: skip
    assert objective.n_anchors > 0 == shared.n_anchors


def test_candidates_that_show_the_picture_of_the_anchor_or_of_its_partner_are_left_out():
    _, objective = macro((np.zeros((REGIONS, 12)), None))
    region, partner = np.array([1, 5, 7, 8]), np.array([4, 2, 4, 9])
    assert objective.false_negatives(region, partner).astype(int).tolist() == [
        [0, 1, 1, 0],
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


@pytest.mark.parametrize("tuned", [False, True])
def test_gradients_reach_the_image_projection_and_encoder_and_nothing_else(features, tuned):
    net, objective = macro(features, tuned=tuned)
    objective.loss(np.arange(20), np.random.default_rng(0)).backward()
    assert all(bool(one.grad.any()) for one in net.image.parameters())
    assert all(one.grad is None for one in net.text.parameters())
    groups = objective.parameter_groups()
    assert [group["lr"] for group in groups] == ([1e-2, 1e-3] if tuned else [1e-2])
    claimed = {id(one) for group in groups for one in group["params"]}
    assert claimed == {id(one) for part in objective.modules() for one in part.parameters()}
    if tuned:
        assert all(bool(one.grad.any()) for one in objective.pictures.encoder.parameters())


def test_the_macro_stage_learns_and_repeats_bit_by_bit(features):
    by_poi = np.zeros((REGIONS, 12))
    by_poi[np.arange(REGIONS), np.arange(REGIONS) % 4] = 1.0
    kinds = (by_poi, np.ones((REGIONS, 2)))

    def trained():
        net, objective = macro(kinds)
        hints = torch.from_numpy(by_poi[:, :IMAGE_DIM]).float()
        objective.pictures.features.mul_(0.3).add_(hints)
        return (
            train_stage(objective, Schedule(batch=32, epochs=60, patience=99), seed=0),
            net.state_dict(),
            objective.chance,
        )

    (stage, state, chance), (again, same, _) = trained(), trained()
    assert stage.steps == again.steps
    assert all(torch.equal(state[name], same[name]) for name in state)
    assert chance < math.log(32)
    assert np.mean(stage.steps[-5:]) < min(np.mean(stage.steps[:5]), chance) - 0.5
