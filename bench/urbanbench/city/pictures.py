"""Pictures of a city folder: opened safely, judged whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS, Row, row_fault
from urbanbench.city.folder.paths import NO_FILE, path_faults

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "FREE_PIXELS",
    "MAX_PIXELS",
    "MAX_TOTAL_PIXELS",
    "PIXELS_PER_BYTE",
    "FaultyPicture",
    "open_picture",
    "picture_faults",
]

MAX_PIXELS = 64_000_000
"""A picture that claims more pixels is refused before it is decoded."""

FREE_PIXELS, PIXELS_PER_BYTE = 16_000_000, 100
"""A picture of more pixels than the first has a byte of its file for so many of them: a plain sheet of one colour shows nothing."""

MAX_TOTAL_PIXELS = 200_000_000_000
"""Pictures of a layer that claim more pixels together are not decoded by a check."""

MAX_THREADS = 16

_FORMATS = ("PNG", "JPEG", "WEBP")


class FaultyPicture(ValueError):
    """A file that is no picture urbanbench reads; the text says what was found."""


def open_picture(path: Path) -> Image:
    """Decode a PNG, JPEG or WebP file to RGB, whatever its suffix.

    What a picture viewer shows is what comes back: turned as its EXIF data says, transparent parts on white, 16 bits a channel scaled
    to 8, CMYK and palettes converted. Of an animation the first picture counts.

    Raises
    ------
    FaultyPicture
        Not such a file, broken, above `MAX_PIXELS`, or larger than its file can tell (`PIXELS_PER_BYTE`).
    """
    with _opened(path) as picture:
        return _rgb(_upright(picture))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Give a picture whose size was judged and whose pixels are not decoded yet."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=_FORMATS) as picture:
            _check_size(picture, path)
            yield picture
    except FaultyPicture:
        raise
    except FileNotFoundError as error:
        raise FaultyPicture(NO_FILE) from error
    except UnidentifiedImageError as error:
        raise FaultyPicture("no picture" if path.stat().st_size else "an empty file") from error
    except Exception as error:  # Pillow raises errors of a dozen kinds for damaged files
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        msg = f"a broken picture ({said[:80]})"
        raise FaultyPicture(msg) from error


def _check_size(picture: Image, path: Path) -> None:
    pixels = picture.width * picture.height
    size = path.stat().st_size
    if pixels > MAX_PIXELS or pixels > max(FREE_PIXELS, PIXELS_PER_BYTE * size):
        msg = f"{picture.width} x {picture.height} pixels in {size} bytes"
        raise FaultyPicture(msg)


def _upright(picture: Image) -> Image:
    """Turn a picture as its EXIF data says; data that cannot be read says nothing."""
    from PIL import ImageOps

    picture.load()
    with suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _rgb(picture: Image) -> Image:
    from PIL import Image

    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        return Image.fromarray((deep.clip(0, 65_535) >> 8).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    shown = picture.convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(ground, shown).convert("RGB")


def picture_faults(folder: Path, file: str, frame: Any) -> list[str]:
    """Decode every picture that a layer names and tell which cannot be; what is wrong with paths is told elsewhere."""
    faults: dict[tuple[str, str], list[object]] = {}
    columns = [name for name in ("image", *DIRECTIONS) if name in frame]
    named = sorted({path for column in columns for path in frame[column].dropna()})
    paths = [path for path, wrong in zip(named, path_faults(folder, named), strict=True) if not wrong]
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        pixels = sum(pool.map(lambda path: _pixels(folder / path), paths))
        if pixels > MAX_TOTAL_PIXELS:
            return [
                f"{file}: expected pictures of at most {MAX_TOTAL_PIXELS:.0e} pixels together, found {pixels:.3g}. Store them smaller."
            ]
        judged = dict(zip(paths, pool.map(lambda path: _fault(folder / path), paths), strict=True))
    for column in columns:
        for one, path in frame[column].dropna().items():
            if judged.get(path):
                faults.setdefault((column, judged[path]), []).append(Row(f"{one!r}: {path[:80]!r}"))
    expected, mend = (
        "pictures (PNG, JPEG or WebP) that open",
        "Save them anew, at a usual size, or write null.",
    )
    return [
        row_fault(file, column, rows, expected=expected, found=found, mend=mend)
        for (column, found), rows in faults.items()
    ]


def _pixels(path: Path) -> int:
    """Read from its head how many pixels a picture claims; 0 for what is no picture."""
    try:
        with _opened(path) as picture:
            return picture.width * picture.height
    except FaultyPicture:
        return 0


def _fault(path: Path) -> str:
    """Decode a picture, and nothing more."""
    try:
        with _opened(path) as picture:
            picture.load()
    except FaultyPicture as error:
        return str(error)
    return ""
