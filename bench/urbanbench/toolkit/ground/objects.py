"""The objects that models are shown, by category: how many of each lie in or near a unit, and what a sum or a mean over them makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import UnknownName
from urbanbench.learned import Learned
from urbanbench.seen import saw
from urbanbench.toolkit.texts.counts import (
    Tokens,
    area_km2,
    joined_tokens,
    key_value_tokens,
    matrix_of_words,
    pois_of_units,
    rows_of,
    vocabulary_matrix,
)
from urbanbench.toolkit.texts.place_texts import is_place, is_shaped_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.units import Units

__all__ = [
    "OBJECTS",
    "POOLINGS",
    "CategoryCounts",
    "Objects",
    "check_choice",
    "count_categories",
    "gather_objects",
    "learn_categories",
    "pooled",
    "signed_log1p",
]

OBJECTS: Mapping[str, str] = {
    "all": "every POI, which is what `poi-counts` counts",
    "kept": "the POIs that the filter `paper` keeps: what SpaBERT, MuseCL and text-mean are shown",
    "places": "these and, where footprints may be seen, the buildings whose tags tell their use: UrbanMFM, CityFM, HGI and Urban2Vec",
    "footprints": "these and all other buildings, as with `untagged=poi`",
}
"""Words for objects, and what they stand for."""

POOLINGS = ("mean", "sum")

MERE_BUILDING = "building=yes"
"""Category of a building of which nothing is known but that it is one."""


@dataclass(frozen=True, eq=False)
class Objects:
    """Rows of the view's POIs and of its buildings, int64 (p,) and (b,), both rising; the buildings follow the POIs."""

    poi: np.ndarray
    building: np.ndarray

    def __len__(self) -> int:
        return len(self.poi) + len(self.building)


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """Objects of n units by category, "key=value" with a key of `urbanbench.toolkit.texts.counts.POI_KEYS`.

    Parameters
    ----------
    names
        The c categories by falling number of objects, ties by name; or those asked for.
    counts
        float64 (n, c); an object with several categories counts in each.
    number
        float64 (n,): objects with a category.
    """

    names: tuple[str, ...]
    counts: sparse.csr_array
    number: np.ndarray


def check_choice(kind: str, word: str, known: Mapping[str, str] | tuple[str, ...]) -> None:
    """Refuse a word of a parameter that does not exist, with an UnknownName."""
    if word not in known:
        raise UnknownName(kind, word, known)


def gather_objects(view: View, which: str) -> Objects:
    """Choose the objects that a word of `OBJECTS` stands for; only for the last two are footprints read, where they may be.

    Raises
    ------
    UnknownName
        No such word.
    """
    check_choice("word for objects", which, OBJECTS)
    pois, no_building = view.pois, np.empty(0, dtype=np.int64)
    if which == "all":
        return Objects(np.arange(len(pois)), no_building)
    poi = np.flatnonzero(is_place(tag_table(pois["tags"])))
    if which == "kept" or not view.has("polygon"):
        return Objects(poi, no_building)
    buildings = view.buildings
    if which == "footprints":
        return Objects(poi, np.arange(len(buildings)))
    return Objects(poi, np.flatnonzero(is_shaped_place(tag_table(buildings["tags"]))))


def learn_categories(view: View, *, objects: str, max_columns: int) -> Learned:
    """Return, as "words", the categories of a view's objects by falling number, ties by name: the most frequent ones alone.

    Raises
    ------
    UnknownName
        No such word for objects.
    """
    _, names = vocabulary_matrix(_tokens(view, gather_objects(view, objects)), max_columns=max_columns)
    return Learned(facts={"words": names})


def count_categories(
    view: View, units: Units, *, objects: str, radius_m: float, names: Sequence[str] | None = None
) -> CategoryCounts:
    """Count objects by category in regions, or within a distance of buildings, the building itself left out; and say which they are.

    Parameters
    ----------
    view, units
        What may be seen, and for whom.
    objects
        A word of `OBJECTS`.
    radius_m
        Distance from a building's outline, to POIs and to the centroids of other buildings, in metres.
    names
        The categories to count, in this order; all where left out. `number` counts objects of the others too.

    Raises
    ------
    UnknownName
        No such word for objects.
    BadInput
        Units of another level.
    """
    chosen = gather_objects(view, objects)
    tokens = _tokens(view, chosen)
    names = vocabulary_matrix(tokens)[1] if names is None else tuple(names)
    per_object = matrix_of_words(tokens, names)
    belongs = _objects_of_units(view, units, chosen, radius_m)
    told = np.bincount(tokens.row, minlength=tokens.n) > 0
    _say_used(view, chosen, told & np.asarray(belongs.sum(axis=0) > 0))
    return CategoryCounts(names, belongs @ per_object, np.asarray(belongs @ told.astype(np.float64)))


def pooled(view: View, units: Units, sums: np.ndarray, number: np.ndarray, pooling: str) -> np.ndarray:
    """Turn sums over the objects of units into what a model pools.

    Parameters
    ----------
    view, units
        Whose areas count.
    sums
        float64 (n, d).
    number
        float64 (n,): how many objects were added.
    pooling
        "mean", zeros where there is no object; or "sum": per km² for regions, and `signed_log1p`.
    """
    if pooling == "mean":
        return np.asarray(sums / np.maximum(number, 1)[:, None])
    return signed_log1p(sums / area_km2(view, units)[:, None] if units.level == "region" else sums)


def signed_log1p(values: np.ndarray) -> np.ndarray:
    """Return sign(x) · log1p(|x|) of every number."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _say_used(view: View, objects: Objects, used: np.ndarray) -> None:
    """Say which objects, bool (n_objects,), were counted (`urbanbench.seen.saw`)."""
    n = len(objects.poi)
    saw("poi", objects.poi[used[:n]], of=len(view.pois))
    if len(objects.building):
        saw("polygon", objects.building[used[n:]], of=len(view.buildings))


def _tokens(view: View, objects: Objects) -> Tokens:
    """Return the categories of objects; a building without any is a `MERE_BUILDING`."""
    found = key_value_tokens(view.pois.iloc[objects.poi])
    if len(objects.building) == 0:
        return found
    of = key_value_tokens(view.buildings.iloc[objects.building])
    bare = np.flatnonzero(np.bincount(of.row, minlength=of.n) == 0)
    codes, names = np.zeros(len(bare), dtype=np.int64), np.array([MERE_BUILDING][: len(bare)], dtype=np.str_)
    of = joined_tokens(of, Tokens(bare, codes, names, of.n))
    n, start = len(objects), len(objects.poi)
    return joined_tokens(
        Tokens(found.row, found.code, found.names, n), Tokens(of.row + start, of.code, of.names, n)
    )


def _objects_of_units(view: View, units: Units, objects: Objects, radius_m: float) -> sparse.csr_array:
    """Say which objects belong to which unit: ones, float64 (n_units, n_objects)."""
    from scipy import sparse

    of_pois = sparse.csr_array(pois_of_units(view, units, radius_m)[:, objects.poi])
    if len(objects.building) == 0:
        return of_pois
    unit, place = _buildings_of_units(view, units, objects.building, radius_m)
    shape = (len(units), len(objects.building))
    of_buildings = sparse.csr_array((np.ones(len(unit)), (unit, place)), shape=shape)
    return sparse.csr_array(sparse.hstack([of_pois, of_buildings], format="csr"))


def _buildings_of_units(
    view: View, units: Units, rows: np.ndarray, radius_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a unit and a position in `rows`: buildings in a region, or whose centroids lie near another building."""
    import shapely

    buildings = view.buildings
    if units.level == "region":
        row_of: dict[str | None, int] = {one: row for row, one in enumerate(units.ids)}
        region = buildings["region_id"].to_numpy()[rows]
        unit = np.fromiter((row_of.get(one, -1) for one in region), dtype=np.int64, count=len(rows))
        place = np.flatnonzero(unit >= 0)
        return unit[place], place
    centres = shapely.centroid(np.asarray(buildings.geometry)[rows])
    query = shapely.STRtree(centres).query
    unit, place = query(view.unit_geometry(units), predicate="dwithin", distance=radius_m)
    other = rows[place] != rows_of(buildings.index, units.ids)[unit]
    return unit[other], place[other]
