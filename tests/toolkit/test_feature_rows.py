"""Features behind encoders that are trained: what is done for a GPU gives what the plain way gives, values and gradients."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizer, ResNetConfig, ResNetModel

from urbanbench.toolkit.features import _inner_values as inner
from urbanbench.toolkit.features._feature_rows import TunedPictures, TunedTexts
from urbanbench.toolkit.features._inner_values import InnerValues
from urbanbench.toolkit.pictures._pixel_feed import PixelFeed
from urbanbench.toolkit.pictures._small_convolutions import safe_to_train
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.picture_versions import Versions
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.texts import _text_nets as nets
from urbanbench.toolkit.texts._text_nets import HashedWords, PooledTransformer
from urbanbench.toolkit.texts._token_store import TokenStore, parts_by_length
from urbanbench.toolkit.training import seeded_torch

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "amenity", "shop", "name", "cafe", "bakery", ":", ","]
TEXTS = [" ".join(WORDS[5 + (row + k) % 7] for k in range(1 + row * 7 % 13)) for row in range(40)]
PATHS = [f"{row}.png" for row in range(20)]
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)


def bert(pool="mean", dropout=0.0):
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
    shares = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    with seeded_torch(0, "bert"):
        model = BertModel(BertConfig(vocab_size=len(WORDS), **sizes, **shares), add_pooling_layer=False)
    tokenizer = BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)})
    return PooledTransformer("bert", model, tokenizer, pool)


def resnet(widths=(16, 16)):
    with seeded_torch(0, "resnet"):
        shape = {"embedding_size": widths[0], "hidden_sizes": [*widths], "depths": [1] * len(widths)}
        return nets_of(ResNetModel(ResNetConfig(**shape, layer_type="basic")))


def nets_of(model):
    from urbanbench.toolkit.pictures._image_nets import ResNetEncoder

    return ResNetEncoder("resnet", model)


class Opener:
    def __init__(self, broken=()):
        self.opened, self.broken = [], broken

    def __call__(self, path):
        self.opened.append(path)
        if path in self.broken:
            raise FileNotFoundError(path)
        return Image.fromarray(PIXELS[int(path.split(".")[0])])


def taken(source, index, encoder):
    """Return features and the gradient of all weights of a loss on them."""
    encoder.zero_grad()
    made = source.rows(torch.as_tensor(index))
    (made * torch.linspace(-1, 1, made.numel()).view_as(made)).sum().backward()
    return made.detach(), {name: one.grad.clone() for name, one in encoder.named_parameters()}


def assert_alike(one, other, **close):
    torch.testing.assert_close(one[0], other[0], **close)
    for name, gradient in one[1].items():
        torch.testing.assert_close(gradient, other[1][name], **close)


# Texts


@pytest.mark.parametrize("side", ["right", "left"])
def test_tokens_that_were_kept_are_those_of_the_tokenizer(side):
    encoder = bert()
    encoder.tokenizer.padding_side = side
    store, rows = TokenStore(encoder, TEXTS, "cpu"), np.array([7, 0, 39, 7])
    wanted = encoder.tokenize([TEXTS[row] for row in rows])
    made = store.batch(rows)
    assert {name: one.tolist() for name, one in made.items()} == {
        name: one.tolist() for name, one in wanted.items()
    }
    assert store.length[rows].tolist() == wanted["attention_mask"].sum(dim=1).tolist()


def test_words_that_were_kept_are_those_of_the_text():
    encoder, texts = HashedWords(6), [*TEXTS, "!?"]
    store, rows = TokenStore(encoder, texts, "cpu"), np.array([3, 40, 12, 40])
    wanted = encoder.tokenize([texts[row] for row in rows])
    assert {name: one.tolist() for name, one in store.batch(rows).items()} == {
        name: one.tolist() for name, one in wanted.items()
    }


def test_a_text_becomes_tokens_once():
    class Counting(HashedWords):
        seen = 0

        def ids(self, texts):
            self.seen += len(texts)
            return super().ids(texts)

    encoder = Counting(6)
    source = TunedTexts(encoder, TEXTS, "cpu")
    for _ in range(3):
        source.rows(torch.tensor([4, 1, 4]))
    assert encoder.seen == len(TEXTS)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_texts_by_tokens_are_the_texts_by_letters(pool):
    encoder, index = bert(pool), [3, 39, 3, *range(40)]
    plain = taken(TunedTexts(encoder, TEXTS, "cpu"), index, encoder)
    packed = taken(TunedTexts(encoder, TEXTS, "cpu", by_tokens=True), index, encoder)
    assert_alike(packed, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_a_mask_that_nobody_looks_into_hides_the_same(pool, monkeypatch):
    encoder, index = bert(pool), list(range(40))
    assert encoder._wide_masks
    plain = taken(TunedTexts(encoder, TEXTS, "cpu"), index, encoder)
    shapes = []
    encoder.model.register_forward_pre_hook(
        lambda _, given, named: shapes.append(named["attention_mask"].dim()), with_kwargs=True
    )
    monkeypatch.setattr(nets, "runs_behind", lambda device: True)
    wide = taken(TunedTexts(encoder, TEXTS, "cpu"), index, encoder)
    assert set(shapes) == {4}
    assert_alike(wide, plain, rtol=1e-4, atol=1e-6)


def cost(parts, length, start):
    return sum(start + len(part) * length[part].max() for part in parts)


@pytest.mark.parametrize("seed", range(5))
def test_parts_cost_least_of_all_ways_to_cut_the_texts_by_length(seed):
    rng = np.random.default_rng(seed)
    length, start = rng.integers(1, 12, 9), int(rng.integers(0, 15))
    parts = parts_by_length(length, most=10**6, start=start)
    assert sorted(np.concatenate(parts).tolist()) == list(range(9))
    order = np.sort(length)
    cheapest = min(
        sum(start + len(one) * one.max() for one in np.split(order, cuts))
        for several in range(9)
        for cuts in itertools.combinations(range(1, 9), several)
    )
    assert cost(parts, length, start) == cheapest


def test_no_part_has_more_tokens_than_fit():
    length = np.random.default_rng(0).integers(1, 60, 500)
    parts = parts_by_length(length, most=300, start=10)
    assert sorted(np.concatenate(parts).tolist()) == list(range(500))
    assert max(len(part) * length[part].max() for part in parts) <= 300
    assert [len(part) for part in parts_by_length(np.array([400, 400]), most=300, start=10)] == [1, 1]
    assert parts_by_length(np.empty(0, dtype=np.int64), most=300, start=10) == []


# Inner values


class Counted(nn.Module):
    """Two layers with dropout between them; counts its calls."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.calls = nn.Linear(4, 16), nn.Linear(16, 3), 0

    def forward(self, inputs):
        self.calls += 1
        return self.second(nn.functional.dropout(self.first(inputs).relu(), 0.5))


def through(most, parts=4):
    with seeded_torch(0, "inner"):
        encoder, inputs = Counted(), torch.randn(parts, 10, 4)
        values = InnerValues(encoder, "cpu", most=most)
        for _ in range(2):  # the first step measures
            encoder.zero_grad()
            encoder.calls = 0
            values.begin()
            made = torch.cat([values.through(encoder, one, 10) for one in inputs])
            made.square().sum().backward()
    return made.detach(), [one.grad for one in encoder.parameters()], encoder.calls


def test_inner_values_are_computed_again_only_where_they_do_not_fit():
    roomy, tight = through(1 << 20), through(0)
    assert roomy[2] == 4
    assert tight[2] == 8
    assert torch.equal(roomy[0], tight[0])
    assert all(torch.equal(one, other) for one, other in zip(roomy[1], tight[1], strict=True))


def test_as_many_parts_keep_their_inner_values_as_fit():
    encoder = Counted()
    values = InnerValues(encoder, "cpu", most=1 << 20)
    values.begin()
    values.through(encoder, torch.randn(10, 4), 10)
    each = (1 << 20) - values._left
    assert 10 * (4 + 16 + 16) * 4 <= each <= 10 * (4 + 5 * 16) * 4
    made = through(int(each * 2.5))
    assert made[2] == 4 + 2
    assert torch.equal(made[0], through(0)[0])


def test_a_text_encoder_has_the_same_gradients_whether_its_inner_values_are_kept_or_not(monkeypatch):
    grown = []
    for most in (0, 1 << 30):
        monkeypatch.setattr(inner, "_room", lambda _, most=most: most)
        encoder = bert(dropout=0.2).train()
        with seeded_torch(1, "dropout"):
            grown.append(taken(TunedTexts(encoder, TEXTS * 4, "cpu"), range(160), encoder))
    assert torch.equal(grown[0][0], grown[1][0])
    assert all(torch.equal(one, grown[1][1][name]) for name, one in grown[0][1].items())


# Pictures


@pytest.mark.parametrize("most_kept", [0, 1 << 20])
def test_a_feed_gives_the_pixels_of_the_table(most_kept):
    opener = Opener(broken=("5.png",))
    table, rows = PictureTable(opener, PATHS, 8), np.array([3, 5, 19, 0])
    wanted, _ = table.pixels(rows)
    feed = PixelFeed(table, "cpu", most_kept=most_kept)
    feed.expect(rows)
    for asked in (rows, rows[::-1], rows):
        place = [rows.tolist().index(one) for one in asked]
        np.testing.assert_array_equal(feed.pixels(asked).numpy(), wanted[place])
    assert feed.pixels(np.array([5])).sum() == 0


def test_pictures_that_were_told_of_are_decoded_before_they_are_asked_for_and_once():
    opener = Opener()
    feed = PixelFeed(PictureTable(opener, PATHS, 8), "cpu", most_kept=0)
    feed.expect(np.array([2, 4]))
    memory, wait = next(iter(feed._begun.values()))
    wait()
    assert sorted(opener.opened) == ["2.png", "4.png"]
    assert feed.pixels(np.array([2, 4])).data_ptr() == memory.data_ptr()
    assert len(opener.opened) == 2
    for row in range(6):
        feed.expect(np.array([row]))
    assert len(feed._begun) == 2


def test_pictures_that_fit_are_decoded_once_for_all_steps():
    opener = Opener()
    feed = PixelFeed(PictureTable(opener, PATHS, 8), "cpu")
    for rows in ([1, 2], [2, 3], [0]):
        feed.expect(np.array(rows))
        feed.pixels(np.array(rows))
    assert sorted(opener.opened) == sorted(PATHS)


def test_a_feed_of_changed_pictures_gives_them_changed():
    table = Versions(PictureTable(Opener(), PATHS, 8), "turn")
    rows = np.array([2, 22, 42, 62])
    wanted = np.concatenate([pixels for pixels, _ in table.batches(rows, 4)])
    made = PixelFeed(table, "cpu", most_kept=0).pixels(rows).numpy()
    np.testing.assert_array_equal(made, wanted)
    np.testing.assert_array_equal(made[1], np.rot90(made[0], 1, (1, 2)))


@pytest.mark.parametrize("name", ["tiny-cnn", "resnet"])
def test_pictures_that_are_fed_give_the_features_of_those_that_are_not(name):
    with seeded_torch(0, "cnn"):
        encoder = load_image_encoder("tiny-cnn") if name == "tiny-cnn" else resnet()
    table, index = PictureTable(Opener(), PATHS, 16), [3, 9, 3, 0, 19]
    plain = taken(TunedPictures(encoder, table, "cpu"), index, encoder)
    fed = taken(TunedPictures(encoder, table, "cpu", fed=True), index, encoder)
    assert torch.equal(fed[0], plain[0])
    assert all(torch.equal(one, plain[1][name]) for name, one in fed[1].items())


# Strided 1x1 convolutions over few channels


TRAINING = """
    import sys
    import torch
    from transformers import ResNetConfig, ResNetModel
    from urbanbench.toolkit.pictures._image_nets import ResNetEncoder
    from urbanbench.toolkit.pictures._small_convolutions import safe_to_train
    from urbanbench.toolkit.pictures.table import normalise

    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    config = ResNetConfig(hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], layer_type="basic")
    encoder = safe_to_train(ResNetEncoder("small", ResNetModel(config)))
    pixels = torch.randint(0, 256, (16, 3, 224, 224), dtype=torch.uint8)
    for _ in range(4):
        encoder.zero_grad()
        encoder(normalise(pixels, encoder.mean, encoder.std)).square().sum().backward()
    print("alive", all(one.grad.isfinite().all() for one in encoder.parameters()))
"""


LAYER = """
    import torch
    from torch import nn
    from urbanbench.toolkit.pictures._small_convolutions import safe_to_train

    torch.set_num_threads(1)
    layer = safe_to_train(nn.Sequential(nn.Conv2d(8, 16, 1, stride=2, bias=False)))
    for several in (16, 4, 1):
        images = torch.randn(several, 8, 56, 56).contiguous(memory_format=torch.channels_last)
        for _ in range(4):
            layer(images).sum().backward()
    print("alive", layer[0].weight.grad.isfinite().all().item())
"""


def assert_alive(program, *words):
    words = [sys.executable, "-c", textwrap.dedent(program), *words]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (0, "alive True\n"), done.stderr[-500:]


def test_a_strided_layer_over_few_channels_is_trained_without_a_crash_of_the_process():
    assert_alive(LAYER)


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_small_resnet_is_trained_without_a_crash_of_the_process(threads):
    assert_alive(TRAINING, threads)


def test_only_strided_1x1_layers_over_few_channels_get_another_layout():
    few, many = nn.Conv2d(8, 4, 1, stride=2), nn.Conv2d(16, 4, 1, stride=2)
    others = [many, nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 3, stride=2)]
    safe_to_train(nn.Sequential(few, *others))
    seen = {}
    for layer in (few, *others):
        layer.register_forward_pre_hook(
            lambda one, given: seen.__setitem__(
                one, given[0].is_contiguous(memory_format=torch.channels_last)
            )
        )
        images = torch.randn(2, layer.in_channels, 8, 8).contiguous(memory_format=torch.channels_last)
        layer(images)
    assert [seen[layer] for layer in (few, *others)] == [False, True, True, True]


def test_the_way_round_changes_no_value_by_more_than_rounding():
    encoder = resnet((8, 8, 16)).eval()
    images = torch.randn(3, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        before = encoder(images)
        after = safe_to_train(encoder)(images)
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-6)


# On a GPU


@pytest.mark.gpu
def test_texts_on_a_gpu_are_those_of_the_cpu():
    here, there = bert(), bert()
    plain = taken(TunedTexts(here, TEXTS, "cpu"), range(40), here)
    source = TunedTexts(there, TEXTS, "cuda")
    made = source.rows(torch.arange(40))
    torch.testing.assert_close(made.detach().cpu(), plain[0], rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("most_kept", [0, 1 << 20])
def test_pictures_on_a_gpu_are_those_of_the_cpu(most_kept):
    table = PictureTable(Opener(), PATHS, 16)
    plain = TunedPictures(resnet(), table, "cpu").rows(torch.arange(20)).detach()
    source = TunedPictures(resnet(), table, "cuda")
    source._feed = PixelFeed(table, "cuda", most_kept=most_kept)
    source.expect(np.arange(20))
    made = source.rows(torch.arange(20)).detach().cpu()
    torch.testing.assert_close(made, plain, rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
def test_room_for_inner_values_on_a_gpu_is_what_is_free():
    assert 0 < inner._room("cuda") <= inner.MOST_ON_GPU
