"""How every figure looks: colours that people with any colour vision tell apart (Okabe and Ito), marks, and sizes of letters."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

__all__ = [
    "COLOURS",
    "FAINT",
    "FLOOR",
    "FRONT",
    "LEARNED",
    "LINES",
    "MARKS",
    "NOTICED",
    "NO_VALUE",
    "SOFT",
    "drawn_alike",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", ":")
"""Of series, in order; a seventh begins again with other pairs, and a broken line."""
LEARNED, FLOOR, FRONT = COLOURS[0], "#999999", COLOURS[1]
"""Learned models, floors, and a line over the best."""
NOTICED, SOFT, FAINT = "#F0E442", "#777777", "#BBBBBB"
"""A band that is to be noticed, what stands back, and single splits."""
NO_VALUE = "#e4e4e4"
"""A region of which no value is known."""
_RULES: Any = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "figure.titlesize": 11.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "urbanbench",
    "pdf.fonttype": 42,
}


def drawn_alike() -> AbstractContextManager[None]:
    """Let what is drawn and saved in the block look like every other figure, whatever matplotlib's settings are."""
    import matplotlib as mpl

    return mpl.rc_context(_RULES)
