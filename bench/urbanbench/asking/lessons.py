"""Pairs to learn from: pictures with what lies around them, with ways to them, and with where they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from urbanbench.asking.told import caption_texts, path_texts
from urbanbench.asking.where import location_texts
from urbanbench.items import Item, Lesson

if TYPE_CHECKING:
    from urbanbench.asking.together import Sheet

__all__ = ["PATHS", "lessons_of"]

PATHS = 2
"""Ways to a picture that are told, at most."""


def lessons_of(sheet: Sheet, kinds: Collection[str]) -> list[Lesson]:
    """Return training pairs of the pictures that may be learned from.

    Parameters
    ----------
    sheet
        The questions that are being written.
    kinds
        Some of "caption", "path" and "location".
    """
    ground, chosen = sheet.ground, sheet.ground.learned
    said: list[tuple[str, int, str]] = []
    if "caption" in kinds:
        said += [("caption", k, text) for k, text in zip(chosen, caption_texts(ground, chosen), strict=True)]
    if "path" in kinds:
        told = zip(chosen, path_texts(ground, chosen, PATHS), strict=True)
        said += [("path", k, text) for k, some in told for text in some]
    if "location" in kinds:
        texts = location_texts(ground)
        said += [("location", k, texts[k]) for k in chosen]
    return [Lesson(kind, sheet.picture(int(k)), Item(text=text)) for kind, k, text in said if text]
