"""Words on a terminal: how wide it is, whether it has colours, tables whose wide cells are folded, and paragraphs."""

from __future__ import annotations

import io
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO

__all__ = [
    "PAGE",
    "Cell",
    "Head",
    "Screen",
    "fitting",
    "paragraph",
    "screen_of",
    "styled",
    "table",
    "widened",
]

PAGE = 100
"""Columns of what is read by nobody's terminal: a pipe or a file."""
_GAP = 2
_LEAST_WORDS = (24, 16, 12, 8, 4)
"""Width that a column of words keeps while there is room, and what it is narrowed to step by step."""
_ENDLESS = 100_000

_wide: ContextVar[bool] = ContextVar("whether tables take all the width they want", default=False)


@dataclass(frozen=True)
class Screen:
    """What is written on.

    Parameters
    ----------
    width
        Columns; None where lines may be as long as they like.
    colour
        Whether it shows styles and colours.
    """

    width: int | None = PAGE
    colour: bool = False


@dataclass(frozen=True)
class Head:
    """Head of a column: its title, and whether its cells are numbers, which are never folded and stand on the right."""

    title: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell of a table, with a style of rich ("bold", "dim") for screens that have any."""

    text: str
    style: str = ""


@contextmanager
def widened(wide: bool) -> Iterator[None]:
    """Let tables in the block take all the width they want, or keep them on the page."""
    token = _wide.set(wide)
    try:
        yield
    finally:
        _wide.reset(token)


def screen_of(stream: TextIO | None = None) -> Screen:
    """Return the screen behind a stream, stdout when left out.

    A terminal has its own width; anything else has `PAGE` columns and no colour. `NO_COLOR` (https://no-color.org) and a dumb terminal
    have none either.
    """
    stream = sys.stdout if stream is None else stream
    shown = stream.isatty()
    width = shutil.get_terminal_size((PAGE, 24)).columns if shown else PAGE
    colour = shown and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(None if _wide.get() else width, colour)


def paragraph(text: str, screen: Screen, *, first: str = "", then: str | None = None) -> str:
    """Break a text into lines that fit; `first` stands before the first line, `then` before the others (as many blanks when left out)."""
    rest = " " * len(first) if then is None else then
    if screen.width is None:
        return first + text
    width = max(screen.width, len(rest) + 10)
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def styled(text: str, style: str, screen: Screen) -> str:
    """Write a text in a style of rich; as it is where the screen shows none."""
    return _printed([Cell(text, style)], screen) if screen.colour else text


def fitting(heads: Sequence[Head], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Tell whether a table fits without narrowing any column of words below its usual least."""
    return width is None or _least_sum(heads, rows, _LEAST_WORDS[0]) <= width


def table(heads: Sequence[Head], rows: Sequence[Sequence[Cell]], screen: Screen) -> str:
    """Write a table under its heads; cells of words are folded until it fits.

    A table of so many columns of numbers that they alone are wider than the screen is as wide as it must be.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    widths = _widths(heads, [[cell.text for cell in row] for row in rows], screen.width)
    made = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for head, width in zip(heads, widths, strict=True):
        side = "right" if head.number else "left"
        made.add_column(Text(head.title), justify=side, width=width, overflow="fold", vertical="top")  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*(Text(cell.text, style=cell.style) for cell in row))
    return _rendered(made, screen)


def _printed(cells: Sequence[Cell], screen: Screen) -> str:
    from rich.text import Text

    return _rendered(Text.assemble(*((cell.text, cell.style) for cell in cells)), screen)


def _rendered(thing: object, screen: Screen) -> str:
    """Return what rich makes of a thing; without colours not a sign of style is in it."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=_ENDLESS,
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        no_color=not screen.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )
    console.print(thing, no_wrap=False, crop=False)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _widths(heads: Sequence[Head], rows: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """Share the width out: numbers get theirs, words what is left, the more the longer they are."""
    if width is None:
        return [max(_longest(rows, k), _cells(head.title)) for k, head in enumerate(heads)]
    wanted = [max(_longest(rows, k), _title_width(head)) for k, head in enumerate(heads)]
    if sum(wanted) + _GAP * (len(heads) - 1) <= width:
        return wanted
    for most in _LEAST_WORDS:
        if _least_sum(heads, rows, most) <= width:
            break
    found = [_least(heads, rows, k, most) for k in range(len(heads))]
    while sum(found) + _GAP * (len(heads) - 1) < width:
        k = max(range(len(heads)), key=lambda k: wanted[k] / found[k])
        if wanted[k] <= found[k]:
            break
        found[k] += 1
    return found


def _title_width(head: Head) -> int:
    """Return the width a title wants: that of its longest word over numbers, where it is broken into lines."""
    return max(map(_cells, head.title.split() or [""])) if head.number else _cells(head.title)


def _least(heads: Sequence[Head], rows: Sequence[Sequence[str]], k: int, most: int) -> int:
    if heads[k].number:
        return max(_longest(rows, k), _title_width(heads[k]), 1)
    words = [word for text in (heads[k].title, *(row[k] for row in rows)) for word in text.split()]
    return max(1, min(max(map(_cells, words), default=1), most))


def _least_sum(heads: Sequence[Head], rows: Sequence[Sequence[str]], most: int) -> int:
    return sum(_least(heads, rows, k, most) for k in range(len(heads))) + _GAP * (len(heads) - 1)


def _longest(rows: Sequence[Sequence[str]], k: int) -> int:
    return max((_cells(row[k]) for row in rows), default=0)


def _cells(text: str) -> int:
    """Return how many columns a text takes: letters of Chinese take two."""
    from rich.cells import cell_len

    return cell_len(text)
