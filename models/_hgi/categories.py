"""What a POI is: a category in two levels, read from its OpenStreetMap tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.texts.place_texts import CLASS_KEYS

if TYPE_CHECKING:
    from urbanbench.city.folder.tags import TagTable

FIRST_LEVEL = (*CLASS_KEYS, "building")
"""Keys that are first-level categories; an object belongs to the first of them that it has."""

MERE_BUILDING = "building=yes"
"""Category of a building of which nothing is known but that it is one."""

UNKNOWN = "unknown"
"""Category of places of which the city that was learned from had none of the kind."""


@dataclass(frozen=True, eq=False)
class Categories:
    """Second-level categories of n places.

    Parameters
    ----------
    names
        c second-level categories, "key=value", or "key=other" for all rare values of a key; sorted.
    parent
        int64 (c,): first-level category of each, a position in `FIRST_LEVEL`.
    of_place
        int64 (n,): second-level category of each place.
    """

    names: tuple[str, ...]
    parent: np.ndarray
    of_place: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def category_words(tags: TagTable) -> np.ndarray:
    """Return "key=value" by the first key of `FIRST_LEVEL` that an object has, "" where it has none; object (n,)."""
    words = np.full(tags.n, "", dtype=object)
    for key in reversed(FIRST_LEVEL):
        chosen = tags.with_key(key)
        words[chosen.rows] = [f"{key}={value}" for value in chosen.value.tolist()]
    return words


def categories_of(words: Sequence[str] | np.ndarray, *, min_count: int) -> Categories:
    """Give the categories of places numbers; values with fewer than `min_count` places become "key=other".

    Parameters
    ----------
    words
        n words "key=value" with keys of `FIRST_LEVEL`.
    min_count
        Least number of places of a category of its own.
    """
    names, place, count = np.unique(np.asarray(words, dtype=str), return_inverse=True, return_counts=True)
    merged = [
        name if number >= min_count else f"{name.partition('=')[0]}=other"
        for name, number in zip(names.tolist(), count.tolist(), strict=True)
    ]
    kept, code = np.unique(np.array(merged, dtype=str), return_inverse=True)
    parent = [FIRST_LEVEL.index(name.partition("=")[0]) for name in kept.tolist()]
    return Categories(tuple(kept.tolist()), np.array(parent, dtype=np.int64), code[place].astype(np.int64))


def known_categories(words: Sequence[str] | np.ndarray, names: Sequence[str]) -> Categories:
    """Give places the categories that another city has: their own, else "key=other", else the last, "unknown", which that city has not.

    Parameters
    ----------
    words
        n words "key=value" with keys of `FIRST_LEVEL`.
    names
        Categories of the other city, as `categories_of` gave them.
    """
    number = {name: place for place, name in enumerate(names)}
    code = [
        number.get(word, number.get(f"{word.partition('=')[0]}=other", len(names)))
        for word in np.asarray(words, dtype=str).tolist()
    ]
    parent = [*(FIRST_LEVEL.index(name.partition("=")[0]) for name in names), 0]
    return Categories((*names, UNKNOWN), np.array(parent, dtype=np.int64), np.array(code, dtype=np.int64))
