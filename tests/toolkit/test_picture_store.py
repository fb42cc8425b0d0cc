"""Features of pictures on disk: each picture through the encoder once, whatever comes with it, stops it or damages it."""

import numpy as np
import pytest
from PIL import Image

from urbanbench.errors import CityFaults
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root
from urbanbench.toolkit.features import picture_store as module
from urbanbench.toolkit.features.picture_store import has_pictures, stored_pictures
from urbanbench.toolkit.pictures._image_nets import ImageEncoder
from urbanbench.toolkit.pictures.image_encoders import encode_pictures, load_image_encoder
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.training import seeded_torch

pytestmark = pytest.mark.usefixtures("own_cache")


class Opener:
    """Random pictures named by their content ("p3", "also p3"); those in `broken` cannot be opened."""

    def __init__(self, *broken):
        self.opened, self.broken = [], broken

    def __call__(self, path):
        self.opened.append(path)
        if path in self.broken:
            raise CityFaults("here", [f"{path}: expected a picture"])
        rng = np.random.default_rng(int(path.rpartition("p")[2]))
        return Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))


class Mean(ImageEncoder):
    """Mean of each channel."""

    name, dim = "mean", 3

    def forward(self, images):
        return images.mean(dim=(2, 3))


def features(paths, *broken, encoder=None, size=6):
    opener = Opener(*broken)
    digests = [value_digest(path.rpartition("p")[2]) for path in paths]
    table = PictureTable(opener, paths, size, threads=1)
    made = stored_pictures(encoder or Mean(), table, digests)
    return made, set(opener.opened)


def plain(paths, *broken):
    return encode_pictures(Mean(), PictureTable(Opener(*broken), paths, 6))


def test_features_are_those_of_the_encoder_in_the_order_asked_for():
    paths = ["p4", "p1", "p9", "p1", "p0"]
    made, _ = features(paths, "p9")
    np.testing.assert_allclose(made, plain(paths, "p9"), atol=1e-6)
    assert np.isnan(made[2]).all()
    assert features([])[0].shape == (0, 3)


def test_each_picture_is_encoded_once_across_sets_orders_and_names():
    first, opened = features(["p1", "p2", "p3"])
    assert opened == {"p1", "p2", "p3"}
    second, opened = features(["also p3", "p5", "p1"])
    assert opened == {"p5"}
    np.testing.assert_array_equal(second[[2, 0]], first[[0, 2]])
    assert features(["p5", "p2"])[1] == set()


def test_what_is_kept_can_be_asked_for():
    names = [value_digest(str(k)) for k in range(3)]
    assert not has_pictures(Mean(), 6, names)
    features(["p0", "p1"])
    assert has_pictures(Mean(), 6, names[:2])
    assert not has_pictures(Mean(), 6, names)
    assert not has_pictures(Mean(), 7, names[:2])
    features(["p2"])
    assert has_pictures(Mean(), 6, names)


def test_a_broken_picture_is_not_opened_again():
    features(["p1", "p2"], "p2")
    made, opened = features(["p2"], "p2")
    assert np.isnan(made).all()
    assert not opened


@pytest.mark.parametrize("change", [{"size": 7}, {"encoder": "other"}])
def test_other_sizes_and_encoders_are_kept_apart(change):
    features(["p1"])
    if "encoder" in change:
        change = {"encoder": Mean()}
        change["encoder"].mean = (0.1, 0.2, 0.3)
    assert features(["p1"], **change)[1] == {"p1"}


def test_what_was_encoded_before_a_stop_is_kept(monkeypatch):
    monkeypatch.setattr(module, "PART", 2)
    encode, calls = module.encode_pictures, []

    def stopping(*given, **how):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(*given, **how)

    monkeypatch.setattr(module, "encode_pictures", stopping)
    paths = [f"p{k}" for k in range(7)]
    with pytest.raises(KeyboardInterrupt):
        features(paths)
    monkeypatch.setattr(module, "encode_pictures", encode)
    made, opened = features(paths)
    assert opened == {"p4", "p5", "p6"}
    np.testing.assert_allclose(made, plain(paths), atol=1e-6)


@pytest.mark.parametrize(
    "harm", [lambda raw: raw[:-9], lambda raw: raw[:-4] + b"\1\2\3\4", lambda raw: b"none"]
)
def test_a_damaged_file_is_computed_again(monkeypatch, harm):
    monkeypatch.setattr(module, "PART", 2)
    first, _ = features(["p1", "p2", "p3", "p4"])
    path = max((cache_root() / "features").glob("*/*.safetensors"))
    path.write_bytes(harm(path.read_bytes()))
    second, opened = features(["p1", "p2", "p3", "p4"])
    assert len(opened) == 2
    np.testing.assert_array_equal(first, second)
    assert features(["p1", "p2", "p3", "p4"])[1] == set()


def test_features_do_not_depend_on_the_company():
    with seeded_torch(0, "weights"):
        encoder = load_image_encoder("random-efficientnet-lite0")
    together, _ = features([f"p{k}" for k in range(20)], encoder=encoder, size=32)
    for path in (cache_root() / "features").glob("*/*.safetensors"):
        path.unlink()
    alone, opened = features(["p17"], encoder=encoder, size=32)
    assert opened == {"p17"}
    np.testing.assert_allclose(alone[0], together[17], rtol=1e-5, atol=1e-6)


def test_the_cache_commands_count_a_folder_of_pictures_as_one_part():
    from urbanbench.cli.cache_parts import cache_parts

    features(["p1"])
    [part] = cache_parts(cache_root(), "features")
    assert part.path.name.startswith("pictures-")
    part.remove()
    assert features(["p1"])[1] == {"p1"}
