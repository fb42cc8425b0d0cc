"""UrbanCLIP's tiles, captions, towers and losses against slow references."""

from math import log

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from urbanbench.errors import BadInput, CityFaults
from urbanbench.models._urbanclip import words as words_module
from urbanbench.models._urbanclip.captions import collect, split_sentences
from urbanbench.models._urbanclip.image_towers import (
    FrozenTokens,
    ScratchImage,
    encode_all,
    encode_tokens,
)
from urbanbench.models._urbanclip.layers import Layer, causal_mask
from urbanbench.models._urbanclip.net import CoCa, caption_loss
from urbanbench.models._urbanclip.objective import CaptionObjective
from urbanbench.models._urbanclip.template import amounts, cover_shares, cover_words, most_common
from urbanbench.models._urbanclip.text_towers import FrozenText, ScratchText
from urbanbench.models._urbanclip.tiles import Tiles
from urbanbench.models._urbanclip.words import BEGIN, END, PAD, RARE, SPECIAL, read_sentences
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.table import PictureTable, normalise

TEXTS = ("a park with trees.", "a road and a park.", "houses, houses and a road.", "trees")


def groups(*members):
    owner = [k for k, some in enumerate(members) for _ in some]
    return Groups.from_pairs(
        np.array(owner), np.array([one for some in members for one in some]), len(members)
    )


def striped(width, height):
    """A picture whose red is its column and green its row."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width) * 10, np.arange(height)[:, None] * 10
    return Image.fromarray(pixels)


def tiles_of(box, images, image_box, sources=None):
    none = Groups(np.zeros(len(box) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))

    def opened(path):
        if path not in images:
            raise CityFaults("town", [f"{path}: broken"])
        return images[path]

    return Tiles(
        np.arange(len(box)), np.array(box, float), tuple(sorted({*images, *"ab"[: len(box)]})),
        np.array(image_box, float), sources or none, opened,
    )  # fmt: skip


def test_a_tile_is_the_part_of_the_picture_that_shows_its_ground_north_up():
    tiles = tiles_of([[4, 2, 8, 6]], {"a": striped(10, 10)}, [[0, 0, 10, 10]])
    made = np.asarray(tiles.compose(0, 4))
    np.testing.assert_array_equal(made, np.asarray(striped(10, 10))[4:8, 4:8])


def test_ground_that_no_picture_shows_is_grey_and_neighbours_fill_what_they_show():
    pictures = {"a": Image.new("RGB", (4, 4), (255, 0, 0)), "b": Image.new("RGB", (4, 4), (0, 0, 255))}
    box, shown = [[0, 0, 12, 4], [4, 0, 8, 4]], [[0, 0, 4, 4], [3, 0, 8, 4]]
    tiles = tiles_of(box, pictures, shown, groups([1], [0]))
    row = np.asarray(tiles.compose(0, 12))[6]
    assert [tuple(one) for one in row[[0, 3, 4, 7, 8, 11]].tolist()] == [
        (255, 0, 0), (255, 0, 0), (0, 0, 255), (0, 0, 255), (127, 127, 127), (127, 127, 127),
    ]  # fmt: skip


def test_a_broken_neighbour_is_left_out_and_a_broken_own_picture_is_told():
    tiles = tiles_of(
        [[0, 0, 8, 4], [4, 0, 8, 4]],
        {"a": Image.new("RGB", (4, 4), "red")},
        [[0, 0, 4, 4], [4, 0, 8, 4]],
        groups([1], [0]),
    )
    assert np.asarray(tiles.compose(0, 8))[0, 7].tolist() == [127, 127, 127]
    with pytest.raises(CityFaults):
        tiles.compose(1, 8)
    assert PictureTable(tiles.opener(8), tiles.names, 8).ok.tolist() == [True, False]


@pytest.mark.parametrize(("side", "shared", "opened"), [(4, True, 0), (4, False, 2), (1000, True, 4)])
def test_only_small_pictures_that_tiles_share_are_kept(side, shared, opened):
    pictures = {one: Image.new("RGB", (side, side), "red") for one in "ab"}
    around = groups([1], [0]) if shared else None
    tiles = tiles_of([[0, 0, 8, 4], [0, 0, 8, 4]], pictures, [[0, 0, 4, 4], [4, 0, 8, 4]], around)
    tiles.compose(0, 8), tiles.compose(1, 8)
    asked = []
    again = tiles.open_image
    object.__setattr__(tiles, "open_image", lambda path: asked.append(path) or again(path))
    tiles.compose(0, 8), tiles.compose(1, 8)
    assert len(asked) == opened


def test_the_digest_of_tiles_follows_their_ground_and_not_where_the_city_lies():
    def digest(box, shift=0.0):
        moved = np.array([box], float) + shift
        return tiles_of(moved, {"a": striped(4, 4)}, np.array([[0, 0, 4, 4]]) + shift).digest("x")

    assert digest([0, 0, 4, 4]) == digest([0, 0, 4, 4], 4096.0)
    assert digest([0, 0, 4, 4]) != digest([1, 0, 4, 4])


def test_captions_are_collected_by_region_and_dropped_by_word():
    told = ["An ocean view.", "Oceans.", "A park.", "A park.", "Oceanside road."]
    made = collect(np.array([0, 1, 2, 2, 1]), told, 4, ("ocean",))
    mine = [[made.sentences[k] for k in made.of_region.take(np.array([region]))[0]] for region in range(4)]
    assert mine == [[], ["Oceanside road."], ["A park.", "A park."], []]
    assert split_sentences("A park. Two roads! So") == ["A park.", "Two roads!", "So"]


def test_words_get_numbers_by_frequency_and_rare_ones_share_one(monkeypatch):
    monkeypatch.setattr(words_module, "MOST_WORDS", 5)
    read, words = read_sentences(TEXTS, 6)
    count = {}
    for text in TEXTS:
        for word in text.replace(".", " .").replace(",", " ,").split()[:4]:
            count[word] = count.get(word, 0) + 1
    assert list(words) == sorted(count, key=lambda word: (-count[word], word))[:5]
    number = {word: SPECIAL + k for k, word in enumerate(words)}
    wanted = [number.get(word, RARE) for word in ("a", "road", "and", "a")]
    assert read.ids[1].tolist() == [BEGIN, *wanted, END]
    assert RARE in wanted
    assert read.ids[3].tolist() == [BEGIN, number.get("trees", RARE), END, PAD, PAD, PAD]
    assert (read.length.tolist(), read.n_words) == ([6, 6, 6, 3], SPECIAL + len(words))


def test_ground_cover_counts_pixels_by_colour():
    pixels = np.zeros((1, 3, 2, 2), dtype=np.uint8)
    pixels[0, :, 0, 0], pixels[0, :, 0, 1] = (40, 120, 40), (50, 90, 130)
    pixels[0, :, 1, 0], pixels[0, :, 1, 1] = (200, 200, 200), (130, 140, 135)
    np.testing.assert_allclose(cover_shares(pixels), [[0.25, 0.25, 0.5]])
    assert cover_words(np.array([np.nan] * 3)) == ""
    assert cover_words(np.array([0.7, 0.0, 0.3])) == "A region mostly green, partly built"


def test_the_most_common_kinds_and_thirds_agree_with_loops():
    rng = np.random.default_rng(0)
    region, kind = rng.integers(-1, 5, 200), np.array(["a_b", "c", "d", "e"], object)[rng.integers(0, 4, 200)]
    weight = rng.integers(1, 4, 200).astype(float)
    made = most_common(region, kind, weight, 6, 2)
    for one in range(6):
        total = {}
        for r, k, w in zip(region, kind, weight, strict=True):
            if r == one:
                total[k] = total.get(k, 0) + w
        best = sorted(total, key=lambda name: (-total[name], name))[:2]
        assert made[one] == [name.replace("_", " ") for name in best]
    assert amounts(np.array([0, 1.0, 2, 3, 0]), ("few", "some", "many")) == ["", "few", "some", "many", ""]
    assert amounts(np.zeros(2), ("few", "some", "many")) == ["", ""]


def test_a_causal_layer_tells_nothing_of_what_follows():
    torch.manual_seed(0)
    layer, states = Layer(8, 2).eval(), torch.randn(1, 5, 8)
    changed = states.clone()
    changed[0, 3:] += 1
    mask = causal_mask(5, states.device)
    one, other = layer(states, mask), layer(changed, mask)
    assert torch.equal(one[0, :3], other[0, :3])
    assert not torch.allclose(one[0, 3:], other[0, 3:])


def test_padding_and_later_words_do_not_reach_a_sentence():
    torch.manual_seed(0)
    read, _ = read_sentences(TEXTS, 12)
    tower = ScratchText(read, dim=8, heads=2, layers=2, device="cpu").eval()
    rows = torch.tensor([3, 0])
    ids, real = tower.words(rows)
    sentence, states = tower(ids, real, rows)
    alone_ids, alone_real = tower.words(rows[:1])
    assert alone_ids.shape[1] == 3 < ids.shape[1]
    alone, _ = tower(alone_ids, alone_real, rows[:1])
    torch.testing.assert_close(alone[0], sentence[0])
    ids[1, 2:] = RARE
    _, changed = tower(ids, real, rows)
    assert torch.equal(changed[1, :2], states[1, :2])


def test_caption_loss_agrees_with_a_loop_over_words():
    torch.manual_seed(0)
    logits, ids = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    real = torch.arange(5) < torch.tensor([5, 3, 2])[:, None]
    losses = [
        -functional.log_softmax(logits[b, place], dim=0)[ids[b, place + 1]]
        for b, length in enumerate((5, 3, 2))
        for place in range(length - 1)
    ]
    torch.testing.assert_close(caption_loss(logits, ids, real), torch.stack(losses).mean())


def small_net(text="scratch"):
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    read, _ = read_sentences(TEXTS, 12)
    image = FrozenTokens(rng.normal(size=(6, 8)).astype(np.float32), 2, "cpu")
    tower = (
        ScratchText(read, dim=8, heads=2, layers=1, device="cpu")
        if text == "scratch"
        else FrozenText(read, rng.normal(size=(4, 5)).astype(np.float32), dim=8, device="cpu")
    )
    return CoCa(image, tower, dim=8, heads=2, queries=3, layers=1)


def objective_of(net, **changes):
    settings = {
        "fixed": False, "mask_same": False, "caption_weight": 1.0, "lr": 1e-3, "weight_decay": 0.01, "seed": 0, "device": "cpu",
    }  # fmt: skip
    tile, picture = np.arange(6), np.array([0, 1, 2, 3, 3, 5])
    sentences = groups([0, 1], [1], [2, 3, 3], [0], [1, 2], [3])
    return CaptionObjective(net, tile, picture, sentences, **settings | changes)


@pytest.mark.parametrize("mask_same", [False, True])
def test_the_contrastive_loss_agrees_with_loops(mask_same):
    net = small_net()
    objective = objective_of(net, mask_same=mask_same)
    anchors, sentence = np.array([0, 1, 3, 4, 5]), np.array([0, 1, 0, 2, 3])
    contrastive, _, chance = objective.parts(anchors, sentence)
    pictures = net.see(torch.from_numpy(anchors))[0].detach()
    texts = net.read(torch.from_numpy(sentence))[0].detach()
    scale, losses, counts = float(net.log_scale.detach().exp()), [], []
    for i in range(5):
        kept = [
            j for j in range(5)
            if j == i or not mask_same
            or (sentence[i] != sentence[j] and objective.picture[anchors[i]] != objective.picture[anchors[j]])
        ]  # fmt: skip
        counts.append(log(len(kept)))
        for one, others in ((pictures[i], texts), (texts[i], pictures)):
            score = {j: scale * float(one @ others[j]) for j in kept}
            losses.append(log(sum(np.exp(v) for v in score.values())) - score[i])
    assert float(contrastive.detach()) == pytest.approx(np.mean(losses), abs=1e-4)
    assert chance == pytest.approx(np.mean(counts))
    assert (min(counts) < log(5)) == mask_same


def test_training_adds_the_caption_loss_and_judging_leaves_it_out():
    net = small_net()
    objective = objective_of(net, caption_weight=0.5)
    anchors = np.arange(4)
    sentence = objective.draw(anchors, np.random.default_rng(3))
    contrastive, caption, _ = objective.parts(anchors, sentence)
    loss = objective.loss(anchors, np.random.default_rng(3))
    assert float(loss.detach()) == pytest.approx(float((contrastive + 0.5 * caption).detach()), rel=1e-5)
    assert objective.chance == pytest.approx(log(4) + 0.5 * log(net.text.n_words))
    net.eval()
    assert float(objective.loss(anchors, np.random.default_rng(3)).detach()) == pytest.approx(
        float(contrastive.detach()), rel=1e-5
    )
    assert objective.chance == pytest.approx(log(4))


def test_each_sentence_of_a_region_is_drawn_as_often_as_it_stands():
    objective = objective_of(small_net())
    drawn = objective.draw(np.full(6000, 2), np.random.default_rng(0))
    share = np.bincount(drawn, minlength=4) / 6000
    np.testing.assert_allclose(share, [0, 0, 1 / 3, 2 / 3], atol=0.03)
    allowed = [{0, 1}, {1}, {2, 3}, {0}, {1, 2}, {3}]
    for step in range(20):
        drawn = objective.draw(np.arange(6), np.random.default_rng(step)).tolist()
        assert all(one in some for one, some in zip(drawn, allowed, strict=True))


def test_a_fixed_caption_stays_for_all_steps_and_follows_the_seed():
    one, other = (objective_of(small_net(), fixed=True, seed=seed) for seed in (0, 1))
    drawn = [one.draw(np.arange(6), np.random.default_rng(step)).tolist() for step in range(5)]
    assert all(row == drawn[0] for row in drawn)
    several = [objective_of(small_net(), fixed=True, seed=s).draw(np.arange(6), None)[0] for s in range(12)]
    assert set(several) == {0, 1}
    assert other.draw(np.array([1]), None).tolist() == [1]


@pytest.mark.parametrize("text", ["scratch", "frozen"])
def test_gradients_reach_all_that_is_trained_and_each_parameter_stands_once(text):
    net = small_net(text)
    objective = objective_of(net)
    objective.loss(np.arange(6), np.random.default_rng(0)).backward()
    still = [name for name, one in net.named_parameters() if one.grad is None or not one.grad.abs().sum()]
    assert still == []
    given = [id(one) for group in objective.parameter_groups() for one in group["params"]]
    assert sorted(given) == sorted(map(id, net.parameters()))
    decay = [group["weight_decay"] for group in objective.parameter_groups()]
    assert decay == [0.01, 0.0]


def test_the_inverse_temperature_stays_within_its_limits():
    net = small_net()
    for start, end in ((9.0, log(100)), (-2.0, 0.0), (2.0, 2.0)):
        with torch.no_grad():
            net.log_scale.fill_(start)
        objective_of(net).loss(np.arange(4), np.random.default_rng(0))
        assert float(net.log_scale.detach()) == pytest.approx(end)


def test_parts_of_a_picture_average_to_the_encoders_own_vector():
    torch.manual_seed(0)
    encoder = load_image_encoder("random-efficientnet-lite0")
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        fine, vector = encode_tokens(encoder, images, 0)
        whole, _ = encode_tokens(encoder, images, 1)
        expected = encoder(images)
    assert vector is None
    assert fine.shape == (2, 4, 1280)
    torch.testing.assert_close(fine.mean(dim=1), expected)
    torch.testing.assert_close(whole[:, 0], expected)
    with pytest.raises(BadInput, match="no way to read parts"):
        encode_tokens(torch.nn.Identity(), images, 0)


def test_pictures_that_do_not_open_have_no_features():
    torch.manual_seed(0)
    encoder = load_image_encoder("random-efficientnet-lite0")
    tiles = tiles_of([[0, 0, 4, 4]] * 2, {"a": striped(8, 8)}, [[0, 0, 4, 4]] * 2)
    table = PictureTable(tiles.opener(64), tiles.names, 64)
    made = encode_all(encoder, table, 2, "cpu")
    assert np.isnan(made[1]).all()
    with torch.no_grad():
        images = normalise(torch.from_numpy(table.pixels(np.array([0]))[0]), encoder.mean, encoder.std)
        tokens = encode_tokens(encoder, images, 2)[0]
    tower = FrozenTokens(made, 4, "cpu")
    assert tower.ok.tolist() == [True, False]
    torch.testing.assert_close(tower(torch.tensor([0]))[0], tokens)


def test_patches_must_fill_the_picture():
    tiles = tiles_of([[0, 0, 4, 4]], {"a": striped(8, 8)}, [[0, 0, 4, 4]])
    table = PictureTable(tiles.opener(48), tiles.names, 48)
    with pytest.raises(BadInput, match="multiple of the patch"):
        ScratchImage(table, dim=8, heads=2, layers=1, patch=32, device="cpu")
    tower = ScratchImage(table, dim=8, heads=2, layers=1, patch=16, device="cpu")
    assert tower(torch.tensor([0, 0]))[0].shape == (2, 9, 8)
