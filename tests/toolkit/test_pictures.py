"""Pictures to pixels, and features on disk."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from urbanbench import hashing
from urbanbench.errors import CityFaults, InputMasked
from urbanbench.home import cache_root
from urbanbench.toolkit.kept import feature_store
from urbanbench.toolkit.kept.feature_store import (
    cached_features,
    encoder_digest,
    has_features,
    shapes_digest,
    texts_digest,
)
from urbanbench.toolkit.pictures._image_nets import ImageEncoder
from urbanbench.toolkit.pictures.image_encoders import encode_pictures, load_image_encoder
from urbanbench.toolkit.pictures.pixel_store import PixelStore, open_pixel_store
from urbanbench.toolkit.pictures.table import PictureTable, normalise, without_broken
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch

PATHS = tuple(f"p{k}" for k in range(10))
BROKEN = {"p3", "p9"}


class Opener:
    """Random pictures of several sizes; counts how often each is opened."""

    def __init__(self):
        self.opened, self.lock = [], threading.Lock()

    def __call__(self, path):
        with self.lock:
            self.opened.append(path)
        if path in BROKEN:
            raise CityFaults("here", [f"{path}: expected a picture"])
        number = int(path[1:])
        pixels = np.random.default_rng(number).integers(0, 256, (8 + number, 12, 3), dtype=np.uint8)
        return Image.fromarray(pixels)


class Mean(ImageEncoder):
    """Mean of each channel."""

    name, dim = "mean", 3

    def forward(self, images):
        return images.mean(dim=(2, 3))


def by_hand(path, size=6):
    scaled = Opener()(path).resize((size, size), Image.Resampling.BILINEAR)
    return np.array(
        [[[scaled.getpixel((x, y))[c] for x in range(size)] for y in range(size)] for c in range(3)]
    )


def test_pixels_come_in_the_order_of_rows_at_one_size():
    rows = np.array([7, 2, 2, 0])
    pixels, ok = PictureTable(Opener(), PATHS, 6).pixels(rows)
    assert (pixels.dtype, pixels.shape, ok.all()) == (np.uint8, (4, 3, 6, 6), True)
    np.testing.assert_array_equal(pixels, [by_hand(PATHS[row]) for row in rows])


def test_a_broken_picture_is_masked_and_the_others_stay():
    table = PictureTable(Opener(), PATHS, 6, threads=3)
    pixels, ok = table.pixels(np.array([2, 3, 4]))
    assert ok.tolist() == [True, False, True]
    assert not pixels[1].any()
    assert table.ok.tolist() == [path not in BROKEN for path in PATHS]


def test_a_masked_input_is_no_broken_picture():
    def masked(path):
        raise InputMasked("satellite", {"poi"})

    with pytest.raises(InputMasked):
        PictureTable(masked, PATHS, 6).pixels(np.array([0]))


@pytest.mark.parametrize("threads", [1, 4])
def test_batches_are_the_parts_of_all_pixels(threads):
    table = PictureTable(Opener(), PATHS, 6, threads=threads)
    rows = np.array([8, 1, 3, 0, 5, 5, 2])
    whole, ok = table.pixels(rows)
    parts = list(table.batches(rows, 3))
    assert [len(one) for one, _ in parts] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([one for one, _ in parts]), whole)
    np.testing.assert_array_equal(np.concatenate([one for _, one in parts]), ok)
    assert list(table.batches(rows[:0], 3)) == []


def test_a_store_lets_every_picture_be_opened_once(own_cache):
    opener = Opener()
    fresh, ok = PictureTable(Opener(), PATHS, 6).pixels(np.arange(10))
    for _ in range(2):
        store = open_pixel_store("digest", 10, 6)
        table = PictureTable(opener, PATHS, 6, store=store)
        kept, ok_kept = table.pixels(np.arange(10))
        np.testing.assert_array_equal(kept, fresh)
        np.testing.assert_array_equal(ok_kept, ok)
    assert sorted(opener.opened) == sorted(PATHS)
    assert [path.parent.name for path in cache_root().glob("*/*.pixels")] == ["pixels"]


def test_pixels_of_other_pictures_or_sizes_are_kept_apart(own_cache):
    for digest, count, size in (("a", 4, 6), ("b", 4, 6), ("a", 4, 7)):
        store = open_pixel_store(digest, count, size)
        assert not store.knows(np.arange(count)).any()
        store.write(1, np.full((3, size, size), 9, dtype=np.uint8))
        store.write(2, None)
        assert store.knows(np.arange(count)).tolist() == [False, True, True, False]
        pixels, ok = np.full((2, 3, size, size), 5, dtype=np.uint8), np.zeros(2, dtype=bool)
        store.read(np.array([2, 1]), pixels, ok)
        assert ok.tolist() == [False, True]
        assert np.unique(pixels[0]).tolist() == [0]
        assert np.unique(pixels[1]).tolist() == [9]


def test_no_store_where_the_disk_is_too_small(own_cache, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 50, 50))
    assert open_pixel_store("digest", 10, 6) is None


def test_a_store_that_was_cut_short_is_filled_again(tmp_path):
    path = tmp_path / "x.pixels"
    PixelStore(path, 4, 6).write(3, np.full((3, 6, 6), 7, dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-50])
    store = PixelStore(path, 4, 6)
    assert not store.knows(np.array([3])).any()


def test_normalised_pixels_have_the_statistics_asked_for():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)
    made = normalise(torch.from_numpy(pixels), (0.1, 0.2, 0.3), (0.5, 0.4, 0.2))
    for channel, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.4), (0.3, 0.2))):
        np.testing.assert_allclose(made[:, channel], (pixels[:, channel] / 255 - mean) / std, atol=1e-5)
    assert made.dtype == torch.float32


def test_encoders_state_the_statistics_of_their_weights():
    lite = load_image_encoder("random-efficientnet-lite0")
    np.testing.assert_allclose([*lite.mean, *lite.std], [0.498] * 3 + [0.502] * 3, atol=5e-4)
    assert ImageEncoder.mean == (0.485, 0.456, 0.406)


def test_encoded_pictures_are_those_of_the_encoder_and_nan_where_broken():
    made = encode_pictures(Mean(), PictureTable(Opener(), PATHS, 6), batch=4)
    for row, path in enumerate(PATHS):
        if path in BROKEN:
            assert np.isnan(made[row]).all()
        else:
            mean = by_hand(path).mean(axis=(1, 2)) / 255
            np.testing.assert_allclose(made[row], (mean - Mean.mean) / np.array(Mean.std), atol=1e-5)


def test_broken_pictures_leave_their_places():
    picture = np.array([[0, 1, -1], [2, 2, 0]])
    assert without_broken(picture, np.array([True, False, True])).tolist() == [[0, -1, -1], [2, 2, 0]]
    assert without_broken(np.array([-1, -1]), np.zeros(0, dtype=bool)).tolist() == [-1, -1]


def test_features_are_computed_once_and_come_back_as_the_same_bits(own_cache):
    table = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    table[2] = np.nan
    calls = []

    def compute():
        calls.append(1)
        return table

    for _ in range(2):
        made = cached_features("text", "encoder", "inputs", compute)
        assert made.tobytes() == table.tobytes()
    assert calls == [1]
    assert has_features("text", "encoder", "inputs")
    for key in (("shape", "encoder", "inputs"), ("text", "other", "inputs"), ("text", "encoder", "others")):
        assert not has_features(*key)


@pytest.mark.parametrize("part", ["feature_code", "learned_versions"])
def test_other_code_or_packages_compute_features_anew(own_cache, monkeypatch, part):
    cached_features("text", "encoder", "inputs", lambda: np.zeros((1, 1)))
    monkeypatch.setattr(feature_store, part, lambda: "another")
    assert not has_features("text", "encoder", "inputs")
    assert cached_features("text", "encoder", "inputs", lambda: np.ones((1, 1))).tolist() == [[1.0]]


@pytest.mark.parametrize("name", ["_text_nets", "_image_nets", "pictures", "polygon", "pixel_store"])
def test_the_code_of_features_follows_each_file_that_makes_them(monkeypatch, name):
    parsed, code = hashing._parsed, feature_store.feature_code.__wrapped__
    before = code()

    def edited(path, mtime):
        digest, needed = parsed(path, mtime)
        return ("edited" if path.stem == name else digest), needed

    monkeypatch.setattr(hashing, "_parsed", edited)
    assert (code() == before) == (name == "pixel_store")  # a store of pixels on disk changes none


@pytest.mark.parametrize(
    "harm", [lambda raw: raw[:-9], lambda raw: raw[:-4] + b"\1\2\3\4", lambda raw: b"none"]
)
def test_damaged_features_are_computed_again(own_cache, harm):
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    cached_features("text", "encoder", "inputs", lambda: table)
    (path,) = (cache_root() / "features").glob("*.safetensors")
    path.write_bytes(harm(path.read_bytes()))
    made = cached_features("text", "encoder", "inputs", lambda: table)
    np.testing.assert_array_equal(made, table)
    assert cached_features("text", "encoder", "inputs", lambda: table * 0).tolist() == table.tolist()


def test_features_that_fail_leave_nothing_behind(own_cache):
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_features("text", "encoder", "inputs", fail)
    assert not has_features("text", "encoder", "inputs")
    assert cached_features("text", "encoder", "inputs", lambda: np.ones((1, 1))).dtype == np.float32


def test_the_digest_of_an_encoder_follows_its_weights_and_settings():
    def digest(seed, change=None, device="cpu"):
        with seeded_torch(seed, "weights"):
            encoder = load_image_encoder("random-efficientnet-lite0")
        if change:
            change(encoder)
        return encoder_digest(encoder, device)

    def weight(encoder):
        with torch.no_grad():
            encoder._bn0.running_mean[3] += 1e-6

    def statistics(encoder):
        encoder.mean = (0.5, 0.5, 0.5)

    assert digest(0) == digest(0) == digest(0, lambda encoder: encoder.train())
    changed = [digest(0), digest(1), digest(0, weight), digest(0, statistics), digest(0, device="cuda:1")]
    assert len(set(changed)) == 5
    assert digest(0, device="cuda:0") == changed[-1]


def test_the_digest_of_a_text_encoder_follows_its_pooling():
    mean, first = (encoder_digest(load_text_encoder("minilm", pool=pool), "cpu") for pool in ("mean", "cls"))
    assert mean != first


def test_digests_of_inputs_follow_content_and_order():
    import shapely

    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 1)])
    assert texts_digest(["a", "b"]) != texts_digest(["b", "a"])
    assert texts_digest(["a,b"]) != texts_digest(["a", "b"])
    assert shapes_digest(shapes, 8) == shapes_digest(shapes.copy(), 8)
    assert len({shapes_digest(shapes, 8), shapes_digest(shapes[::-1], 8), shapes_digest(shapes, 9)}) == 3
