"""A contact sheet of questions: a query a row, and beside it candidates, the right one framed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.asking.shown import BEST, Shown
from urbanbench.city.drawing.tiles import (
    FAULT,
    GROUND,
    INK,
    PALE,
    TILE,
    opened_tile,
    paste_tile,
    wrapped_text,
    write_text,
)
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
_LETTERS, _LINE = 11, 14
"""Pixels of letters and of a line."""


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
    columns = BEST + any(one.missed for one in shown)
    width = 2 * MARGIN + WIDE + columns * (TILE + GAP)
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
    graph = f"graph of {len(exam.graphs[query.graph])} nodes, " if query.graph else ""
    write_text(on[1], (MARGIN, top + HIGH + 3), f"query: {graph}{one.of} candidates", 12, PALE, WIDE)
    for column, (name, right) in enumerate(zip(one.candidates, one.right, strict=True)):
        word = "right" if right else "wrong"
        colour = RIGHT if right else FAULT if one.rank else PALE
        said = f"{column + 1}. {word}" if one.rank else word
        _candidate(city, exam, on, name, column, top, said, colour)
    if one.missed and one.rank:
        _candidate(city, exam, on, one.missed, BEST, top, f"{one.rank}. is the right one", RIGHT)


def _candidate(
    city: City,
    exam: Exam,
    on: tuple[Image, ImageDraw],
    name: str,
    column: int,
    top: int,
    said: str,
    colour: str,
) -> None:
    left = MARGIN + WIDE + GAP + column * (TILE + GAP)
    _item(city, exam, on, exam.items[name], (left, top), TILE)
    on[1].rectangle((left - 3, top - 3, left + TILE + 2, top + HIGH + 2), outline=colour, width=3)
    write_text(on[1], (left, top + HIGH + 4), said, 12, colour, TILE)


def _item(
    city: City, exam: Exam, on: tuple[Image, ImageDraw], item: Item, corner: tuple[int, int], width: int
) -> None:
    """Draw an item: its picture, its text, or the one above the other."""
    left, top = corner
    lines = wrapped_text(item.text, _LETTERS, width - 4)
    if item.image:
        high = HIGH - min(len(lines), 3) * _LINE
        _pictures(city, exam.pictures.get(item.image, item.image), on, corner, (width, high))
        top += high
    room = (corner[1] + HIGH - top) // _LINE
    for at, line in enumerate(lines[:room]):
        more = "…" if at == room - 1 and len(lines) > room else ""
        write_text(on[1], (left + 2, top + at * _LINE), line + more, _LETTERS, INK, width)


def _pictures(
    city: City, view: str, on: tuple[Image, ImageDraw], corner: tuple[int, int], box: tuple[int, int]
) -> None:
    """Draw the pictures of a view into a box: one alone, several as a square of small ones."""
    row = city.street_views.loc[view, ["image", *DIRECTIONS]]
    paths = list(dict.fromkeys(str(one) for one in row if isinstance(one, str)))
    wide, high = box
    small = box if len(paths) == 1 else (wide // 2, high // 2)
    opened = [opened_tile(city.path / path, small) for path in paths[:4]]
    good = [one for one in opened if not isinstance(one, str)]
    if len(opened) == 1 or not good:
        paste_tile(on[0], on[1], corner, high, opened[0], wide)
        return
    on[1].rectangle((*corner, corner[0] + wide - 1, corner[1] + high - 1), fill=GROUND)
    across, down = max(one.width for one in good), max(one.height for one in good)
    left, top = corner[0] + (wide - 2 * across) // 2, corner[1] + (high - 2 * down) // 2
    for at, picture in enumerate(good):
        on[0].paste(picture, (left + at % 2 * across, top + at // 2 * down))
