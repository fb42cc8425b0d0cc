"""Signs a terminal or a redirect cannot hold: written in plain letters, so that no output is lost for want of a letter."""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path
from typing import TextIO

__all__ = ["holds", "make_streams_safe", "plain"]

_HANDLER = "urbanbench-plain"

PLAIN = {
    "\N{PLUS-MINUS SIGN}": "+/-",
    "\N{SUPERSCRIPT TWO}": "^2",
    "\N{SUPERSCRIPT THREE}": "^3",
    "\N{MIDDLE DOT}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{UPWARDS ARROW}": "^",
    "\N{DOWNWARDS ARROW}": "v",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{BLACK DOWN-POINTING TRIANGLE}": "(v)",
    "\N{DAGGER}": "(own)",
    "\N{WHITE DIAMOND}": "(not converged)",
    "\N{DOUBLE DAGGER}": "(older)",
    "\N{GREEK CAPITAL LETTER DELTA}": "delta",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{DEGREE SIGN}": " deg",
    "\N{MICRO SIGN}": "u",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{BULLET}": "*",
    "\N{BLACK CIRCLE}": "*",
    "\N{WHITE CIRCLE}": "=",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
}
"""Signs of our own words, and what is read the same; letters of names are written by their number instead."""


def plain(text: str) -> str:
    r"""Write text in ASCII: known signs by their like, every other one by its number, so that no two texts become one.

    Examples
    --------
    >>> plain("R² 0.5 ± 0.1"), plain("上海 é")
    ('R^2 0.5 +/- 0.1', '\\u4e0a\\u6d77 \\xe9')
    """
    return "".join(PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in text)


def holds(stream: TextIO, text: str) -> bool:
    """Tell whether a stream can write a text as it is."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def make_streams_safe() -> None:
    """Let stdout and stderr write every text, whatever their encoding; a stream that is closed swallows it."""
    codecs.register_error(_HANDLER, _replace)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end
