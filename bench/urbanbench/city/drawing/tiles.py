"""Tiles of a sheet: pictures of one size, those that cannot be opened marked, and text in a font that has its signs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.figures.letters import drawable, font_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = [
    "FAULT",
    "GROUND",
    "INK",
    "PALE",
    "TILE",
    "opened_tile",
    "paste_tile",
    "wrapped_text",
    "write_text",
]

TILE = 168
"""Pixels of a tile's side."""

INK, PALE, GROUND, FAULT = "#202020", "#6a6a6a", "#eeeeee", "#b3261e"


def opened_tile(path: Path, box: tuple[int, int] = (TILE, TILE)) -> Image | str:
    """Return a picture as large as fits into a box of (width, height) pixels, or what is wrong with it."""
    try:
        picture = open_picture(path)
    except FaultyPicture as error:
        return str(error)
    picture.thumbnail(box, reducing_gap=3.0)
    scale = min(box[0] / picture.width, box[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture if size == picture.size else picture.resize(size)


def paste_tile(
    sheet: Image,
    draw: ImageDraw,
    corner: tuple[int, int],
    high: int,
    picture: Image | str,
    wide: int = TILE,
) -> None:
    """Put a picture on a sheet, or a crossed box with what is wrong with it.

    Parameters
    ----------
    sheet, draw
        Where to draw.
    corner, high
        Upper left corner and height of the tile, pixels.
    picture
        What `opened_tile` gave.
    wide
        Width of the tile, pixels.
    """
    left, top = corner
    box = (left, top, left + wide - 1, top + high - 1)
    if isinstance(picture, str):
        draw.rectangle(box, fill="#fbeceb", outline=FAULT, width=2)
        draw.line((box[0], box[1], box[2], box[3]), fill="#f0c4c1", width=2)
        draw.line((box[0], box[3], box[2], box[1]), fill="#f0c4c1", width=2)
        for row, line in enumerate(textwrap.wrap(picture, 24)[:4]):
            write_text(draw, (left + 8, top + 8 + 15 * row), line, 12, FAULT)
    else:
        draw.rectangle(box, fill=GROUND)
        sheet.paste(picture, (left + (wide - picture.width) // 2, top + (high - picture.height) // 2))


def write_text(
    draw: ImageDraw, corner: tuple[int, int], text: str, size: int, fill: str, width: int | None = None
) -> None:
    """Write a text in a font that has its signs, cut so that it is not wider than some pixels."""
    shown = drawable(text)
    font = _font(size, shown)
    draw.text(corner, shown if width is None else _fitted(shown, font, width), fill=fill, font=font)


def wrapped_text(text: str, size: int, width: int) -> list[str]:
    """Return a text in lines that are no wider than some pixels: broken between words, and between letters where a word alone is wider."""
    shown = drawable(text)
    font, lines = _font(size, shown), [""]
    for word in shown.split():
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") > width:
            lines.append("")
        space = " " if lines[-1] else ""
        for sign in space + word:
            if lines[-1].strip() and font.getlength(lines[-1] + sign) > width:
                lines.append("")
            lines[-1] += sign
    return [line for line in lines if line]


def _font(size: int, text: str) -> Any:
    from PIL import ImageFont

    if all(sign < "\u0100" or sign == "…" for sign in text):
        return ImageFont.load_default(size)
    return ImageFont.truetype(font_file(text), size)


def _fitted(text: str, font: Any, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
