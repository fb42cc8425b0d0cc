"""Features that models share: one way to compute each kind, the same bits for whoever asks."""

import ast
from pathlib import Path

import numpy as np
import pytest
import shapely

import urbanbench
from urbanbench.registry.files import import_file
from urbanbench.toolkit.features.encoded import shape_features, text_features
from urbanbench.toolkit.pictures.image_encoders import draw_shapes, encode_shapes, load_image_encoder
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch

SHAPES = np.array([shapely.box(0, 0, side, 2 * side) for side in range(1, 41)], dtype=object)
TEXTS = ("amenity: cafe", "shop: bakery, name: corner", "leisure: park")


@pytest.fixture(scope="module")
def image_encoder():
    return load_image_encoder("random-efficientnet-lite0")


def test_kept_features_are_those_of_the_encoder_and_come_back_as_the_same_bits(own_cache, image_encoder):
    text_encoder = load_text_encoder("hashing")
    texts = [text_features(text_encoder, TEXTS, device="cpu", keep=keep) for keep in (False, True, True)]
    shapes = [
        shape_features(image_encoder, SHAPES, size=16, device="cpu", keep=keep)
        for keep in (False, True, True)
    ]
    for first, *others in (texts, shapes):
        for other in others:
            assert first.tobytes() == other.tobytes()
    np.testing.assert_array_equal(texts[0], encode_texts(text_encoder, TEXTS))
    np.testing.assert_array_equal(shapes[0], encode_shapes(image_encoder, SHAPES, size=16, device="cpu"))
    assert len(list((own_cache / "features").glob("*.safetensors"))) == 2


OWN = """
from urbanbench.toolkit.pictures._image_nets import ImageEncoder
from urbanbench.toolkit.texts._text_nets import HashedWords


class Bright(ImageEncoder):
    name, dim = "bright", 1

    def forward(self, images):
        return 1.0 * images.mean(dim=(1, 2, 3))[:, None]


class Brighter(Bright):
    pass


class Loud(HashedWords):
    def forward(self, tokens):
        return 1.0 * super().forward(tokens)
"""


def test_kept_features_of_an_own_encoder_go_by_its_code(own_cache, tmp_path):
    made = []
    for number, factor in enumerate((1, 2)):
        path = tmp_path / f"version{number}.py"
        path.write_text(OWN.replace("1.0", f"{factor}.0"))
        module = import_file(path)
        shapes = shape_features(module.Brighter(), SHAPES[:4], size=16, device="cpu")
        with seeded_torch(0, "loud"):
            loud = module.Loud(4)
        made.append((shapes, text_features(loud, TEXTS, device="cpu")))
    for before, after in zip(*made, strict=True):
        np.testing.assert_allclose(after, 2 * before)


def test_an_encoder_without_a_file_keeps_its_features_to_itself(own_cache):
    """As one of a notebook: its code is not known, so another class of its name has features of its own."""
    made = []
    for factor in (1, 2):
        told = {"__name__": "a_cell"}
        exec(OWN.replace("1.0", f"{factor}.0"), told)
        made.append([shape_features(told["Bright"](), SHAPES[:4], size=16, device="cpu") for _ in range(2)])
    np.testing.assert_array_equal(*made[0])
    np.testing.assert_allclose(made[1][0], 2 * made[0][0])


def test_drawn_footprints_have_three_equal_channels_of_zeros_and_ones():
    drawn = draw_shapes(SHAPES[:5], 16, "cpu")
    assert tuple(drawn.shape) == (5, 3, 16, 16)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn[:, 0] == drawn[:, 2]).all()


def test_a_kind_of_kept_feature_is_computed_in_one_place():
    root = Path(urbanbench.__file__).parent
    folders = [root / "toolkit", (root / "models").resolve()]
    calls = [
        (node.args[0].value, path.name)
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "cached_features"
    ]
    kinds = [kind for kind, _ in calls]
    assert len(kinds) == len(set(kinds)), calls
    assert {("text", "encoded.py"), ("shape", "encoded.py")} <= set(calls)
