"""Pictures that are nearly the same: what makes one again, and what makes another."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from urbanbench.city.alike import alike


def scene(seed):
    """A picture with structure at several scales, as a street has."""
    draw = np.random.default_rng(seed)
    layers = [
        Image.fromarray(draw.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize((320, 240))
        for side in (3, 9, 40)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.4), layers[2], 0.2)


AGAIN = {
    "pressed": lambda picture, path: picture.save(path, quality=30),
    "smaller": lambda picture, path: picture.resize((110, 82)).save(path, quality=85),
    "lighter": lambda picture, path: ImageEnhance.Brightness(picture).enhance(1.06).save(path),
    "trimmed": lambda picture, path: picture.crop((2, 2, 318, 238)).save(path),
}


@pytest.mark.parametrize("how", AGAIN)
def test_a_picture_that_is_there_again_is_like_itself_and_like_no_other(how, tmp_path):
    paths = [tmp_path / f"{k}.jpg" for k in range(12)]
    for k, path in enumerate(paths):
        scene(k).save(path, quality=92)
    AGAIN[how](scene(4), tmp_path / "again.jpg")
    found = alike([*paths, tmp_path / "again.jpg"])
    assert found.tolist() == [*range(12), 4]


def test_flat_pictures_are_alike_only_where_their_colours_are_and_one_that_does_not_open_never(tmp_path):
    colours = [(200, 40, 1), (200, 40, 1), (204, 40, 9), (90, 40, 1)]
    paths = [tmp_path / f"{k}.png" for k in range(4)]
    for path, colour in zip(paths, colours, strict=True):
        Image.new("RGB", (24, 16), colour).save(path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = alike([*paths, tmp_path / "broken.png", tmp_path / "none.png", tmp_path / "broken.png"])
    assert found.tolist() == [0, 0, 1, 2, 3, 4, 5]


def test_many_pictures_are_compared_in_blocks_and_groups_join_across_them(tmp_path, monkeypatch):
    monkeypatch.setattr("urbanbench.city.alike._ROWS", 3)
    paths = [tmp_path / f"{k}.png" for k in range(8)]
    for k, path in enumerate(paths):
        scene(k % 5).save(path)
    assert alike(paths).tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert alike([]).tolist() == []
