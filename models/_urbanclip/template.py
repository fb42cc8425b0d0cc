"""Captions without a language model: sentences written from what a view shows of a region, never from a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.city.folder.tags import tag_table
from urbanbench.seen import saw
from urbanbench.toolkit.texts.counts import rows_of
from urbanbench.toolkit.texts.place_texts import CLASS_KEYS, PLAIN_BUILDINGS, is_place

if TYPE_CHECKING:
    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View

LOW_M, TALL_M = 7.0, 20.0
"""Mean heights below and above which buildings are called low and tall, metres."""

SHARES = ((0.05, ""), (0.2, "a little"), (0.4, "partly"), (0.65, "half"), (1.01, "mostly"))
"""Upper ends of shares of a picture, and their words."""


def template_sentences(view: View, cover: np.ndarray) -> list[list[str]]:
    """Write up to five sentences about every region.

    Each begins with what covers the ground, from the colours of the picture, and goes on with one of: how densely and how high it is
    built, which buildings, places and roads there are; the last one says all of it. "Few", "some" and "many" are thirds of the city's
    regions that have any, per km². What the view masks or withholds is not said.

    Parameters
    ----------
    view
        What may be seen: POIs, buildings and roads are read where they are allowed.
    cover
        float64 (n_regions, 3): shares of green, water and built or bare ground, NaN where there is no picture.
    """
    area = np.maximum(np.asarray(view.regions["area_km2"], dtype=np.float64), 1e-6)
    parts: list[list[str]] = []
    if view.has("polygon"):
        parts += _buildings(view, area)
    if view.has("poi"):
        parts.append(_places(view, area))
    if view.has("road"):
        parts.append(_roads(view, area))
    heads = [cover_words(row) for row in cover]
    return [_written(head, [part[row] for part in parts]) for row, head in enumerate(heads)]


def _written(head: str, details: list[str]) -> list[str]:
    """Write a region's sentences; a region about which nothing is known has none."""
    told = [one for one in details if one]
    if not told:
        return [f"{head}."] if head else []
    start = head or "A region"
    each = [f"{start} with {one}." for one in told]
    return each if len(told) == 1 else [*each, f"{start} with {_listed(told)}."]


def cover_words(cover: np.ndarray) -> str:
    """Name what covers the ground by the shares of green, water and built or bare ground; "" where they are not known.

    Examples
    --------
    >>> cover_words(np.array([0.5, 0.1, 0.4]))
    'A region half green, a little water, half built'
    """
    if np.isnan(cover).any():
        return ""
    said = []
    for share, name in zip(cover.tolist(), ("green", "water", "built"), strict=True):
        word = next(word for end, word in SHARES if share < end)
        if word:
            said.append(f"{word} {name}")
    return f"A region {', '.join(said)}"


def cover_shares(pixels: np.ndarray) -> np.ndarray:
    """Tell by colour which shares of pictures are green, water, and neither; float64 (n, 3).

    Green is where green exceeds red and blue by 8 of 255; water where blue exceeds red by 25 and is not below green.

    Parameters
    ----------
    pixels
        uint8 (n, 3, height, width).
    """
    red, green, blue = (pixels[:, one].astype(np.int16) for one in range(3))
    water = (blue >= red + 25) & (blue >= green)
    plants = (green >= red + 8) & (green >= blue + 8) & ~water
    shares = np.stack([plants.mean(axis=(1, 2)), water.mean(axis=(1, 2))], axis=1)
    return np.column_stack([shares, 1 - shares.sum(axis=1)])


def _buildings(view: View, area: np.ndarray) -> list[list[str]]:
    """Say how densely and how high regions are built, and of which kinds the buildings are."""
    frame = view.buildings
    region = _region_rows(view, frame["region_id"])
    inside = region >= 0
    saw("polygon", inside)
    footprint = np.bincount(region[inside], np.asarray(frame["area_m2"])[inside], minlength=len(area))
    height = _mean_by(region, np.asarray(frame["height_m"], dtype=np.float64), len(area))
    dense = amounts(footprint / area, ("sparse", "scattered", "dense"))
    shape = [
        " ".join(part for part in (one, _height_word(high), "buildings") if part) if one else ""
        for one, high in zip(dense, height, strict=True)
    ]
    tags = tag_table(frame["tags"]).with_key("building")
    tags = tags.where(~np.isin(tags.value.astype(str), sorted(PLAIN_BUILDINGS)))
    kinds = most_common(region[tags.rows], tags.value, np.ones(len(tags)), len(area), 2)
    return [shape, [f"{_listed(one)} buildings" if one else "" for one in kinds]]


def _places(view: View, area: np.ndarray) -> list[str]:
    """Say how many places there are and of which kinds most are."""
    frame = view.pois
    region, tags = _region_rows(view, frame["region_id"]), tag_table(frame["tags"])
    kept = is_place(tags)
    saw("poi", kept & (region >= 0))
    told = tags.where(kept[tags.rows]).with_key(*CLASS_KEYS)
    named = most_common(region[told.rows], _kinds(told), np.ones(len(told)), len(area), 3)
    count = np.bincount(region[kept & (region >= 0)], minlength=len(area)) / area
    many = amounts(count, ("few", "some", "many"))
    return [
        f"{amount} places such as {_listed(kinds)}" if kinds else f"{amount} places" if amount else ""
        for amount, kinds in zip(many, named, strict=True)
    ]


def _kinds(tags: TagTable) -> np.ndarray:
    """Return the value of each tag, its key where the value says only yes; object (m,)."""
    return np.where(tags.value == "yes", tags.key, tags.value)


def _roads(view: View, area: np.ndarray) -> list[str]:
    """Say how dense the roads are and of which classes; roads count with their length inside."""
    frame, shapes = view.roads, np.asarray(view.regions.geometry)
    tags = tag_table(frame["tags"]).with_key("highway")
    lines = np.asarray(frame.geometry)[tags.rows]
    shape, line = shapely.STRtree(lines).query(shapes, predicate="intersects")
    length = shapely.length(shapely.intersection(lines[line], shapes[shape]))
    named = most_common(shape, tags.value[line], length, len(area), 2)
    dense = amounts(np.bincount(shape, length, minlength=len(area)) / area, ("few", "some", "many"))
    return [
        f"{amount} {_listed(kinds)} roads" if amount else ""
        for amount, kinds in zip(dense, named, strict=True)
    ]


def amounts(density: np.ndarray, words: Sequence[str]) -> list[str]:
    """Give each region a word by its third among the regions with any; "" where there is none."""
    some = density > 0
    if not some.any():
        return [""] * len(density)
    low, high = np.quantile(density[some], [1 / 3, 2 / 3])
    third = (density > low).astype(int) + (density > high)
    return [words[one] if there else "" for one, there in zip(third.tolist(), some.tolist(), strict=True)]


def most_common(
    region: np.ndarray, kind: np.ndarray, weight: np.ndarray, n_regions: int, most: int
) -> list[list[str]]:
    """Return each region's kinds with the largest weights, the largest first, of equals the first by name.

    Parameters
    ----------
    region
        int64 (m,): region of each thing, -1 for none.
    kind
        object (m,): its kind; underscores become spaces.
    weight
        float64 (m,): what it adds.
    n_regions, most
        Number of regions; kinds per region.
    """
    inside = region >= 0
    names, code = np.unique(kind[inside].astype(str), return_inverse=True)
    made: list[list[str]] = [[] for _ in range(n_regions)]
    if not len(names):
        return made
    pair, place = np.unique(region[inside] * len(names) + code, return_inverse=True)
    total = np.bincount(place, weight[inside])
    order = np.lexsort((pair, -total, pair // len(names)))
    for one in pair[order].tolist():
        kinds = made[one // len(names)]
        if len(kinds) < most:
            kinds.append(str(names[one % len(names)]).replace("_", " "))
    return made


def _region_rows(view: View, region_id: Sequence[str | None]) -> np.ndarray:
    """Return the row of each thing's region, int64 (n,); -1 outside of all."""
    named = [one if isinstance(one, str) else None for one in region_id]
    rows = np.full(len(named), -1, dtype=np.int64)
    inside = np.array([one is not None for one in named], dtype=bool)
    rows[inside] = rows_of(view.region_ids, [one for one in named if one is not None])
    return rows


def _mean_by(region: np.ndarray, value: np.ndarray, n: int) -> np.ndarray:
    """Return the mean of the known values of each region, NaN where there is none."""
    known = (region >= 0) & np.isfinite(value)
    count = np.bincount(region[known], minlength=n)
    total = np.bincount(region[known], value[known], minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _height_word(height_m: float) -> str:
    if np.isnan(height_m):
        return ""
    return "low" if height_m < LOW_M else "tall" if height_m > TALL_M else "mid-rise"


def _listed(words: Sequence[str]) -> str:
    """Join words as in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
