"""Urban2Vec's pairs, negatives, losses and words against loops over points, triplets and POIs."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
import torch

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, DataMissing
from urbanbench.models._urban2vec.features import SourceFeatures, mirror_shapes
from urbanbench.models._urban2vec.glove import name_word_vectors, read_word_vectors
from urbanbench.models._urban2vec.net import PictureHead, Tables, triplet_loss
from urbanbench.models._urban2vec.pairs import Pairs, deranged, draw_pairs, near_points, pictures_at, shuffled
from urbanbench.models._urban2vec.picture_stage import PictureObjective
from urbanbench.models._urban2vec.regions import chosen_pictures, filled, means
from urbanbench.models._urban2vec.word_stage import AbsentWords, WordObjective, held_out_rows
from urbanbench.models._urban2vec.words import RegionWords, name_word_tokens, tag_tokens
from urbanbench.toolkit.features._feature_rows import Frozen, TunedPictures, TunedShapes
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.picture_versions import Versions
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule


def generator(seed=0):
    return np.random.default_rng(seed)


def test_near_points_are_the_nearest_others_in_both_directions():
    xy = generator().uniform(0, 100, (30, 2))
    wanted = set()
    for one in range(30):
        distance = np.hypot(*(xy - xy[one]).T)
        distance[one] = np.inf
        for other in np.argsort(distance)[:5].tolist():
            wanted |= {(one, other), (other, one)}
    made = near_points(xy, 5)
    assert {tuple(pair) for pair in made.tolist()} == wanted
    assert len(made) == len(wanted)


def test_few_points_are_all_partners_of_one_another():
    assert near_points(np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]]), 5).tolist() == [
        list(pair) for pair in itertools.permutations(range(3), 2)
    ]
    assert near_points(np.zeros((1, 2)), 5).shape == (0, 2)


def test_pairs_keep_to_their_side_and_never_join_pictures_of_one_point():
    xy = generator(1).uniform(0, 100, (40, 2))
    point = np.repeat(np.arange(40), generator(2).integers(1, 5, 40))
    pairs = draw_pairs(point, xy, neighbours=3, training=400, held_out=90, share=0.25, rng=generator(3))
    assert (len(pairs), pairs.n_training) == (490, 400)
    ends = point[pairs.picture]
    training, held_out = set(ends[:400].ravel().tolist()), set(ends[400:].ravel().tolist())
    assert not training & held_out
    assert len(training) <= 30
    assert len(held_out) <= 10
    for side, known in ((ends[:400], training), (ends[400:], held_out)):
        inside = np.array(sorted(known))
        near = {tuple(inside[pair].tolist()) for pair in near_points(xy[inside], 3)}
        if len(inside) in {10, 30}:  # all points of the side were drawn
            assert {tuple(pair) for pair in side.tolist()} <= near
    assert (ends[:, 0] != ends[:, 1]).all()


def test_pairs_begin_where_they_may():
    xy, begins = generator(1).uniform(0, 100, (40, 2)), np.arange(40) < 8
    pairs = draw_pairs(
        np.arange(40), xy, neighbours=3, training=300, held_out=60, share=0.3, rng=generator(3), begins=begins
    )
    assert len(pairs) == 360
    assert set(pairs.picture[:, 0].tolist()) == set(range(8))
    assert pairs.picture[:, 1].max() >= 8


def test_pictures_are_drawn_uniformly_among_edges_and_pictures():
    of_point = Groups.from_pairs(np.array([0, 0, 0, 1, 2]), np.array([0, 1, 2, 3, 4]), 3)
    edges = np.array([[0, 1], [1, 0], [1, 2], [2, 1]])
    drawn = Counter(map(tuple, pictures_at(of_point, edges, 24_000, generator()).tolist()))
    wanted = {(0, 3): 1 / 12, (1, 3): 1 / 12, (2, 3): 1 / 12, (3, 4): 1 / 4, (4, 3): 1 / 4}
    wanted |= {(3, k): 1 / 12 for k in range(3)}
    assert set(drawn) == set(wanted)
    for pair, share in wanted.items():
        assert drawn[pair] / 24_000 == pytest.approx(share, abs=0.012)


def test_a_derangement_is_an_order_in_which_no_pair_meets_its_own_points():
    for seed in range(20):
        point = generator(seed).integers(0, 12, (30, 2))
        order, usable = deranged(point, generator(seed))
        assert sorted(order.tolist()) == list(range(30))
        for row, drawn in enumerate(order.tolist()):
            assert usable[row] == (point[drawn, 1] not in {point[row, 0], point[row, 1]})
        assert usable.all()


def test_all_derangements_of_a_small_batch_are_equally_likely():
    point = np.array([[10, 0], [11, 1], [12, 2], [13, 3]])
    wanted = {
        order for order in itertools.permutations(range(4)) if all(k != one for k, one in enumerate(order))
    }
    rng = generator()
    drawn = Counter(tuple(deranged(point, rng)[0].tolist()) for _ in range(1800))
    assert set(drawn) == wanted
    np.testing.assert_allclose(list(drawn.values()), 200, atol=45)  # of 1,800 each, nine of them


def test_an_order_is_mended_where_none_of_some_is_right():
    # a quarter of the pairs is of the same two points: an order drawn as a whole is practically never right
    point = np.array([[0, 1], [1, 0]] * 10 + [[k, k + 100] for k in range(2, 62)])
    order, usable = deranged(point, generator())
    assert usable.all()
    assert sorted(order.tolist()) == list(range(80))


def test_pairs_without_any_other_point_are_not_usable():
    order, usable = deranged(np.array([[0, 1], [1, 0], [0, 1]]), generator())
    assert sorted(order.tolist()) == [0, 1, 2]
    assert not usable.any()


def test_the_literal_shuffle_meets_itself_as_often_as_chance_says():
    rng = generator()
    own = [(shuffled(5, rng)[0] == np.arange(5)).sum() for _ in range(4000)]
    assert np.mean(own) == pytest.approx(1.0, abs=0.06)
    assert shuffled(5, rng)[1].all()


def test_triplet_loss_equals_a_loop_and_has_a_gradient_at_equal_vectors():
    rng = torch.Generator().manual_seed(0)
    anchor, right, wrong = (torch.randn(6, 4, generator=rng, dtype=torch.float64) for _ in range(3))
    wanted = [
        max(0.0, float((a - p).square().sum().sqrt() - (a - n).square().sum().sqrt() + 0.7))
        for a, p, n in zip(anchor, right, wrong, strict=True)
    ]
    np.testing.assert_allclose(triplet_loss(anchor, right, wrong, 0.7).numpy(), wanted)
    same = torch.zeros(2, 3, requires_grad=True)
    triplet_loss(same, same, torch.ones(2, 3), 5.0).sum().backward()
    assert torch.isfinite(same.grad).all()


def frozen(count=20, dim=6):
    with seeded_torch(0, "test"):
        made = Frozen(torch.randn(count, dim))
        head = PictureHead(dim, 4, 0.0)
    place, ok = np.arange(count), np.ones(count, dtype=bool)
    return SourceFeatures(made, place, ok, mirrors=False, device="cpu"), head


def objective(*, literal=False, picture=None, point=None):
    features, head = frozen()
    picture = generator().integers(0, 20, (12, 2)) if picture is None else picture
    point = np.arange(20) if point is None else point
    source = generator(1).permutation(20)
    made = PictureObjective(
        head, features, Pairs(picture, 9), source, point, literal=literal, margin=5.0, lr=0.01
    )
    return made, source


@pytest.mark.parametrize("literal", [False, True])
def test_the_loss_of_step_1_equals_a_loop_over_pairs(literal):
    made, source = objective(literal=literal)
    anchors = np.array([3, 0, 7, 5, 2])
    pair = made.pairs.picture[anchors]
    draw = generator(4)
    order, usable = shuffled(5, draw) if literal else deranged(pair, draw)
    vectors = made.head(made.features.made.features[source])
    rows = []
    for row in range(5):
        a, p, n = vectors[pair[row, 0]], vectors[pair[row, 1]], vectors[pair[order[row], 1]]
        rows.append(torch.clamp((a - p).norm() - (a - n).norm() + 5.0, min=0))
    wanted = torch.stack(rows)[torch.from_numpy(usable)].mean()
    torch.testing.assert_close(made.loss(anchors, generator(4)), wanted)
    assert made.chance == 5.0
    assert made.held_out.tolist() == [9, 10, 11]


def test_pairs_without_a_negative_count_for_nothing():
    made, _ = objective(picture=np.tile([[0, 1]], (12, 1)))
    assert float(made.loss(np.arange(4), generator()).detach()) == 0.0


def test_vectors_that_tell_nothing_have_the_margin_as_their_loss():
    made, _ = objective()
    torch.nn.init.zeros_(made.head.linear.weight)
    assert float(made.loss(np.arange(8), generator()).detach()) == pytest.approx(5.0)


def test_step_1_brings_near_pictures_together():
    rng = generator()
    kind = np.repeat(np.arange(10), 10)  # ten neighbourhoods of ten pictures that look alike
    features = rng.normal(size=(10, 16))[kind] + 0.3 * rng.normal(size=(100, 16))
    pair = np.array(
        [rng.choice(np.flatnonzero(kind == k), 2, replace=False) for k in rng.integers(0, 10, 300)]
    )
    with seeded_torch(0, "test"):
        head = PictureHead(16, 8, 0.2)
    rows = Frozen(torch.from_numpy(features).float())
    source = SourceFeatures(rows, np.arange(100), np.ones(100, dtype=bool), mirrors=False, device="cpu")
    made = PictureObjective(
        head, source, Pairs(pair, 250), np.arange(100), np.arange(100), literal=False, margin=5.0, lr=0.01
    )
    log = train_stage(made, Schedule(batch=32, epochs=12, warmup=0, check_every=14), seed=0)
    assert log.checks[0][1] == pytest.approx(4.3, abs=1.0)
    assert log.best < 2.5
    vectors = head.eval()(torch.from_numpy(features).float()).detach().numpy()
    first, second = vectors[pair[250:]].transpose(1, 0, 2)
    near = np.linalg.norm(first - second, axis=1)
    far = np.linalg.norm(first - np.roll(second, 1, axis=0), axis=1)
    assert (near <= far).mean() > 0.8


def test_gradients_reach_the_head_and_a_trained_encoder(tmp_path):
    from PIL import Image

    for k in range(6):
        pixels = generator(k).integers(0, 256, (20, 20, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    with seeded_torch(0, "test"):
        encoder, head = load_image_encoder("tiny-cnn"), PictureHead(128, 4, 0.0)
    paths = [str(tmp_path / f"{k}.png") for k in range(6)]
    table = Versions(PictureTable(Image.open, paths, 24, threads=1), "mirror")
    features = SourceFeatures(
        TunedPictures(encoder, table, "cpu"), np.arange(6), table.ok, mirrors=True, device="cpu"
    )
    pairs = Pairs(np.array([[0, 1], [2, 3], [4, 5], [1, 0]]), 2)
    made = PictureObjective(
        head, features, pairs, np.arange(6), np.arange(6), literal=False, margin=5.0, lr=1.0
    )
    made.loss(np.arange(3), generator()).backward()
    [group] = made.parameter_groups()
    assert {id(one) for one in group["params"]} == {
        id(one) for part in (head, encoder) for one in part.parameters()
    }
    for name, one in [*head.named_parameters(), *encoder.named_parameters()]:
        if name != "linear.bias":  # which cancels in a distance
            assert one.grad is not None, name
            assert one.grad.abs().sum() > 0, name


def test_mirrored_pictures_stand_behind_their_own(tmp_path):
    from PIL import Image

    for k in range(3):
        pixels = generator(k).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    paths = [str(tmp_path / f"{k}.png") for k in range(3)]
    plain = PictureTable(Image.open, paths, 8, threads=1)
    table = Versions(plain, "mirror")
    assert len(table) == 3
    assert table.ok.all()
    [(pixels, _)] = list(table.batches(np.array([1, 4, 5]), 8))
    wanted = plain.pixels(np.array([1, 1, 2]))[0]
    np.testing.assert_array_equal(pixels[0], wanted[0])
    np.testing.assert_array_equal(pixels[1:], wanted[1:, ..., ::-1])
    encoder = load_image_encoder("tiny-cnn")
    features = SourceFeatures(
        TunedPictures(encoder, table, "cpu"),
        np.array([-1, 0, 1, 2]),
        np.ones(4, bool),
        mirrors=True,
        device="cpu",
    )
    with torch.no_grad():
        both = features.rows(np.array([[2, 2], [3, 1]]), np.array([[False, True], [False, False]]))
        again = features.rows(np.array([[2, 3]]))
    assert both.shape == (2, 2, 128)
    torch.testing.assert_close(both[0, 0], again[0, 0])
    torch.testing.assert_close(both[1, 0], again[0, 1])
    assert not torch.allclose(both[0, 0], both[0, 1])


def test_footprints_are_turned_over():
    shape = shapely.Polygon([(0, 0), (4, 0), (4, 1), (1, 1), (1, 3), (0, 3)])
    [turned] = mirror_shapes(np.array([shape], dtype=object))
    assert turned.equals(shapely.Polygon([(0, 0), (-4, 0), (-4, 1), (-1, 1), (-1, 3), (0, 3)]))
    assert shape.bounds == (0, 0, 4, 3)
    both = TunedShapes(load_image_encoder("tiny-cnn"), np.array([shape, turned]), size=32, device="cpu")
    with torch.no_grad():
        assert not torch.allclose(*both.rows(torch.arange(2)))


def test_means_and_filling_equal_loops():
    vectors = generator().normal(size=(9, 3)).astype(np.float32)
    group = np.array([0, 0, 2, 2, 2, 3, 3, 3, 3])
    mean, count = means(vectors, group, 5)
    assert count.tolist() == [2, 0, 3, 4, 0]
    for k in (0, 2, 3):
        np.testing.assert_allclose(mean[k], vectors[group == k].mean(axis=0), rtol=1e-6)
    # regions 0 to 3 in a row, region 4 far away
    shapes = shapely.box([0, 10, 20, 30, 500], 0, [10, 20, 30, 40, 510], 10)
    made = filled(mean, count > 0, shapes, 1.0)
    np.testing.assert_array_equal(made[[0, 2, 3]], mean[[0, 2, 3]])
    np.testing.assert_allclose(made[1], (mean[0] + mean[2]) / 2, rtol=1e-6)
    np.testing.assert_allclose(made[4], mean[[0, 2, 3]].mean(axis=0), rtol=1e-6)


def test_at_most_so_many_pictures_of_a_region_are_read():
    region = generator().integers(-1, 4, 200)
    assert chosen_pictures(region, None, generator()).tolist() == np.flatnonzero(region >= 0).tolist()
    some = chosen_pictures(region, 7, generator(1))
    assert np.bincount(region[some]).tolist() == [7, 7, 7, 7]
    assert (np.diff(some) > 0).all()
    assert chosen_pictures(region, 7, generator(2)).tolist() != some.tolist()
    assert len(chosen_pictures(np.array([-1, -1]), 7, generator())) == 0


def tags(*objects):
    maps = pa.array([list(one.items()) for one in objects], pa.map_(pa.string(), pa.string()))
    return tag_table(pd.Series(maps, dtype=pd.ArrowDtype(maps.type)))


def listed(tokens):
    return [sorted(tokens.names[tokens.code[tokens.row == k]].tolist()) for k in range(tokens.n)]


def test_words_of_tags_are_keys_values_cuisines_and_brands():
    made = tag_tokens(
        tags(
            {"amenity": "cafe", "cuisine": "Coffee_shop; cake", "brand": "Luna", "opening_hours": "24/7"},
            {},
            {"shop": "books;toys", "name": "shop"},
        )
    )
    assert listed(made) == [
        ["amenity=*", "amenity=cafe", "brand=luna", "cuisine=cake", "cuisine=coffee_shop"],
        [],
        ["shop=*", "shop=books", "shop=toys"],
    ]


def test_words_of_names_have_two_letters_and_tell_something():
    made = name_word_tokens(
        tags(
            {"name": "The Café-Bar 24 of Luna luna"},
            {"amenity": "cafe"},
            {"name": "A 7-Kiosk Ten No.2 馬來 x"},
        )
    )
    assert listed(made) == [["bar", "café", "luna"], [], ["kiosk", "馬來"]]


def region_words():
    rng = generator()
    region = rng.integers(0, 6, 300)
    word = np.minimum(rng.geometric(0.25, 300) - 1, 9) % (2 + region)
    region, word = np.append(region, [0, 0, 1]), np.append(word, [7, 8, 8])  # and nobody has word 9
    names = np.array([f"w{k}" for k in range(10)])
    return RegionWords(region, word, names, 7)


def test_words_a_region_lacks_are_drawn_by_their_count_to_a_power():
    words = region_words()
    absent = AbsentWords(words, 0.5)
    for region in range(7):
        own = set(words.word[words.region == region].tolist())
        weight = np.array([0.0 if k in own else words.counts[k] ** 0.5 for k in range(10)])
        drawn = absent.draw(np.full(20_000, region), generator(region))
        np.testing.assert_allclose(
            np.bincount(drawn, minlength=10) / 20_000, weight / weight.sum(), atol=0.015
        )


def test_rare_absent_words_are_found_though_nearly_all_draws_miss():
    # region 0 has all words but one, which is seen once elsewhere
    word = np.concatenate([np.repeat(np.arange(9), 100_000), [9]])
    region = np.concatenate([np.zeros(900_000, dtype=int), [1]])
    absent = AbsentWords(RegionWords(region, word, np.array([f"w{k}" for k in range(10)]), 2), 1.0)
    assert absent.draw(np.zeros(50, dtype=int), generator()).tolist() == [9] * 50


def word_objective(words, held_out=0.2):
    with seeded_torch(0, "test"):
        tables = Tables(torch.randn(words.n_regions, 4), torch.randn(len(words.names), 4))
    return WordObjective(
        tables, words, power=0.5, held_out=held_out, margin=2.0, lr=0.01, rng=generator(5), device="cpu"
    )


def test_the_loss_of_step_2_equals_a_loop_over_words_and_reaches_both_tables():
    words = region_words()
    made = word_objective(words)
    anchors = np.array([0, 17, 42, 99])
    wrong = made.absent.draw(words.region[anchors], generator(3))
    z, w = made.tables.region, made.tables.word
    wanted = torch.stack(
        [
            torch.clamp(
                (z[words.region[k]] - w[words.word[k]]).norm() - (z[words.region[k]] - w[n]).norm() + 2, min=0
            )
            for k, n in zip(anchors.tolist(), wrong.tolist(), strict=True)
        ]
    ).mean()
    loss = made.loss(anchors, generator(3))
    torch.testing.assert_close(loss, wanted)
    loss.backward()
    assert set(np.flatnonzero(z.grad.abs().sum(1))) <= set(words.region[anchors].tolist())
    assert z.grad.abs().sum() > 0
    assert w.grad.abs().sum() > 0


def test_held_out_pairs_of_region_and_word_are_held_out_with_all_their_occurrences():
    words = region_words()
    rows = held_out_rows(words, 0.3, generator())
    keys = words.region * 10 + words.word
    away = set(keys[rows].tolist())
    assert len(away) == round(0.3 * len(set(keys.tolist())))
    assert not away & set(np.delete(keys, rows).tolist())


def test_regions_with_every_word_are_left_out():
    word = np.concatenate([np.arange(4), [0, 1, 1]])
    words = RegionWords(np.array([0, 0, 0, 0, 1, 1, 2]), word, np.array(list("abcd")), 3)
    made = word_objective(words)
    assert made.absent.possible.tolist() == [False, True, True]
    assert made.words.region.tolist() == [1, 1, 2]
    assert made.n_anchors == 3


def test_word_vectors_are_read_from_a_text_file(tmp_path):
    file = tmp_path / "glove.txt"
    file.write_text("cafe 1 2 3\nbar 4 5 6\nshort 1 2\n", encoding="utf-8")
    made = read_word_vectors(file, ["bar", "luna"], 3)
    assert {name: one.tolist() for name, one in made.items()} == {"bar": [4.0, 5.0, 6.0]}
    assert name_word_vectors(str(file)).startswith("glove.txt@")
    assert name_word_vectors("random") == "random"
    with pytest.raises(BadInput, match=r"length 2\. Expected 3"):
        read_word_vectors(file, ["short"], 3)
    with pytest.raises(DataMissing, match=r"no file of word vectors"):
        read_word_vectors(tmp_path / "none.txt", [], 3)
