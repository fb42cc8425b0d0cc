"""Small pieces of HTML that notebooks show: a heading, facts, tables. Every text is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from urbanbench.board.numbers import score_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["facts", "heading", "paragraph", "spread", "table"]

_MOST_ROWS = 40
_WORDS = re.compile(r"<td>(?!-?[\d.]+(?: ± [\d.]+)?</td>)")
"""How cells begin that hold no number: words stand left, numbers right."""


def heading(text: str) -> str:
    """Return a heading."""
    return f"<h4>{escape(text)}</h4>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def facts(told: Mapping[str, object]) -> str:
    """Return facts as a list of names and values; empty ones are left out."""
    lines = [
        f"<dt><b>{escape(name)}</b></dt><dd>{escape(str(value))}</dd>"
        for name, value in told.items()
        if value not in (None, "", ())
    ]
    return f"<dl>{''.join(lines)}</dl>"


def table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Return a table of at most 40 rows; of more it says how many there are."""
    shown = frame.head(_MOST_ROWS)
    html: str = shown.to_html(index=index, border=0, escape=True, na_rep="", justify="left")
    html = _WORDS.sub('<td style="text-align:left">', html).replace("<th>", '<th style="text-align:left">')
    if len(frame) > len(shown):
        html += paragraph(f"{len(shown)} of {len(frame)} rows.")
    return html


def spread(mean: float, deviation: float) -> str:
    """Write a mean and its deviation over seeds; "" where there is no mean.

    Examples
    --------
    >>> spread(0.6152, 0.0941), spread(0.6152, float("nan")), spread(float("nan"), 0.1)
    ('0.615 ± 0.094', '0.615', '')
    """
    return "" if math.isnan(mean) else score_text(mean, *([] if math.isnan(deviation) else [deviation]))
