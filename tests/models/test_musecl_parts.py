"""The parts of MuseCL against naive loops."""

import dataclasses
from math import ceil, log

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.hashing import value_digest
from urbanbench.home import fresh_cache
from urbanbench.models._musecl import likeness as likeness_module
from urbanbench.models._musecl.compare import day_of_trips
from urbanbench.models._musecl.fusion import AlignObjective, Fusion, Kinds
from urbanbench.models._musecl.likeness import Cosines, Nearness, find_partners
from urbanbench.models._musecl.pictures import Pictures, Shown, overhead_pictures, street_pictures
from urbanbench.models._musecl.sources import frozen_source, trained_source
from urbanbench.models._musecl.triplets import TripletObjective, region_means
from urbanbench.models._musecl.words import Judged, gather_places, region_words, train_words
from urbanbench.models.musecl import MuseCL
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.picture_versions import Versions
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.texts.place_texts import is_place

SMALL = MuseCL.from_settings("small")


@pytest.fixture(scope="module")
def view(tiny_toyville):
    return City.open(tiny_toyville).view(frozenset({"poi", "polygon", "street_view", "satellite", "flow"}))


def coloured(path):
    """Draw a picture of one colour, with a black edge on the left."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[:, 2:] = int(path) * 37 % 256
    return Image.fromarray(pixels)


def dots(count, groups=None):
    table = PictureTable(coloured, [str(row) for row in range(count)], 8)
    every = Groups.from_pairs(np.arange(count) % 8, np.arange(count), 8)
    shown = Shown("street_view", np.arange(count), np.arange(count), count)
    return Pictures(table, lambda paths: value_digest(["dots", *paths]), groups or every, shown)


def cosine(one, other):
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / length) if length else 0.0


def test_likeness_is_the_cosine_or_the_negative_distance():
    rng = np.random.default_rng(0)
    features = rng.poisson(1.0, (9, 4)).astype(float)
    features[3] = 0
    rows, columns = np.array([0, 3, 5]), np.arange(9)
    made = Cosines(features)
    assert made.comparable.tolist() == [k != 3 for k in range(9)]
    wanted = [[cosine(features[a], features[b]) for b in columns] for a in rows]
    np.testing.assert_allclose(made.block(rows, columns), wanted, atol=1e-12)
    np.testing.assert_allclose(
        made.pairs(rows, rows[::-1]), [wanted[0][5], wanted[1][3], wanted[2][0]], atol=1e-12
    )
    xy = rng.uniform(0, 1000, (9, 2))
    near = Nearness(xy + 5000)
    wanted = [[-np.hypot(*(xy[a] - xy[b])) for b in columns] for a in rows]
    np.testing.assert_allclose(near.block(rows, columns), wanted, atol=2e-3)
    np.testing.assert_allclose(
        near.pairs(rows, rows[::-1]), [wanted[0][5], wanted[1][3], wanted[2][0]], atol=2e-3
    )
    np.testing.assert_array_equal(near.block(rows, columns), Nearness(xy + 2.0**20).block(rows, columns))


@pytest.mark.parametrize(("top_k", "spared"), [(1, 0.1), (3, 0.25), (2, 0.0)])
def test_partners_are_the_most_alike_and_a_share_of_them_is_spared(top_k, spared):
    likeness = Cosines(np.random.default_rng(1).random((30, 5)))
    regions = np.arange(2, 29)
    found = find_partners(likeness, regions, top_k=top_k, spared=spared)
    every = likeness.block(regions, regions)
    for a in range(len(regions)):
        others = sorted((b for b in range(len(regions)) if b != a), key=lambda b: -every[a, b])
        beyond = ceil(spared * (len(regions) - 1))
        assert found.top[a].tolist() == others[: min(top_k, max(beyond, 1))]
        allowed = {b for b in others if every[a, b] <= found.bar[a] + 1e-9}
        assert allowed == set(others[beyond:])


def test_negatives_are_uniform_outside_of_what_is_too_alike():
    likeness = Cosines(np.random.default_rng(2).random((20, 4)))
    found = find_partners(likeness, np.arange(20), top_k=2, spared=0.2)
    rng = np.random.default_rng(3)
    anchors = np.full(20_000, 7)
    positive = found.draw_positives(anchors, rng)
    share = np.bincount(positive, minlength=20) / len(positive)
    np.testing.assert_allclose(share[found.top[7]], 0.5, atol=0.02)
    negative = found.draw_negatives(anchors, positive, rng)
    assert not (negative == positive).any()
    alike = likeness.block(np.array([7]), np.arange(20))[0]
    allowed = [b for b in range(20) if b != 7 and alike[b] <= found.bar[7] + 1e-9]
    assert len(allowed) == 19 - 4
    share = np.bincount(negative, minlength=20) / len(negative)
    np.testing.assert_allclose(share[allowed], 1 / 15, atol=0.01)
    assert share.sum() == pytest.approx(share[allowed].sum())


@pytest.mark.parametrize("top_k", [1, 5])
@pytest.mark.parametrize("spared", [0.0, 0.1, 0.5])
def test_a_negative_is_left_where_regions_are_few_or_all_alike(top_k, spared):
    rng = np.random.default_rng(4)
    for features in (np.ones((4, 2)), rng.random((4, 2)), np.eye(5), np.repeat(np.eye(3), 2, axis=0)):
        found = find_partners(Cosines(features), np.arange(len(features)), top_k=top_k, spared=spared)
        anchors = np.tile(np.arange(len(features)), 50)
        positive = found.draw_positives(anchors, rng)
        negative = found.draw_negatives(anchors, positive, rng)
        assert not ((negative == anchors) | (negative == positive) | (positive == anchors)).any()


def test_the_nearest_of_several_is_the_first_in_the_file():
    xy = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0], [5.0, 5.0]])
    found = find_partners(Nearness(xy), np.arange(5), top_k=1, spared=0.1)
    assert found.top[:, 0].tolist() == [4, 4, 4, 4, 0]


def test_in_a_large_city_partners_are_the_most_alike_of_some_regions_that_are_drawn(monkeypatch):
    monkeypatch.setattr(likeness_module, "CANDIDATES", 30)
    features = np.random.default_rng(3).poisson(1.0, (90, 6)).astype(float) + 0.01
    regions = np.arange(2, 90)
    found = find_partners(Cosines(features), regions, top_k=2, spared=0.2, seed=4)
    again = find_partners(Cosines(features), regions, top_k=2, spared=0.2, seed=4)
    assert np.array_equal(found.top, again.top)
    assert not np.array_equal(
        found.top, find_partners(Cosines(features), regions, top_k=2, spared=0.2, seed=5).top
    )
    drawn = np.unique(found.top)
    assert len(drawn) <= 30
    for row, own in enumerate(regions):
        alike = {one: cosine(features[own], features[regions[one]]) for one in drawn if one != row}
        assert {round(alike[one], 9) for one in found.top[row]} <= {
            round(one, 9) for one in sorted(alike.values())[-2:]
        }
    assert (found.top != np.arange(88)[:, None]).all()


def test_in_a_large_city_the_nearest_are_still_the_nearest_of_all(monkeypatch):
    monkeypatch.setattr(likeness_module, "CANDIDATES", 20)
    xy = np.random.default_rng(0).uniform(0, 1000, (70, 2))
    found = find_partners(Nearness(xy), np.arange(70), top_k=3, spared=0.3)
    away = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) + np.diag(np.full(70, np.inf))
    assert np.array_equal(found.top, np.argsort(away, axis=1)[:, :3])


def test_the_day_of_trips_is_scored_by_hour(view):
    made = day_of_trips(view)
    flows, ids = view.flows, list(view.region_ids)
    counts = np.zeros((len(ids), 48))
    for origin, destination, trips, hour in flows[
        ["origin_id", "destination_id", "trips", "hour"]
    ].itertuples(index=False):
        counts[ids.index(destination), int(hour)] += trips
        counts[ids.index(origin), 24 + int(hour)] += trips
    logs = np.log1p(counts)
    has = counts.any(axis=1)
    mean, deviation = logs[has].mean(axis=0), logs[has].std(axis=0)
    wanted = np.where(deviation > 1e-12, (logs - mean) / np.where(deviation > 0, deviation, 1), 0)
    np.testing.assert_allclose(made, np.where(has[:, None], wanted, 0), atol=1e-9)


def test_trips_without_hours_or_outside_of_regions_are_read():
    class Trips:
        """Four regions, of which the last has no trips."""

        region_ids = ("a", "b", "c", "d")
        flows = pd.DataFrame(
            {"origin_id": ["a", "b", "x"], "destination_id": ["b", "c", "a"], "trips": [3.0, 1.0, 7.0]}
        )

    made = day_of_trips(Trips())
    logs = np.log1p([[7, 3], [3, 1], [1, 0]])
    np.testing.assert_allclose(made[:3], (logs - logs.mean(axis=0)) / logs.std(axis=0))
    assert not made[3].any()


def test_places_are_pois_with_their_primary_tags(view):
    places, pois = gather_places(view), view.pois
    kept = is_place(tag_table(pois["tags"]))
    histogram = places.histogram().toarray()
    names = places.tags.names.tolist()
    assert histogram.shape == (len(view.region_ids), len(names))
    wanted = np.zeros_like(histogram)
    for good, region, tags in zip(kept, pois["region_id"], pois["tags"], strict=True):
        for key, value in tags if good and region is not None else ():
            if f"{key}={value}" in names:
                wanted[view.region_ids.index(region), names.index(f"{key}={value}")] += 1
    np.testing.assert_array_equal(histogram, wanted)
    assert histogram.sum() > 100
    assert not any(name.startswith(("name=", "opening_hours=")) for name in names)


def test_a_sentence_has_key_value_and_both_of_each_tag(view):
    places = gather_places(view)
    sentences = places.sentences()
    assert len(sentences) == len(set(places.tags.row.tolist()))
    for sentence in sentences[::50]:
        for key, value, both in zip(sentence[::3], sentence[1::3], sentence[2::3], strict=True):
            assert both == f"{key}={value}"


@pytest.mark.parametrize("mean", ["unique", "counts"])
def test_a_regions_words_are_averaged(view, mean):
    model, places = dataclasses.replace(SMALL, word_epochs=2, poi_mean=mean), gather_places(view)
    made, _ = region_words(model, places, seed=0)
    net, _ = train_words(model, places.sentences(), seed=0)
    names, histogram = places.tags.names.tolist(), places.histogram().toarray()
    for region in range(0, len(made), 7):
        words = [
            word
            for tag in np.flatnonzero(histogram[region])
            for word in (*names[tag].split("=", 1), names[tag])
            for _ in range(int(histogram[region, tag]))
            if word in net.wv
        ]
        chosen = sorted(set(words)) if mean == "unique" else words
        wanted = np.mean([net.wv[one] for one in chosen], axis=0) if chosen else np.zeros(model.dim)
        np.testing.assert_allclose(made[region], wanted, atol=1e-5)


def test_word_vectors_learn_repeat_and_follow_the_seed(view):
    places = gather_places(view)
    one, told = region_words(SMALL, places, seed=0)
    assert told.checks[0][1] == pytest.approx(told.chance, abs=1e-3)
    assert told.checks[-1][1] < 0.9 * told.chance
    assert [epoch for epoch, _ in told.checks] == list(range(SMALL.word_epochs + 1))
    assert (told.ended, told.passes) == ("epochs", SMALL.word_epochs)
    np.testing.assert_array_equal(one, region_words(SMALL, places, seed=0)[0])
    assert not np.allclose(one, region_words(SMALL, places, seed=1)[0])


def test_the_loss_of_words_is_that_of_negative_sampling(view):
    sentences = gather_places(view).sentences()[:4]
    model = dataclasses.replace(SMALL, word_min_count=1, word_epochs=1)
    net, _ = train_words(model, sentences * 20, seed=0)
    judged = Judged(net, sentences, np.random.default_rng(0))
    total, row = [], 0
    for sentence in sentences:
        for place, word in enumerate(sentence):
            around = sentence[max(0, place - 5) : place] + sentence[place + 1 : place + 6]
            hidden = np.mean([net.wv[one] for one in around], axis=0)
            right = hidden @ net.syn1neg[net.wv.key_to_index[word]]
            noise = [hidden @ net.syn1neg[one] for one in judged.noise[row]]
            total.append(np.log1p(np.exp(-right)) + sum(np.log1p(np.exp(one)) for one in noise))
            row += 1
    assert judged.loss() == pytest.approx(np.mean(total), rel=1e-5)


def test_words_that_are_too_rare_leave_regions_without_a_vector(view):
    made, told = region_words(dataclasses.replace(SMALL, word_min_count=10**6), gather_places(view), seed=0)
    assert told.skipped.startswith("no word occurs 1000000 times")
    assert not made.any()


def test_pictures_of_a_region_are_those_taken_in_it(view):
    found = street_pictures(view, 16, keep=False)
    frame = view.street_views
    for row, region in enumerate(view.region_ids):
        inside = frame[frame["region_id"] == region]
        wanted = {path for side in ("east", "south", "west", "north") for path in inside[side] if path}
        shown = found.groups.member[found.groups.start[row] : found.groups.start[row + 1]]
        assert {found.table.paths[one] for one in shown} == wanted
        assert len(shown) == len(wanted)
    above = overhead_pictures(view, 16, keep=False)
    assert above.groups.sizes.tolist() == [1] * len(view.region_ids)
    named = [above.table.paths[one] for one in above.groups.member]
    assert named == view.satellite["image"].reindex(list(view.region_ids)).tolist()


def test_maps_are_drawn_once_where_they_are_read_again(view):
    unified = view._city.view(frozenset({"poi", "polygon"}))
    with fresh_cache():
        plain, kept = (overhead_pictures(unified, 24, keep=keep) for keep in (False, True))
        rows = np.arange(len(plain.table))
        first, again = kept.table.pixels(rows)[0], kept.table.pixels(rows[::-1])[0]
        assert plain.table.store is None
        assert all(kept.table.store.knows(row) for row in rows)
    np.testing.assert_array_equal(first, plain.table.pixels(rows)[0])
    np.testing.assert_array_equal(again[::-1], first)
    assert plain.digest(plain.table.paths) == kept.digest(kept.table.paths)


def test_a_picture_that_cannot_be_opened_counts_for_no_region():
    groups = Groups.from_pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    kept = dots(2, groups).without(np.array([True, False]))
    assert kept.sizes.tolist() == [1, 0, 0]
    assert kept.member.tolist() == [0]


@pytest.mark.parametrize("change", ["mirror", "turn"])
def test_pictures_come_in_versions(change):
    def opened(path):
        return Image.fromarray(np.random.default_rng(int(path)).integers(0, 256, (6, 6, 3), dtype=np.uint8))

    table = PictureTable(opened, ["0", "1", "2"], 6)
    plain, _ = table.pixels(np.arange(3))
    count = 2 if change == "mirror" else 4
    rows = np.random.default_rng(0).permutation(3 * count)
    made = np.concatenate([pixels for pixels, _ in Versions(table, change).batches(rows, 4)])
    for row, pixels in zip(rows, made, strict=True):
        wanted = [plain[row % 3]]
        wanted += [np.stack([np.fliplr(one) for one in plain[row % 3]])] if change == "mirror" else []
        wanted += [np.stack([np.rot90(one, k) for one in plain[row % 3]]) for k in (1, 2, 3)]
        np.testing.assert_array_equal(pixels, wanted[row // 3])


def triplets(source, *, dim=4, regions=8, margin=5.0):
    likeness = Cosines(np.random.default_rng(5).random((regions, 3)))
    found = find_partners(likeness, np.arange(1, regions), top_k=2, spared=0.2)
    count = len(source.ok)
    groups = Groups.from_pairs(np.arange(count) % regions, np.arange(count), regions)
    torch.manual_seed(0)
    head = nn.Linear(source.dim, dim)
    return TripletObjective("street", source, head, found, groups, margin=margin, lr=1e-2, device="cpu")


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return load_image_encoder("tiny-cnn")


def test_the_triplet_loss_is_the_mean_over_drawn_triplets(encoder):
    pictures = dots(40)
    source = frozen_source(encoder, pictures, "cpu")
    objective = triplets(source, margin=0.5)
    objective.head.eval()
    anchors = np.array([0, 3, 3, 6])
    drawn = objective.draw(anchors, np.random.default_rng(9))
    found = objective.partners
    for place, (own, like, unlike) in zip(anchors, drawn, strict=True):
        assert own % 8 == found.regions[place]
        assert like % 8 in found.regions[found.top[place]]
        assert unlike % 8 not in {own % 8, like % 8, 0}
    vectors = objective.head(source.made.features).detach().double()
    losses = [
        max(
            0.0,
            float((vectors[a] - vectors[p] + 1e-6).norm() - (vectors[a] - vectors[n] + 1e-6).norm() + 0.5),
        )
        for a, p, n in drawn
    ]
    made = objective.loss(anchors, np.random.default_rng(9))
    assert float(made.detach()) == pytest.approx(np.mean(losses), abs=1e-5)
    assert objective.chance == 0.5


def test_the_encoder_is_trained_along_only_on_request(encoder):
    pictures = dots(24)
    frozen = triplets(frozen_source(encoder, pictures, "cpu"))
    assert frozen.modules() == (frozen.head,)
    trained = triplets(trained_source(encoder, pictures, "mirror", "cpu"))
    trained.head.train()
    trained.loss(np.arange(6), np.random.default_rng(0)).backward()
    [group] = trained.parameter_groups()
    assert len(group["params"]) == 2 + len(list(encoder.parameters()))
    assert all(one.grad is not None and one.grad.any() for one in encoder.parameters())
    encoder.zero_grad()


def test_pictures_are_changed_in_training_and_as_they_are_in_checks(encoder):
    pictures = dots(24)
    source = trained_source(encoder, pictures, "mirror", "cpu")
    rows = np.array([3, 3, 5, 1] * 50)
    with torch.no_grad():
        plain, changed = source.rows(rows), source.rows(rows, np.random.default_rng(1))
    frozen = frozen_source(encoder, pictures, "cpu").rows(rows)
    torch.testing.assert_close(plain, frozen, atol=1e-5, rtol=1e-4)
    assert torch.equal(plain[0], plain[1])
    mirrored = (changed - plain).abs().amax(dim=1) > 1e-4
    assert 0.35 < mirrored.float().mean() < 0.65


def test_features_of_a_region_are_the_mean_of_its_pictures(encoder):
    groups = Groups.from_pairs(np.array([0, 0, 0, 2, 2]), np.array([1, 4, 6, 4, 0]), 4)
    source = frozen_source(encoder, dots(7, groups), "cpu")
    made = region_means(source, groups, "cpu")
    torch.testing.assert_close(made[0], source.made.features[[1, 4, 6]].mean(dim=0))
    torch.testing.assert_close(made[2], source.made.features[[4, 0]].mean(dim=0))
    assert not made[[1, 3]].any()


def aligned(*, train_heads=False, loss="infonce", n=9):
    torch.manual_seed(3)
    present = torch.ones(n, 2, dtype=torch.bool)
    present[1, 0] = present[2, 1] = False
    present[3] = False
    heads = [nn.Linear(5, 4), nn.Linear(6, 4)]
    kinds = Kinds([torch.randn(n, 5), torch.randn(n, 6)], heads, present)
    words = torch.randn(n, 4)
    words[4] = 0
    fusion = Fusion(4)
    return AlignObjective(fusion, kinds, words, train_heads=train_heads, loss=loss, temperature=0.1, lr=1e-3)


@torch.no_grad()
def fused_by_hand(objective, region):
    fusion, kinds = objective.fusion, objective.kinds
    vectors = [head(one[region]).detach() for head, one in zip(kinds.heads, kinds.features, strict=True)]
    there = [k for k in range(2) if kinds.present[region, k]]
    if not there:
        return torch.zeros(4), [0.0, 0.0]
    scores = [
        float(fusion.outer.weight[0] @ torch.tanh(fusion.inner.weight @ vectors[k] + fusion.inner.bias))
        for k in there
    ]
    weight = np.exp(scores) / np.exp(scores).sum()
    every = [float(weight[there.index(k)]) if k in there else 0.0 for k in range(2)]
    return sum(w * one for w, one in zip(every, vectors, strict=True)), every


def test_attention_weighs_the_kinds_there_are():
    objective = aligned()
    rows = torch.arange(9)
    kinds = objective.kinds(rows)
    weights = objective.fusion.weights(kinds, objective.kinds.present)
    fused = objective.fusion(kinds, objective.kinds.present)
    for region in range(9):
        vector, weight = fused_by_hand(objective, region)
        np.testing.assert_allclose(weights[region].detach(), weight, atol=1e-6)
        torch.testing.assert_close(fused[region].detach(), vector, atol=1e-6, rtol=1e-5)
    assert weights[1].tolist() == [0.0, 1.0]
    assert not fused[3].any()
    fused.sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in objective.fusion.parameters())


def test_alignment_contrasts_a_regions_words_with_those_of_others():
    objective = aligned()
    assert objective.regions.tolist() == [0, 5, 6, 7, 8]
    anchors = np.array([4, 0, 2])
    rows = objective.regions[anchors].tolist()
    total = []
    for own in rows:
        vector = fused_by_hand(objective, own)[0].numpy()
        scores = np.array([cosine(vector, objective.words[one].numpy()) for one in rows]) / 0.1
        total.append(np.log(np.exp(scores).sum()) - scores[rows.index(own)])
    made = objective.loss(anchors, np.random.default_rng(0))
    assert float(made.detach()) == pytest.approx(np.mean(total), rel=1e-4)
    assert objective.chance == pytest.approx(log(3))


def test_the_codes_loss_is_the_squared_error_to_the_words():
    objective = aligned(loss="mse")
    rows = objective.regions.tolist()
    errors = [((fused_by_hand(objective, one)[0] - objective.words[one]) ** 2).mean() for one in rows]
    made = objective.loss(np.arange(len(rows)), np.random.default_rng(0))
    assert float(made.detach()) == pytest.approx(float(np.mean(errors)), rel=1e-5)
    assert objective.chance == pytest.approx(float(objective.words[rows].square().mean()))


def test_alignment_trains_the_attention_and_on_request_what_lies_below():
    objective = aligned()
    objective.loss(np.arange(5), np.random.default_rng(0)).backward()
    assert all(one.grad.any() for one in objective.fusion.parameters())
    assert all(one.grad is None for one in objective.kinds.parameters())
    both = aligned(train_heads=True)
    assert both.regions.tolist() == [0, 1, 2, 5, 6, 7, 8]
    both.loss(np.arange(7), np.random.default_rng(0)).backward()
    assert all(one.grad.any() for one in (*both.fusion.parameters(), *both.kinds.parameters()))
    [group] = both.parameter_groups()
    assert len(group["params"]) == 3 + 4
