"""The text of a place, made of its OpenStreetMap tags.

Rules after the UrbanMFM and CityFM data preparation: which tags make a place a POI, which say nothing, and in what order the
rest is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.city.folder.tags import TagTable

__all__ = [
    "CLASS_KEYS",
    "EMPTY_TEXT",
    "PRIMARY_KEYS",
    "TEXT_KEYS",
    "building_texts",
    "category_text",
    "distinct_texts",
    "is_object",
    "is_place",
    "is_shaped_place",
    "place_texts",
]

CLASS_KEYS = ("amenity", "shop", "tourism", "healthcare", "office", "leisure", "sport")
"""Keys that make a point a POI."""

TEXT_KEYS = ("name", *CLASS_KEYS, "building")
"""Keys that enter the text, in this order."""

PRIMARY_KEYS = (
    "aerialway",
    "aeroway",
    "barrier",
    "craft",
    "emergency",
    "highway",
    "historic",
    "landuse",
    "man_made",
    "military",
    "natural",
    "place",
    "power",
    "public_transport",
    "railway",
    "waterway",
)
"""OpenStreetMap's other primary keys, for those who want every object and not only POIs."""

STOP_VALUES = frozenset(
    {
        "bench",
        "loading_dock",
        "drinking_water",
        "waste_basket",
        "outdoor_seating",
        "recycling",
        "bicycle_parking",
        "parking_entrance",
        "charging_station",
        "toilets",
        "fountain",
    }
)
"""Street furniture: a POI with one of these values is left out."""

SHAPED_KEYS = ("amenity", "healthcare", "office", "shop")
SHAPED_STOP_VALUES = STOP_VALUES | {"parking_space"}
PLAIN_BUILDINGS = frozenset({"", "yes", "no", "roof", "garage", "terrace", "shed"})
"""Values of `building` that say nothing about its use."""

EMPTY_TEXT = "context: none"
MERE_BUILDING = "building"
"""The text of a building of which nothing is known but that it is one."""
_CLEAN = str.maketrans({"_": " ", '"': None, "'": None, "{": None, "}": None})


def is_place(tags: TagTable) -> np.ndarray:
    """Tell which objects are POIs: a key of `CLASS_KEYS` and no value of `STOP_VALUES`, or what `is_shaped_place` keeps.

    Returns
    -------
    numpy.ndarray
        bool (n,).
    """
    classed = _with_any(tags, _keys_in(tags, CLASS_KEYS))
    stopped = _with_any(tags, _values_in(tags, STOP_VALUES))
    return np.asarray((classed & ~stopped) | is_shaped_place(tags))


def is_shaped_place(tags: TagTable) -> np.ndarray:
    """Tell which building outlines are POIs themselves, as bool (n,).

    They have a key of `SHAPED_KEYS` or a value of `building` outside of `PLAIN_BUILDINGS`, and no street furniture's value.
    """
    telling = _keys_in(tags, ("building",)) & ~_values_in(tags, PLAIN_BUILDINGS)
    kept = _with_any(tags, _keys_in(tags, SHAPED_KEYS) | telling)
    return np.asarray(kept & ~_with_any(tags, _values_in(tags, SHAPED_STOP_VALUES)))


def is_object(tags: TagTable) -> np.ndarray:
    """Tell which objects have a key of `TEXT_KEYS` other than the name, or of `PRIMARY_KEYS`; bool (n,)."""
    return _with_any(tags, _keys_in(tags, (*TEXT_KEYS[1:], *PRIMARY_KEYS)))


def place_texts(tags: TagTable, *, use_name: bool = True, every_key: bool = False) -> list[str]:
    """Write the text of every object: ``key: value, key: value`` in the order of `TEXT_KEYS`.

    Parameters
    ----------
    tags
        Tags of n objects.
    use_name
        Whether the name belongs to the text.
    every_key
        Whether `PRIMARY_KEYS` follow the others.

    Returns
    -------
    list of str
        n texts; `EMPTY_TEXT` for an object without any of the keys. Quotes and braces are removed, underscores become spaces.
    """
    parts: list[list[str]] = [[] for _ in range(tags.n)]
    for key in (*(TEXT_KEYS if use_name else TEXT_KEYS[1:]), *(PRIMARY_KEYS if every_key else ())):
        chosen = tags.with_key(key)
        for row, value in zip(chosen.rows.tolist(), chosen.value.tolist(), strict=True):
            parts[row].append(category_text(f"{key}={value}"))
    return [", ".join(part) or EMPTY_TEXT for part in parts]


def category_text(category: str) -> str:
    """Write a category "key=value" as the text of a place that has no other tag.

    Examples
    --------
    >>> category_text("amenity=fast_food")
    'amenity: fast food'
    """
    key, _, value = category.partition("=")
    return f"{key}: {value.translate(_CLEAN).strip()}"


def building_texts(tags: TagTable, *, use_name: bool = True) -> list[str]:
    """Write the text of every building as `place_texts` does, "building" for one of whose tags nothing but ``building=yes`` is written."""
    mere = {EMPTY_TEXT, "building: yes"}
    return [MERE_BUILDING if text in mere else text for text in place_texts(tags, use_name=use_name)]


def distinct_texts(texts: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the distinct texts, sorted, and for each text its place among them, int64 (n,).

    Examples
    --------
    >>> distinct_texts(["b", "a", "b"])
    (('a', 'b'), array([1, 0, 1]))
    """
    known = sorted(set(texts))
    place = {text: row for row, text in enumerate(known)}
    return tuple(known), np.fromiter((place[text] for text in texts), dtype=np.int64, count=len(texts))


def _keys_in(tags: TagTable, keys: Collection[str]) -> np.ndarray:
    return np.asarray(_named(tags.key_names, keys)[tags.key_codes])


def _values_in(tags: TagTable, values: Collection[str]) -> np.ndarray:
    return np.asarray(_named(tags.value_names, values)[tags.value_codes])


def _named(names: np.ndarray, wanted: Collection[str]) -> np.ndarray:
    return np.fromiter((name in wanted for name in names.tolist()), dtype=bool, count=len(names))


def _with_any(tags: TagTable, chosen: np.ndarray) -> np.ndarray:
    """Objects that carry at least one of the chosen tags."""
    found = np.zeros(tags.n, dtype=bool)
    found[tags.rows[chosen]] = True
    return found
