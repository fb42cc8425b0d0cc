"""Letters of every script on maps and figures: a font that has them, or their numbers where none has."""

from __future__ import annotations

import string
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from urbanbench.progress import note

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["drawable", "families_for", "font_file", "settle_letters"]

USUAL = "DejaVu Sans"
"""The font of all drawings; it comes with matplotlib and has Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian and Georgian letters."""

PREFERRED = (
    "Noto Sans",
    "Source Han Sans",
    "WenQuanYi",
    "Droid Sans",
    "Arial Unicode",
    "Microsoft",
    "PingFang",
    "Hiragino",
)
"""Beginnings of families that are asked first for what the usual font lacks."""

_NO_LETTERS = ("Last Resort", "STIX", "cm", "DejaVu Sans Display", "DejaVu Serif Display")
"""Beginnings of families with boxes or mathematics for letters."""


def settle_letters(figure: Figure) -> None:
    """Give every text of a figure fonts that have its signs; what none has is written by number, and said once on stderr.

    Names are never read as formulas. Call it when everything is drawn, before the figure is saved.
    """
    from matplotlib.text import Text

    axes_of = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = {id(one) for axis in axes_of for one in axis.findobj(Text)} - {id(axis.label) for axis in axes_of}
    for one in figure.findobj(Text):
        if isinstance(one, Text) and id(one) not in ticks and one.get_text():
            one.set_text(drawable(one.get_text()))
            one.set_fontfamily(families_for(one.get_text()))
            one.set_parse_math(False)
    for axis in axes_of:
        _settle_ticks(axis)


def _settle_ticks(axis: Axis) -> None:
    """Settle words that stand for ticks; numbers need nothing, nor an axis that leaves its words to the one it shares them with."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    if isinstance(axis.get_major_locator(), FixedLocator) and isinstance(
        axis.get_major_formatter(), FuncFormatter
    ):
        words = [drawable(one.get_text()) for one in axis.get_ticklabels()]
        if not any(words):
            return
        axis.set_ticks(axis.get_majorticklocs(), words, parse_math=False)
        axis.set_tick_params(labelfontfamily=families_for("".join(words)))


def drawable(text: str, instead: str = "") -> str:
    r"""Return a text on one line a font can draw.

    Parameters
    ----------
    text
        Any text; signs that are no letters become spaces.
    instead
        What stands for the whole text when a sign of it is in no font, such as an id; "" for the text with such signs by number.

    Examples
    --------
    >>> drawable("Zürich, مدينة\n"), drawable("\ue000", "r7"), drawable("a\ue000")
    ('Zürich, مدينة', 'r7', 'a\\ue000')
    """
    line = "\n".join("".join(map(_without_controls, part)).strip() for part in text.strip().split("\n"))
    lacking = sorted({sign for sign in line if sign != "\n" and not _font_with(sign)})
    if not lacking:
        return line
    _say_once(line, "".join(lacking))
    if instead and all(_font_with(sign) for sign in instead):
        return instead
    return "".join(_numbered(sign) if sign in lacking else sign for sign in line)


def families_for(text: str) -> list[str]:
    """Return the families that draw a text, the usual one first."""
    found = [font[0] for sign in dict.fromkeys(text) if (font := _font_with(sign))]
    return list(dict.fromkeys([_usual()[0], *found]))


def font_file(text: str) -> str:
    """Return the file of a font that has all signs of a text, or most of them."""
    wanted = set(text)
    fonts = [_usual(), *dict.fromkeys(one for sign in sorted(wanted) if (one := _font_with(sign)))]
    return max(fonts, key=lambda font: len(wanted & _signs(font[1])))[1]


def _without_controls(sign: str) -> str:
    """Return a sign; a space for what controls or spaces lines, nothing for what steers letters unseen."""
    kind = unicodedata.category(sign)
    return "" if kind == "Cf" else " " if kind in {"Cc", "Zl", "Zp", "Zs"} else sign


def _numbered(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode()


@cache
def _say_once(text: str, lacking: str) -> None:
    shown = lacking if len(lacking) <= 8 else f"{lacking[:8]}…"
    note(
        f"No installed font has the signs {shown} of {text[:60]!r}: they are drawn by number. "
        f"A font that has them mends it, for example Noto Sans CJK."
    )


@cache
def _font_with(sign: str) -> tuple[str, str] | None:
    """Return (family, file) of the first font with a sign; None where none has it."""
    if sign in string.printable or ord(sign) in range(0xA0, 0x180):
        return _usual()
    return next((font for font in _fonts() if sign in _signs(font[1])), None)


def _usual() -> tuple[str, str]:
    return _fonts()[0]


@cache
def _fonts() -> tuple[tuple[str, str], ...]:
    """Return (family, file) of upright fonts of usual weight: the usual one, preferred ones, then the others by name."""
    from matplotlib.font_manager import fontManager

    found = sorted(
        {
            (one.name, one.fname)
            for one in fontManager.ttflist
            if one.style == "normal"
            and one.weight in {400, "normal", "regular", "medium"}
            and not one.name.startswith(_NO_LETTERS)
        }
    )
    return tuple(sorted(found, key=lambda font: (font[0] != USUAL, not font[0].startswith(PREFERRED))))


@cache
def _signs(file: str) -> frozenset[str]:
    """Return the signs a font file has; none where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(file).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()
