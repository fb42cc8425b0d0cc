"""A contact sheet of a city's street views and satellite pictures, so that somebody looks at them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.drawing.sheet_choice import Section, Shot, sections_of
from urbanbench.city.drawing.tiles import INK, PALE, TILE, opened_tile, paste_tile, write_text
from urbanbench.errors import BadInput, LayerMissing
from urbanbench.figures.letters import drawable

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from urbanbench.city.city import City

__all__ = ["draw_sheet"]

COLUMNS, GAP, MARGIN = 8, 10, 24
"""Tiles in a row; pixels between tiles and around the sheet."""

CAPTION = 34
HEAD = 34


def draw_sheet(city: City, path: Path, *, count: int = 32, label: str = "") -> int:
    """Draw a grid of a city's pictures with the ids and labels of their units; those that cannot be opened are marked.

    Parameters
    ----------
    city
        An open city.
    path
        Where to write, ``.png``. The same city gives the same bytes.
    count
        Pictures per layer, at most.
    label
        Label to write under the pictures; "" for the first that fits.

    Returns
    -------
    int
        How many of the pictures shown cannot be opened.

    Raises
    ------
    LayerMissing
        The city has neither street views nor satellite pictures.
    DataMissing
        The city has no such label.
    BadInput
        Another suffix.
    """
    from urbanbench.atomic import replacing

    if path.suffix.lower() != ".png":
        msg = f"Sheet file {path.name!r} has suffix {path.suffix!r}. Expected .png."
        raise BadInput(msg)
    sections = sections_of(city, count=count, label=label)
    if not sections:
        raise LayerMissing(city.name, "street_views", city.layers)
    sheet, broken = _sheet(city, sections)
    with replacing(path) as part:
        sheet.save(part, format="PNG")
    return broken


def _sheet(city: City, sections: list[Section]) -> tuple[Image, int]:
    from PIL import Image, ImageDraw

    # Tiles are as high as the flattest picture allows: street views are wide, satellite pictures square.
    drawn = [[opened_tile(city.path / shot.path) for shot in section.shots] for section in sections]
    highs = [_tile_height(pictures) for pictures in drawn]
    lines = [line for section in sections for line in textwrap.wrap(section.credit, 190)]
    rows = [-(-len(section.shots) // COLUMNS) for section in sections]
    body = sum(HEAD + many * (high + CAPTION + GAP) for many, high in zip(rows, highs, strict=True))
    height = 2 * MARGIN + 30 + body + 16 * len(lines) + 8
    width = 2 * MARGIN + COLUMNS * TILE + (COLUMNS - 1) * GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw, broken = ImageDraw.Draw(sheet), 0
    write_text(draw, (MARGIN, MARGIN - 4), drawable(city.title, city.name), 20, INK, width - 2 * MARGIN)
    top = MARGIN + 30
    for section, pictures, many, high in zip(sections, drawn, rows, highs, strict=True):
        write_text(draw, (MARGIN, top + 8), section.title, 13, PALE, width - 2 * MARGIN)
        top += HEAD
        for place, (shot, picture) in enumerate(zip(section.shots, pictures, strict=True)):
            left = MARGIN + place % COLUMNS * (TILE + GAP)
            down = top + place // COLUMNS * (high + CAPTION + GAP)
            broken += isinstance(picture, str)
            _draw_tile(sheet, draw, (left, down), high, shot, picture)
        top += many * (high + CAPTION + GAP)
    for row, line in enumerate(lines):
        write_text(draw, (MARGIN, top + 8 + 16 * row), line, 11, PALE)
    return sheet, broken


def _tile_height(pictures: list[Image | str]) -> int:
    return max((one.height for one in pictures if not isinstance(one, str)), default=TILE)


def _draw_tile(
    sheet: Image, draw: ImageDraw, corner: tuple[int, int], high: int, shot: Shot, picture: Image | str
) -> None:
    left, top = corner
    paste_tile(sheet, draw, corner, high, picture)
    write_text(draw, (left, top + high + 2), shot.unit, 12, INK, TILE)
    write_text(draw, (left, top + high + 17), shot.told, 12, PALE, TILE)
