"""Pictures behind a trained encoder, and features that are computed once and forgotten when an encoder is trained."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import torch
from PIL import Image
from torch import nn

from urbanbench.errors import BadInput, CityFaults, UnknownName
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root
from urbanbench.models._urbanmfm.backbones import Backbones
from urbanbench.models._urbanmfm.overheads import Overheads
from urbanbench.models._urbanmfm.streets import Streets
from urbanbench.toolkit.features._feature_rows import FrozenPictures, TunedPictures
from urbanbench.toolkit.pictures._image_nets import ImageEncoder
from urbanbench.toolkit.pictures.image_encoders import encode_pictures, encode_shapes
from urbanbench.toolkit.pictures.table import PictureTable, normalise, pictures_at_once
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch

PATHS = tuple(f"p{k}" for k in range(40))
BROKEN = {"p1", "p7"}
SIZE = 160
"""At this size pictures go through the encoder in several chunks."""


class Small(ImageEncoder):
    """A convolution with batch normalisation; counts the pictures it sees."""

    name, dim = "small", 4

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self._seen = nn.Conv2d(3, 4, 3, stride=8), nn.BatchNorm2d(4), 0
        self.norm.running_mean += torch.arange(4) / 10

    def forward(self, images):
        self._seen += len(images)
        return torch.relu(self.norm(self.conv(images))).mean(dim=(2, 3))


@pytest.fixture
def encoder():
    with seeded_torch(0, "small"):
        return Small()


def open_image(path):
    if path in BROKEN:
        raise CityFaults("here", [f"{path}: expected a picture"])
    pixels = np.random.default_rng(int(path[1:])).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def plain_features(encoder, rows, size):
    """Features of pictures, encoded one at a time by the encoder in eval mode."""
    pixels = PictureTable(open_image, PATHS, size).pixels(np.array(rows))[0]
    inputs = normalise(torch.from_numpy(pixels), encoder.mean, encoder.std)
    return torch.cat([encoder.eval()(one[None]) for one in inputs])


def test_tuned_pictures_give_the_features_and_gradients_of_a_plain_pass(encoder):
    rows = [5, 0, 39, 5, *range(10, 39)]
    weight = torch.arange(len(rows) * 4).reshape(len(rows), 4) / 100.0
    (plain_features(encoder, rows, SIZE) * weight).sum().backward()
    expected = {name: one.grad.clone() for name, one in encoder.named_parameters()}
    encoder.zero_grad()
    tuned = TunedPictures(encoder, PictureTable(open_image, PATHS, SIZE), "cpu")
    for module in tuned.modules():
        module.train()
    made = tuned.rows(torch.tensor(rows))
    torch.testing.assert_close(made, plain_features(encoder, rows, SIZE))
    (made * weight).sum().backward()
    for name, one in encoder.named_parameters():
        torch.testing.assert_close(one.grad, expected[name], rtol=1e-4, atol=1e-4)


def test_tuned_pictures_encode_a_repeated_picture_once_and_keep_the_statistics(encoder):
    before = encoder.norm.running_mean.clone()
    tuned = TunedPictures(encoder.train(), PictureTable(open_image, PATHS, 16), "cpu")
    with torch.no_grad():
        made = tuned.rows(torch.tensor([[4, 2], [4, 4]]))
    assert made.shape == (2, 2, 4)
    assert encoder._seen == 2
    assert torch.equal(encoder.norm.running_mean, before)
    assert tuned.dim == 4


def test_frozen_pictures_know_which_could_be_opened():
    features = torch.tensor([[1.0, 2.0], [torch.nan, torch.nan], [3.0, 4.0]])
    frozen = FrozenPictures(features)
    assert frozen.ok.tolist() == [True, False, True]
    assert frozen.rows(torch.tensor([2, 0])).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert (frozen.dim, list(frozen.modules())) == (2, [])
    assert torch.isfinite(frozen.features).all()


STREETS = Streets(
    xy=np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]),
    pictures=PATHS[:8],
    picture=np.array([[0, 1, 2, -1], [1, -1, 7, -1], [3, 4, 5, 6]]),
    view_ids=(("a",), ("b", "c"), ("d",)),
    region=np.array([0, -1, 1]),
)
OVERHEADS = Overheads(pictures=("p1", "p8"), picture=np.array([0, 1, -1]))
TEXTS = ("amenity: cafe", "shop: books", "amenity: school")
FOOTPRINTS = np.array([shapely.box(0, 0, 9, 5), shapely.box(0, 0, 30, 30)])


def backbones(encoder, **changed):
    with seeded_torch(0, "hashing"):
        text_encoder = load_text_encoder("hashing")
    parts = {
        "streets": STREETS,
        "overheads": OVERHEADS,
        "open_image": open_image,
        "picture_digest": lambda paths: value_digest(list(paths)),
        "raster_size": 16,
        "picture_sizes": {"street": 12, "overhead": 12},
        "a_max_m2": 100.0,
        "device": "cpu",
    } | changed
    places = SimpleNamespace(texts=TEXTS, shapes=FOOTPRINTS)
    return Backbones(text_encoder, encoder, places, **parts)


def test_backbones_say_what_the_encoders_say(encoder, own_cache):
    made = backbones(encoder)
    np.testing.assert_array_equal(made.texts().features, encode_texts(made.text_encoder, TEXTS))
    expected = encode_shapes(encoder, FOOTPRINTS, size=16, device="cpu")
    np.testing.assert_allclose(made.shapes().features, expected)
    torch.testing.assert_close(made.shapes().surface, torch.tensor([0.45, 1.0]))
    pictures = made.street_pictures()
    assert np.flatnonzero(~pictures.ok).tolist() == [1, 7]
    kept = [0, 2, 3, 4, 5, 6]
    torch.testing.assert_close(pictures.rows(torch.tensor(kept)), plain_features(encoder, kept, 12))
    assert made.overhead_pictures().ok.tolist() == [False, True]
    assert made.texts() is made.texts()
    assert made.shapes() is made.shapes()
    assert made.street_pictures() is pictures


def test_features_are_read_from_disk_the_second_time(encoder, own_cache):
    def everything(made):
        return (
            made.texts().features,
            made.shapes().features,
            made.street_pictures().features,
            made.overhead_pictures().features,
        )

    first = everything(backbones(encoder))
    seen = encoder._seen
    again = everything(backbones(encoder))
    assert encoder._seen == seen
    assert [a.numpy().tobytes() for a in first] == [b.numpy().tobytes() for b in again]
    # Texts, shapes, and the pictures of both kinds: one size, one folder, a file for each time that some were missing.
    assert len(list((cache_root() / "features").glob("*.safetensors"))) == 2
    assert len(list((cache_root() / "features").glob("pictures-*/*.safetensors"))) in {1, 2}


@pytest.mark.parametrize("read_first", [False, True])
def test_pictures_that_cannot_be_opened_are_left_out_and_told_once(encoder, own_cache, capsys, read_first):
    if read_first:
        backbones(encoder).street_pictures()
        backbones(encoder).overhead_pictures()
    seen = encoder._seen
    made = backbones(encoder)
    streets, overheads = made.streets, made.overheads
    assert streets.picture.tolist() == [[0, -1, 2, -1], [3, 4, 5, 6]]
    assert (streets.view_ids, streets.region.tolist()) == ((("a",), ("d",)), [0, 1])
    assert streets.xy.tolist() == [[0.0, 0.0], [20.0, 0.0]]
    assert streets.pictures == STREETS.pictures
    assert overheads.picture.tolist() == [-1, 1, -1]
    assert made.streets is streets
    made.street_pictures(), made.overhead_pictures()
    batches = (encoder._seen - seen) / pictures_at_once(32, "cpu")
    assert batches == (0 if read_first else 2), "each kind goes through the encoder once, in one full batch"
    assert capsys.readouterr().err.splitlines() == [
        "2 of 8 street pictures cannot be opened and are left out (p1, p7).",
        "1 of 2 overhead pictures cannot be opened and are left out (p1).",
    ]


def test_nothing_is_left_where_no_picture_opens(encoder, own_cache, monkeypatch):
    monkeypatch.setenv("URBANBENCH_QUIET", "1")
    bad = Overheads(pictures=("p1",), picture=np.array([0, -1]))
    streets = Streets(STREETS.xy[:1], ("p7",), np.array([[0, -1, -1, -1]]), (("a",),), np.array([0]))
    made = backbones(encoder, overheads=bad, streets=streets)
    assert (made.streets, made.overheads) == (None, None)


def test_a_trained_encoder_speaks_anew_and_its_features_are_not_kept(encoder, own_cache):
    made = backbones(encoder)
    before = made.street_pictures().features, made.shapes().features, made.texts().features
    files = set((cache_root() / "features").iterdir())
    made.tuned_pictures("street")
    made.tuned_texts()
    with torch.no_grad():
        encoder.conv.weight += 0.1
        made.text_encoder.bag.weight += 0.1
    made.image_moved()
    made.text_moved()
    after = made.street_pictures().features, made.shapes().features, made.texts().features
    for old, new in zip(before, after, strict=True):
        assert not torch.allclose(old, new)
    table = PictureTable(open_image, PATHS[:8], 12)
    np.testing.assert_array_equal(after[0].numpy(), np.nan_to_num(encode_pictures(encoder, table), nan=0.0))
    assert set((cache_root() / "features").iterdir()) == files
    fresh = backbones(encoder)
    torch.testing.assert_close(fresh.street_pictures().features, after[0])


def test_features_asked_for_while_an_encoder_is_trained_are_not_kept_as_those_of_its_first_weights(
    encoder, own_cache
):
    made = backbones(encoder)
    made.shapes()
    made.tuned_pictures("street")
    with torch.no_grad():
        encoder.conv.weight += 0.1
    made.overhead_pictures()
    with torch.no_grad():
        encoder.conv.weight -= 0.1
    expected = plain_features(encoder, [8], 12)
    torch.testing.assert_close(backbones(encoder).overhead_pictures().features[1:], expected)


def test_pixels_are_kept_for_a_run_that_trains_on_them(encoder, own_cache):
    made = backbones(encoder, keep_pixels=True)
    first = made.tuned_pictures("street").rows(torch.arange(8)[[0, 2, 3]])
    assert len(list((cache_root() / "pixels").glob("*.pixels"))) == 1

    def never(path):
        raise AssertionError(path)

    again = backbones(encoder, keep_pixels=True, open_image=never)
    torch.testing.assert_close(again.tuned_pictures("street").rows(torch.tensor([0, 2, 3])), first)


def test_parts_a_city_lacks_are_none(encoder, own_cache):
    bare = backbones(encoder, streets=None, overheads=None)
    assert (bare.streets, bare.overheads, bare.street_pictures(), bare.overhead_pictures()) == (None,) * 4
    blind = backbones(None)
    assert (blind.shapes(), blind.street_pictures()) == (None, None)
    with pytest.raises(BadInput, match="no street pictures"):
        bare.tuned_pictures("street")
    with pytest.raises(BadInput, match="no image encoder"):
        blind.tuned_pictures("street")
    with pytest.raises(UnknownName, match="kind of pictures 'aerial'"):
        bare.tuned_pictures("aerial")
