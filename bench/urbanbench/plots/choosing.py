"""How much a page of a figure may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from urbanbench.errors import BadInput, DataMissing

__all__ = ["MOST_PANELS", "checked", "pages_of"]

MOST_PANELS = 12
_HIGHEST = 14.0
"""Of a page, in inches, unless one panel alone is higher."""

_Panel = TypeVar("_Panel")


def checked(panels: Sequence[object], what: str) -> None:
    """Refuse a figure without panels, or with more than a page has room for.

    Raises
    ------
    DataMissing
        There is none.
    BadInput
        There are too many.
    """
    _some(panels, what)
    if len(panels) > MOST_PANELS:
        msg = f"{len(panels)} {what} were asked for. Expected {MOST_PANELS} at most. Choose with --city, --task and --split."
        raise BadInput(msg)


def _some(panels: Sequence[object], what: str) -> None:
    if not panels:
        msg = f"No result here has {what} to draw. Expected finished rows. Mend: choose others with --city, --task, --split and --model."
        raise DataMissing(msg)


def pages_of(
    panels: Sequence[_Panel],
    what: str,
    height: Callable[[_Panel], float],
    together: Callable[[_Panel], str],
) -> list[list[_Panel]]:
    """Share panels out among pages in their order; what stands together does not begin at the foot of a page where it can stand on the next.

    Parameters
    ----------
    panels
        The panels.
    what
        What they are, for a refusal.
    height
        A panel's height in inches.
    together
        A word that panels of one page have in common as far as there is room, such as a city and task.

    Raises
    ------
    DataMissing
        There is no panel.
    """
    _some(panels, what)
    pages: list[list[_Panel]] = [[]]
    filled = 0.0
    for _, group in groupby(panels, key=together):
        listed = list(group)
        whole = sum(map(height, listed))
        if pages[-1] and filled + whole > _HIGHEST >= whole:
            pages.append([])
            filled = 0.0
        for panel in listed:
            if pages[-1] and (filled + height(panel) > _HIGHEST or len(pages[-1]) == MOST_PANELS):
                pages.append([])
                filled = 0.0
            pages[-1].append(panel)
            filled += height(panel)
    return pages
