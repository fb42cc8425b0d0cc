"""Counting what lies in or near a unit: POIs by word, trips by partner, and the unit's place and area."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.seen import saw

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.units import Units

__all__ = [
    "POI_KEYS",
    "Tokens",
    "area_km2",
    "centred_coordinates",
    "joined_tokens",
    "key_value_tokens",
    "matrix_of_words",
    "name_tokens",
    "pois_of_units",
    "rows_of",
    "saw_pois",
    "saw_units",
    "trip_matrix",
    "vocabulary_matrix",
]

POI_KEYS = (
    "aerialway",
    "aeroway",
    "amenity",
    "barrier",
    "boundary",
    "building",
    "craft",
    "emergency",
    "entrance",
    "geological",
    "healthcare",
    "highway",
    "historic",
    "landuse",
    "leisure",
    "man_made",
    "military",
    "natural",
    "office",
    "place",
    "power",
    "public_transport",
    "railway",
    "residential",
    "route",
    "shop",
    "sport",
    "telecom",
    "tourism",
    "water",
    "waterway",
    "wetland",
)
"""OpenStreetMap keys whose value says what a feature is; all others (names, addresses, opening hours) describe it further."""

_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True, eq=False)
class Tokens:
    """Words of objects (POIs, buildings) in long form: object `row[i]` has the word ``names[code[i]]``.

    Parameters
    ----------
    row
        Position of the object in its frame, integer (k,).
    code
        Position of the word in `names`, integer (k,).
    names
        The distinct words, str (m,), sorted.
    n
        Number of objects in the frame.
    """

    row: np.ndarray
    code: np.ndarray
    names: np.ndarray
    n: int

    def where(self, keep: np.ndarray) -> Tokens:
        """Keep some of the distinct words; `keep` is bool (m,)."""
        kept, place = keep[self.code], np.cumsum(keep) - 1
        return Tokens(self.row[kept], place[self.code[kept]], self.names[keep], self.n)


def key_value_tokens(frame: pd.DataFrame, keys: Sequence[str] = POI_KEYS) -> Tokens:
    """Return one word "key=value" for each tag with one of the keys."""
    from urbanbench.city.folder.tags import tag_table

    table = tag_table(frame["tags"]).with_key(*keys)
    codes, words = table.pairs()
    names, place = np.unique(words.astype(str), return_inverse=True)
    return Tokens(table.rows, place[codes], names, table.n)


def name_tokens(frame: pd.DataFrame) -> Tokens:
    """Return the lower-case words of two or more letters or digits in each object's ``name``."""
    from urbanbench.city.folder.tags import tag_table

    table = tag_table(frame["tags"]).with_key("name")
    split = [_WORD.findall(str(value).lower()) for value in table.value]
    names, codes = np.unique(
        np.array([word for words in split for word in words], dtype=np.str_), return_inverse=True
    )
    return Tokens(np.repeat(table.rows, [len(words) for words in split]), codes, names, table.n)


def joined_tokens(first: Tokens, second: Tokens) -> Tokens:
    """Return the words of both, which are of the same objects."""
    names, place = np.unique(np.concatenate([first.names, second.names]), return_inverse=True)
    codes = np.concatenate([place[first.code], place[len(first.names) + second.code]])
    return Tokens(np.concatenate([first.row, second.row]), codes, names, first.n)


def vocabulary_matrix(
    tokens: Tokens,
    *,
    documents: sparse.csr_array | None = None,
    min_documents: int = 1,
    max_columns: int | None = None,
) -> tuple[sparse.csr_array, tuple[str, ...]]:
    """Count words per object.

    Parameters
    ----------
    tokens
        Words of objects.
    documents
        Which objects each document holds, (n_documents, n); without it every object is a document.
    min_documents
        Words in fewer documents are dropped.
    max_columns
        Only the most frequent words are kept.

    Returns
    -------
    sparse.csr_array
        float64 (n, n_words).
    tuple of str
        The words, by falling number of occurrences, ties by name.
    """
    from scipy import sparse

    n_words = len(tokens.names)
    table = sparse.csr_array(
        (np.ones(len(tokens.code)), (tokens.row, tokens.code)), shape=(tokens.n, n_words)
    )
    per_document = table if documents is None else sparse.csr_array(documents @ table)
    frequency = np.bincount(per_document.indices, minlength=n_words)
    order = np.argsort(-np.bincount(tokens.code, minlength=n_words), kind="stable")
    kept = order[frequency[order] >= min_documents][:max_columns]
    return sparse.csr_array(table[:, kept]), tuple(tokens.names[kept].tolist())


def matrix_of_words(tokens: Tokens, words: Sequence[str]) -> sparse.csr_array:
    """Count chosen words per object, float64 (n, len(words)), such as those of another city; a word that no object has is a column of zeros."""
    from scipy import sparse

    n_words, wanted = len(tokens.names), np.array(list(words), dtype=np.str_)
    place = np.minimum(np.searchsorted(tokens.names, wanted), max(n_words - 1, 0))
    found = tokens.names[place] == wanted if n_words else np.zeros(len(wanted), dtype=bool)
    shape = (tokens.n, n_words + 1)  # the last column is nobody's
    table = sparse.csr_array((np.ones(len(tokens.code)), (tokens.row, tokens.code)), shape=shape)
    return sparse.csr_array(table[:, np.where(found, place, n_words)])


def pois_of_units(view: View, units: Units, radius_m: float) -> sparse.csr_array:
    """Say which POIs belong to which unit; of buildings, that their outlines are used (`urbanbench.seen.saw`).

    Parameters
    ----------
    view
        What may be seen.
    units
        Regions, which hold the POIs inside, or buildings, which hold those within the radius.
    radius_m
        Distance from a building's outline in metres.

    Returns
    -------
    sparse.csr_array
        Ones, float64 (n_units, n_pois).

    Raises
    ------
    BadInput
        Units of another level.
    """
    from scipy import sparse

    pois = view.pois
    if units.level == "region":
        unit = _index(units.ids).get_indexer(_index(pois["region_id"]))
        poi = np.flatnonzero(unit >= 0)
        unit = unit[poi]
    elif units.level == "building":
        unit, poi = _within(view.unit_geometry(units), pois.geometry.to_numpy(), radius_m)
        saw_units(view, units)
    else:
        msg = f"POIs cannot be counted for units of level {units.level!r}. Expected region or building."
        raise BadInput(msg)
    return sparse.csr_array((np.ones(len(unit)), (unit, poi)), shape=(len(units), len(pois)))


def saw_units(view: View, units: Units) -> None:
    """Say that the outlines of buildings that are the units themselves were used."""
    known = view.buildings.index
    saw("polygon", rows_of(known, units.ids), of=len(known))


def saw_pois(belongs: sparse.csr_array, told: np.ndarray | None = None) -> None:
    """Say which POIs were used: those that belong to a unit, (n_units, n_pois), and of these the ones that `told`, bool (n_pois,)."""
    used = np.asarray(belongs.sum(axis=0) > 0)
    saw("poi", used if told is None else used & told)


def _within(outlines: np.ndarray, points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
    import shapely

    outline, point = shapely.STRtree(points).query(outlines, predicate="dwithin", distance=radius_m)
    return outline, point


def area_km2(view: View, units: Units) -> np.ndarray:
    """Return the regions' areas in km², float64 (n,), never below 1 m²."""
    areas = np.asarray(view.regions["area_km2"], dtype=np.float64)[rows_of(view.region_ids, units.ids)]
    return np.asarray(np.maximum(areas, 1e-6))


def centred_coordinates(view: View, units: Units) -> np.ndarray:
    """Return (easting, northing) in metres from the middle of the city's bounding box, float64 (n, 2)."""
    west, south, east, north = view.regions.total_bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    return np.asarray(view.coordinates(units) - middle)


def trip_matrix(view: View) -> sparse.csr_array:
    """Return trips between the view's regions over all hours, float64 (n_regions, n_regions), origin by destination."""
    from scipy import sparse

    flows, index = view.flows, _index(view.region_ids)
    origin, destination = (index.get_indexer(_index(flows[name])) for name in ("origin_id", "destination_id"))
    known = (origin >= 0) & (destination >= 0)
    trips = flows["trips"].to_numpy(dtype=np.float64)[known]
    return sparse.csr_array((trips, (origin[known], destination[known])), shape=(len(index), len(index)))


def rows_of(known: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Return the row of every wanted id among the known ones, int64 (n,).

    Raises
    ------
    BadInput
        An id that is not known.
    """
    rows = _index(known).get_indexer(_index(wanted))
    if (rows < 0).any():
        strange = [one for one, row in zip(wanted, rows, strict=True) if row < 0]
        msg = f"{len(strange)} of {len(wanted)} ids are not in the view ({', '.join(strange[:3])}). Expected ids of its units."
        raise BadInput(msg)
    return np.asarray(rows, dtype=np.int64)


def _index(ids: Iterable[str | None]) -> pd.Index[Any]:
    import pandas as pd

    return pd.Index(list(ids), dtype=object)
