"""Regions that say the same, or nearly the same, through their POIs: what a text encoder alone cannot tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["Twins", "find_twins", "nearest_pairs", "region_texts", "same_pairs"]

Texts = Mapping[str, tuple[str, ...]]
"""Region id to the texts of its POIs, sorted; regions without POIs are left out."""
_BLOCK = 1024
"""Regions whose overlaps with all others are held at a time."""


@dataclass(frozen=True)
class Twins:
    """Pairs of regions found by one rule.

    Parameters
    ----------
    rule
        The rule in words.
    pairs
        Region ids, each pair once.
    """

    rule: str
    pairs: tuple[tuple[str, str], ...]


def find_twins(city: City) -> tuple[tuple[Twins, ...], Texts]:
    """Pair the regions of a city by rules, the strictest first, and give the texts of their POIs.

    Rules: one POI each with the same text; the same texts, however many; each the other's nearest by kinds of POI (texts without
    names). A pair that an earlier rule found is not repeated by a later one.
    """
    texts, kinds = region_texts(city, use_name=True), region_texts(city, use_name=False)
    same = same_pairs(texts)
    alone = tuple(pair for pair in same if len(texts[pair[0]]) == 1)
    more = tuple(pair for pair in same if len(texts[pair[0]]) > 1)
    near = tuple(pair for pair in nearest_pairs(kinds) if pair not in set(same))
    rules = (
        Twins("one POI each, same text", alone),
        Twins("several POIs, same texts", more),
        Twins("nearest in kinds of POI", near),
    )
    return rules, texts


def region_texts(city: City, *, use_name: bool) -> Texts:
    """Return the sorted texts of each region's POIs, read as UrbanMFM reads them."""
    from urbanbench.city.folder.tags import tag_table
    from urbanbench.toolkit.texts.place_texts import is_place, place_texts

    tags = tag_table(city.pois["tags"])
    found: dict[str, list[str]] = {name: [] for name in city.regions.index}
    rows = zip(
        city.pois["region_id"], place_texts(tags, use_name=use_name), is_place(tags).tolist(), strict=True
    )
    for region, text, kept in rows:
        if kept and region is not None:
            found[region].append(text)
    return {name: tuple(sorted(some)) for name, some in found.items() if some}


def same_pairs(texts: Texts) -> list[tuple[str, str]]:
    """Return all pairs of regions with equal texts, counted as often as they occur."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, some in texts.items():
        alike.setdefault(some, []).append(name)
    return [pair for names in alike.values() for pair in combinations(names, 2)]


def nearest_pairs(texts: Texts) -> list[tuple[str, str]]:
    """Return the pairs of regions that are each other's nearest.

    The distance is one minus the Jaccard overlap of the two multisets of texts (shared texts over all texts, each as often as it
    occurs); of equal distances the first in the order of `texts` is the nearest. Every region stands in one pair at most.
    """
    names = list(texts)
    if len(names) < 2:
        return []
    nearest = _nearest(_occurrences(list(texts.values())))
    return [
        (names[row], names[other])
        for row, other in enumerate(nearest.tolist())
        if row < other and nearest[other] == row
    ]


def _occurrences(texts: Sequence[tuple[str, ...]]) -> Any:
    """Return a sparse 0/1 matrix (n, m) whose columns are a text's first, second, … occurrence, so that products count shared texts."""
    from scipy.sparse import csr_array

    column: dict[tuple[str, int], int] = {}
    rows, columns = [], []
    for row, some in enumerate(texts):
        seen: dict[str, int] = {}
        for text in some:
            seen[text] = seen.get(text, 0) + 1
            rows.append(row)
            columns.append(column.setdefault((text, seen[text]), len(column)))
    ones = np.ones(len(rows), dtype=np.float64)
    return csr_array((ones, (rows, columns)), shape=(len(texts), len(column)))


def _nearest(occurrences: Any) -> np.ndarray:
    """Return for each row the other row with the largest overlap, int64 (n,)."""
    count = np.asarray(occurrences.sum(axis=1)).ravel()
    nearest = np.empty(len(count), dtype=np.int64)
    for start in range(0, len(count), _BLOCK):
        block = occurrences[start : start + _BLOCK]
        shared = (block @ occurrences.T).toarray()
        overlap = shared / (count[start : start + _BLOCK, None] + count - shared)
        overlap[np.arange(len(shared)), start + np.arange(len(shared))] = -1.0
        nearest[start : start + _BLOCK] = overlap.argmax(axis=1)
    return nearest
