"""Pictures of a city folder: opened safely, judged whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.format import DIRECTIONS, row_fault

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_PIXELS", "FaultyPicture", "open_picture", "picture_faults"]

MAX_PIXELS = 64_000_000
"""A picture that claims more pixels is refused before it is decoded."""

_FORMATS = ("PNG", "JPEG", "WEBP")


class FaultyPicture(ValueError):
    """A file that is no picture urbanbench reads; the text says what was found."""


def open_picture(path: Path) -> Image:
    """Decode a PNG, JPEG or WebP file to RGB.

    Raises
    ------
    FaultyPicture
        Not such a file, broken, or above `MAX_PIXELS`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                msg = f"{picture.width} x {picture.height} pixels"
                raise FaultyPicture(msg)
            return picture.convert("RGB")
    except UnidentifiedImageError as error:
        msg = "no picture"
        raise FaultyPicture(msg) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, FaultyPicture):
            raise
        msg = f"a broken picture ({str(error)[:80]})"
        raise FaultyPicture(msg) from error


def picture_faults(folder: Path, file: str, frame: Any) -> list[str]:
    """Decode every picture that a layer names and tell which cannot be."""
    faults: dict[tuple[str, str], list[str]] = {}
    judged: dict[str, str] = {}
    for column in (name for name in ("image", *DIRECTIONS) if name in frame):
        named = frame[column].dropna()
        for one, path in named.items():
            if path not in judged:
                judged[path] = _fault(folder / path)
            if judged[path]:
                faults.setdefault((column, judged[path]), []).append(f"{one}: {path[:80]}")
    expected = "pictures (PNG, JPEG or WebP) that open"
    return [
        row_fault(file, column, rows, expected=expected, found=found)
        for (column, found), rows in faults.items()
    ]


def _fault(path: Path) -> str:
    try:
        open_picture(path)
    except FaultyPicture as error:
        return str(error)
    return ""
