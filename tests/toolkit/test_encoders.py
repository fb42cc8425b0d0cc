"""Text and image encoders by name; real loading paths run on small random models saved to a folder."""

import os
import re

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, ResNetConfig, ResNetModel

from urbanbench.errors import ExtraMissing, UnknownName
from urbanbench.toolkit.pictures._image_nets import _SameConv
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder, name_image_encoder
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder, name_text_encoder
from urbanbench.toolkit.training import seeded_torch

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "amenity",
    "cafe",
    "bar",
    "school",
    "name",
    "shop",
    ":",
    ",",
]


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    from transformers import BertTokenizer

    folder = tmp_path_factory.mktemp("weights") / "tiny-bert"
    with seeded_torch(0, "tiny-bert"):
        config = BertConfig(
            vocab_size=len(WORDS),
            hidden_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
        )
        BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


def test_packaged_bert_knows_what_belongs_together():
    texts = ["amenity: restaurant", "amenity: cafe", "power: pole"]
    vectors = encode_texts(load_text_encoder("minilm"), texts)
    assert vectors.shape == (3, 384)
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert scaled[0] @ scaled[1] > scaled[0] @ scaled[2] + 0.2


def test_mean_pooling_does_not_see_the_padding():
    encoder = load_text_encoder("minilm")
    alone = encode_texts(encoder, ["shop: bakery"])
    padded = encode_texts(
        encoder, ["shop: bakery", "name: a much longer text with many more words, shop: supermarket"]
    )[:1]
    np.testing.assert_allclose(alone, padded, atol=1e-5)


def test_a_local_folder_loads_and_pools_as_asked(bert_folder):
    mean, first = load_text_encoder(str(bert_folder)), load_text_encoder(str(bert_folder), pool="cls")
    tokens = mean.tokenize(["amenity: cafe"])
    hidden = mean.model(**tokens).last_hidden_state[0]
    torch.testing.assert_close(mean(tokens)[0], hidden.mean(dim=0))
    torch.testing.assert_close(first(tokens)[0], hidden[0])
    assert mean.dim == 12
    assert re.fullmatch(r"tiny-bert@[0-9a-f]{10}", mean.name)
    assert name_text_encoder(str(bert_folder)) == mean.name


def test_texts_come_back_in_order_whatever_their_length(bert_folder):
    encoder = load_text_encoder(str(bert_folder))
    texts = ["amenity: cafe, name: bar bar", "shop: bar", "amenity: school", "bar"]
    together = encode_texts(encoder, texts, batch=2)
    one_by_one = np.concatenate([encode_texts(encoder, [text]) for text in texts])
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)


def test_hashed_words_are_the_mean_of_their_words():
    with seeded_torch(0, "hashing"):
        encoder = load_text_encoder("hashing")
    both, cafe, bar, none = encode_texts(encoder, ["Cafe: bar", "cafe", "bar", "…"])
    np.testing.assert_allclose(both, (cafe + bar) / 2, rtol=1e-5)
    assert not none.any()
    assert encoder.name == name_text_encoder("hashing") == "hashed-words-384"


def test_missing_weights_say_how_to_point_to_a_folder(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExtraMissing, match="--set text_encoder=/path/to/folder"):
        load_text_encoder("nobody/no-such-bert")
    with pytest.raises(ExtraMissing, match="--set image_encoder=/path/to/folder"):
        load_image_encoder("nobody/no-such-resnet")


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ExtraMissing, match="cannot be loaded"):
        load_text_encoder(str(tmp_path))


def test_unknown_pooling_is_named():
    with pytest.raises(UnknownName, match="text pooling 'max'"):
        load_text_encoder("minilm", pool="max")


def test_packaged_image_encoder_is_pretrained_and_tells_its_classes():
    """A photograph shipped with scikit-learn: a Chinese temple, ImageNet class 698 (palace)."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from urbanbench.toolkit.pictures.image_encoders import _lite_weights

    photo = Image.fromarray(load_sample_image("china.jpg")).crop((106, 0, 533, 427)).resize((224, 224))
    pixels = (torch.tensor(np.array(photo)).permute(2, 0, 1)[None] / 255 - 0.498) / 0.502
    weights = torch.load(_lite_weights(), weights_only=True)
    with torch.inference_mode():
        scores = (
            load_image_encoder("efficientnet-lite0")(pixels) @ weights["_fc.weight"].T + weights["_fc.bias"]
        )
    assert int(scores.argmax()) == 698


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 7), (8, 7), (3, 12)])
def test_pictures_are_padded_as_tensorflow_pads_them(kernel, stride, height, width):
    """The same bits as a picture with its zeros written out: as many as SAME needs, the odd one right and below."""
    with seeded_torch(0, "same"):
        conv = _SameConv(6, 6, kernel, stride, groups=6, bias=False)
        pictures = torch.randn(2, 6, height, width).contiguous(memory_format=torch.channels_last)
    sides = []
    for length in (width, height):
        missing = max((int(np.ceil(length / stride)) - 1) * stride + kernel - length, 0)
        sides += [missing // 2, missing - missing // 2]
    expected = torch.nn.functional.conv2d(
        torch.nn.functional.pad(pictures, sides), conv.weight, None, stride, groups=6
    )
    made = conv(pictures)
    assert made.shape == (2, 6, int(np.ceil(height / stride)), int(np.ceil(width / stride)))
    assert torch.equal(made, expected)


def test_an_image_encoder_changes_no_picture_it_is_given_and_can_be_trained():
    with seeded_torch(0, "inplace"):
        encoder = load_image_encoder("random-efficientnet-lite0").train()
        pictures = torch.randn(2, 3, 33, 33)
    before = pictures.clone()
    encoder(pictures).square().sum().backward()
    assert torch.equal(pictures, before)
    assert all(one.grad is not None and one.grad.isfinite().all() for one in encoder.parameters())


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 50)])
def test_an_encoder_for_reading_gives_the_same_vectors_and_leaves_the_one_that_can_be_trained(height, width):
    encoder = load_image_encoder("efficientnet-lite0")
    before = {name: one.clone() for name, one in encoder.state_dict().items()}
    pictures = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1
    given = pictures.clone()
    reading = encoder.for_reading()
    with torch.inference_mode():
        expected, made = encoder(pictures), reading(pictures)
    assert not [one for one in reading.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert torch.equal(pictures, given)
    assert before.keys() == encoder.state_dict().keys()
    assert all(torch.equal(one, before[name]) for name, one in encoder.state_dict().items())


def test_a_random_image_encoder_says_so_and_repeats_with_its_seed():
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    made = []
    for _ in range(2):
        with seeded_torch(4, "random"):
            encoder = load_image_encoder("random-efficientnet-lite0")
        with torch.inference_mode():
            made.append(encoder(pixels))
    assert encoder.name == name_image_encoder("random-efficientnet-lite0") == "random-efficientnet-lite0"
    assert torch.equal(*made)
    assert made[0].shape == (2, 1280)


def test_a_resnet_loads_from_a_folder(tmp_path):
    folder = tmp_path / "tiny-resnet"
    with seeded_torch(0, "tiny-resnet"):
        config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
        model = ResNetModel(config).eval()
    model.save_pretrained(folder)
    encoder = load_image_encoder(str(folder))
    pixels = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(pixels), model(pixels).pooler_output.flatten(1))
    assert encoder.dim == 12
    assert re.fullmatch(r"tiny-resnet@[0-9a-f]{10}", encoder.name)


@pytest.mark.parametrize("name", [name_text_encoder, name_image_encoder])
@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_the_name_of_a_folder_follows_the_content_of_its_files(tmp_path, name, file):
    first, second = tmp_path / "one" / "net", tmp_path / "two" / "net"
    for folder in (first, second):
        folder.mkdir(parents=True)
        for kind in ("model.safetensors", "config.json", "tokenizer.json"):
            (folder / kind).write_bytes(b"abcd")
    (second / "README.md").write_text("Words that decide nothing.")
    before = name(str(first))
    assert before == name(str(second))
    (first / file).write_bytes(b"abce")
    os.utime(first / file, ns=(1, 1))  # a coarse clock may give two writes in a row the same time
    assert name(str(first)) not in {before, "net"}
    assert name(str(second)) == before
