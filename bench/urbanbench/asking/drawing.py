"""A contact sheet of questions: a query a row, and beside it candidates, the right one framed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.asking.shown import BEST, Shown
from urbanbench.city.drawing.tiles import FAULT, GROUND, INK, PALE, TILE, opened_tile, paste_tile, write_text
from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from urbanbench.city.city import City
    from urbanbench.items import Exam, Item

__all__ = ["draw_questions"]

GAP, MARGIN, HIGH = 12, 24, 150
"""Pixels between tiles, around the sheet, and of a tile's height."""

WIDE = 300
"""Pixels of the column of queries."""

RIGHT = "#1b7f3b"
_LETTERS, _LINE = 7.0, 14
"""Pixels of a letter and of a line."""


def draw_questions(city: City, exam: Exam, shown: Sequence[Shown], title: str, path: Path) -> None:
    """Draw queries with their candidates.

    Parameters
    ----------
    city
        Whose pictures they are.
    exam
        The items.
    shown
        Queries and candidates, a row each.
    title
        Stands above.
    path
        Where to write, ``.png``. The same questions give the same bytes.

    Raises
    ------
    BadInput
        Another suffix, or nothing to draw.
    """
    from PIL import Image, ImageDraw

    from urbanbench.atomic import replacing

    if path.suffix.lower() != ".png" or not shown:
        msg = f"Sheet file {path.name!r} for {len(shown)} questions. Expected a name that ends in .png, and one question at least."
        raise BadInput(msg)
    width = 2 * MARGIN + WIDE + BEST * (TILE + GAP)
    height = 2 * MARGIN + 40 + len(shown) * (HIGH + 34)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    write_text(draw, (MARGIN, MARGIN - 6), title, 17, INK, width - 2 * MARGIN)
    for row, one in enumerate(shown):
        _row(city, exam, (sheet, draw), one, MARGIN + 34 + row * (HIGH + 34))
    with replacing(path) as part:
        sheet.save(part, format="PNG")


def _row(city: City, exam: Exam, on: tuple[Image, ImageDraw], one: Shown, top: int) -> None:
    query = exam.items[one.query]
    _item(city, exam, on, query, (MARGIN, top), WIDE)
    place = f"right one at {one.rank} of {one.of}" if one.rank else f"{one.of} candidates"
    graph = f", graph of {len(exam.graphs[query.graph])} nodes" if query.graph else ""
    write_text(on[1], (MARGIN, top + HIGH + 3), f"query{graph}: {place}", 12, PALE, WIDE)
    for column, (name, right) in enumerate(zip(one.candidates, one.right, strict=True)):
        left = MARGIN + WIDE + GAP + column * (TILE + GAP)
        _item(city, exam, on, exam.items[name], (left, top), TILE)
        colour = RIGHT if right else FAULT if one.rank else PALE
        on[1].rectangle((left - 3, top - 3, left + TILE + 2, top + HIGH + 2), outline=colour, width=3)
        word = "right" if right else "wrong"
        write_text(
            on[1], (left, top + HIGH + 4), f"{column + 1}. {word}" if one.rank else word, 12, colour, TILE
        )


def _item(
    city: City, exam: Exam, on: tuple[Image, ImageDraw], item: Item, corner: tuple[int, int], width: int
) -> None:
    """Draw an item: its picture, its text, or the one above the other."""
    draw = on[1]
    left, top = corner
    if item.image:
        high = HIGH - (3 * _LINE if item.text else 0)
        _pictures(city, exam.pictures.get(item.image, item.image), on, corner, high)
        top += high
    lines = textwrap.wrap(item.text, int(width / _LETTERS * 1.1))
    room = (corner[1] + HIGH - top) // _LINE
    for at, line in enumerate(lines[:room]):
        more = "…" if at == room - 1 and len(lines) > room else ""
        write_text(draw, (left + 2, top + at * _LINE), line + more, 11, INK, width)


def _pictures(city: City, view: str, on: tuple[Image, ImageDraw], corner: tuple[int, int], high: int) -> None:
    """Draw the pictures of a view: one as a tile, several as a square of small ones."""
    row = city.street_views.loc[view, ["image", *DIRECTIONS]]
    paths = list(dict.fromkeys(str(one) for one in row if isinstance(one, str)))
    opened = [opened_tile(city.path / path) for path in paths]
    first = opened[0]
    if len(opened) == 1 or isinstance(first, str):
        if not isinstance(first, str):
            first.thumbnail((TILE, high))
        paste_tile(on[0], on[1], corner, high, first)
        return
    on[1].rectangle((*corner, corner[0] + TILE - 1, corner[1] + high - 1), fill=GROUND)
    small = [one for one in opened[:4] if not isinstance(one, str)]
    for picture in small:
        picture.thumbnail((TILE // 2, high // 2))
    low = max(picture.height for picture in small)
    for at, picture in enumerate(small):
        place = (corner[0] + at % 2 * (TILE // 2), corner[1] + (high - 2 * low) // 2 + at // 2 * low)
        on[0].paste(picture, place)
