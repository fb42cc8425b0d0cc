"""Pairs to learn from: pictures with what lies around them, with ways to them, and with where they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from urbanbench.asking.told import caption_texts, paths_to
from urbanbench.asking.where import location_texts
from urbanbench.items import Item, Lesson

if TYPE_CHECKING:
    from urbanbench.asking.together import Sheet

__all__ = ["PATHS", "WANTED", "lessons_of"]

PATHS = 2
"""Ways to a picture that are told, at most."""

WANTED: Mapping[str, str] = {
    "caption": "Find the text that tells what lies around this picture.",
    "path": "Find the way that ends at this picture.",
    "location": "Find the text that says where this picture was taken.",
}
"""What is wanted of the side with the picture, by kind of lesson."""


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
        told = zip(chosen, paths_to(ground, chosen, PATHS), strict=True)
        said += [("path", k, way.text) for k, some in told for way in some]
    if "location" in kinds:
        texts = location_texts(ground)
        said += [("location", k, texts[k]) for k in chosen]
    return [
        Lesson(kind, replace(sheet.picture(int(k)), instruction=WANTED[kind]), Item(text=text))
        for kind, k, text in said
        if text
    ]
