"""Pictures of every kind that folders hold: opened as a viewer shows them, or told in the check and masked in a run."""

import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.errors import CityFaults
from urbanbench.toolkit.pictures.table import PictureTable

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def saved(path, picture, **more):
    picture.save(path, **more)
    return path


def opened(path):
    picture = open_picture(path)
    assert picture.mode == "RGB"
    return np.asarray(picture)


def test_content_decides_not_the_suffix(tmp_path):
    path = saved(tmp_path / "photo.jpg", Image.fromarray(PIXELS), format="PNG")
    np.testing.assert_array_equal(opened(path), PIXELS)


def test_sixteen_bits_a_channel_become_eight(tmp_path):
    deep = RNG.integers(0, 65_536, (6, 9)).astype(np.uint16)
    path = saved(tmp_path / "deep.png", Image.fromarray(deep))
    np.testing.assert_array_equal(opened(path), np.repeat((deep // 256)[..., None], 3, axis=2))


def test_cmyk_is_converted(tmp_path):
    inks = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    path = saved(tmp_path / "print.jpg", inks, format="JPEG", quality=95)
    assert np.abs(opened(path).astype(int) - (0, 255, 255)).max() < 12


def test_transparent_parts_lie_on_white(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    path = saved(tmp_path / "palette.png", palette, transparency=b"\x00\xff")
    assert opened(path).tolist() == [[[255, 255, 255], [200, 100, 50]]]
    glass = Image.new("RGBA", (1, 1), (0, 0, 0, 51))
    assert opened(saved(tmp_path / "glass.webp", glass, lossless=True)).tolist() == [[[204, 204, 204]]]
    grey = Image.new("LA", (1, 1), (0, 0))
    assert opened(saved(tmp_path / "grey.png", grey)).tolist() == [[[255, 255, 255]]]


def test_a_plain_palette_keeps_its_colours(tmp_path):
    path = saved(tmp_path / "map.png", Image.fromarray(PIXELS).quantize(8))
    np.testing.assert_array_equal(opened(path), np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize(("orientation", "turned"), [(3, 180), (6, 270), (8, 90)])
def test_pictures_stand_upright_as_exif_says(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "phone.png", Image.fromarray(PIXELS), exif=exif)
    np.testing.assert_array_equal(
        opened(path), np.asarray(Image.fromarray(PIXELS).rotate(turned, expand=True))
    )


def test_exif_that_cannot_be_read_says_nothing(tmp_path):
    path = saved(tmp_path / "phone.jpg", Image.fromarray(PIXELS), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow tells it
        assert opened(path).shape == PIXELS.shape


WHOLE = png(40, 30, bytes(30 * (1 + 40 * 3)))
BAD = {
    "zero bytes": (b"", "an empty file"),
    "words": (b"<html>404</html>", "no picture"),
    "truncated png": (WHOLE[:-30], "a broken picture"),
    "rows missing": (png(40, 30, bytes(200)), "a broken picture"),
    "checksum": (WHOLE[:20] + b"\xff" + WHOLE[21:], "picture|pixels"),
    "large": (png(9_000, 9_000), "9000 x 9000 pixels"),
    "bomb": (png(60_000, 60_000), "picture|pixels"),
    "warned bomb": (png(10_000, 10_000), "picture|pixels"),
    "no pixels": (png(0, 5), "picture|pixels"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("strict", [True, False], ids=["warnings-as-errors", "warnings"])
def test_damaged_and_absurd_files_are_refused(tmp_path, name, strict):
    content, found = BAD[name]
    (tmp_path / "x.png").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore")
        with pytest.raises(FaultyPicture, match=found):
            open_picture(tmp_path / "x.png")


def test_what_is_not_there_or_no_file_is_refused(tmp_path):
    with pytest.raises(FaultyPicture, match="no such file"):
        open_picture(tmp_path / "none.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FaultyPicture):
        open_picture(tmp_path / "folder.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_any_damage_is_a_faulty_picture_or_a_picture(tmp_path, kind):
    """No other error leaves the door, whatever bytes are changed or cut off."""
    path = saved(tmp_path / "x", Image.fromarray(np.tile(PIXELS, (8, 8, 1))), format=kind)
    whole = path.read_bytes()
    for k in range(150):
        harmed = bytearray(whole)
        for place in RNG.integers(0, len(whole) if k % 2 else 60, 4):
            harmed[place] = RNG.integers(0, 256)
        path.write_bytes(bytes(harmed[: len(whole) if k % 3 else RNG.integers(1, len(whole))]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(FaultyPicture):
                assert open_picture(path).mode == "RGB"


@pytest.fixture
def harmed(folder):
    """A city whose four satellite pictures are missing, empty, a bomb and sound, in this order."""
    (folder.path / "satellite/r00.png").unlink()
    (folder.path / "satellite/r01.png").write_bytes(b"")
    (folder.path / "satellite/r10.png").write_bytes(png(60_000, 60_000))
    return folder


def test_the_check_has_a_row_for_each_kind_of_fault(harmed):
    missing, empty, bomb = check_folder(harmed.path)
    assert (
        "('r00': 'satellite/r00.png'): expected paths of pictures inside the folder, found no such file."
        in missing
    )
    assert (
        "('r01': 'satellite/r01.png'): expected pictures (PNG, JPEG or WebP) that open, found an empty file."
        in empty
    )
    assert "('r10': 'satellite/r10.png')" in bomb
    assert "exceeds limit" in bomb


def test_a_run_masks_what_cannot_be_opened(harmed):
    view = City.open(harmed.path).view({"satellite", "street_view"})
    paths = view.satellite["image"].tolist()
    pixels, ok = PictureTable(view.open_image, paths, 4).pixels(np.arange(4))
    assert ok.tolist() == [False, False, False, True]
    assert (pixels[3] == 120).all()
    with pytest.raises(CityFaults, match=r"r00.png: expected a picture .* found no such file"):
        view.open_image("satellite/r00.png")


def test_a_picture_that_appears_later_is_other_data(harmed):
    before = City.open(harmed.path).view({"satellite"})
    keys = before.data_key, before.picture_digest(["satellite/r00.png"])
    harmed.picture("satellite/r00.png")
    after = City.open(harmed.path).view({"satellite"})
    assert after.data_key != keys[0]
    assert after.picture_digest(["satellite/r00.png"]) != keys[1]


def test_a_link_out_of_the_folder_is_still_refused_in_a_run(harmed, tmp_path):
    (tmp_path / "secret.png").write_bytes(WHOLE)
    (harmed.path / "satellite/r00.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(CityFaults, match="leads out of the folder"):
        _ = City.open(harmed.path).satellite
