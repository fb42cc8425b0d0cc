"""Entities of a view: which POIs they are, where they lie, and the string each is called by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import RunRefused
from urbanbench.seen import saw
from urbanbench.toolkit.ground.places import centres
from urbanbench.toolkit.texts.place_texts import CLASS_KEYS, PRIMARY_KEYS, distinct_texts, is_object, is_place

if TYPE_CHECKING:
    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View

NAME_KEYS = ("name", "brand", "operator")
"""Keys that name an entity, the best first."""

KIND_KEYS = (*CLASS_KEYS, "building", *PRIMARY_KEYS)
"""Keys whose value says what an entity is, the best first."""

UNNAMED = "building"
"""What an entity is called that has neither name nor kind; buildings are all called so."""

FEWEST = 4


@dataclass(frozen=True, eq=False)
class Entities:
    """n entities.

    Parameters
    ----------
    ids
        object (n,): poi_id.
    row
        int64 (n,): row in the view's POIs.
    xy
        float64 (n, 2): (easting, northing), metres.
    names, name
        The distinct strings, and int64 (n,): which one an entity has.
    spoken
        bool (n,): whether the string begins with a letter. Others are never neighbours.
    """

    ids: np.ndarray
    row: np.ndarray
    xy: np.ndarray
    names: tuple[str, ...]
    name: np.ndarray
    spoken: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def gather_entities(view: View, *, poi_filter: str, use_name: bool, use_kind: bool) -> Entities:
    """Read the entities of a view, and say which POIs they are (`urbanbench.seen.saw`).

    Raises
    ------
    RunRefused
        Fewer than 4 are left: too few to train on.
    """
    pois = view.pois
    tags = tag_table(pois["tags"])
    row = np.flatnonzero(is_place(tags) if poi_filter == "paper" else is_object(tags))
    if len(row) < FEWEST:
        msg = f"City {view.city_name!r} has {len(row)} POIs left after the filter {poi_filter!r}. Expected at least {FEWEST}. Mend: --set poi_filter=all"
        raise RunRefused(msg)
    saw("poi", row, of=len(pois))
    called = entity_strings(tags, use_name=use_name, use_kind=use_kind)
    names, name = distinct_texts([called[one] for one in row.tolist()])
    spoken = np.array([one[0].isalpha() for one in names])[name]
    xy = centres(pois.geometry.to_numpy()[row])
    return Entities(np.asarray(pois.index, dtype=object)[row], row, xy, names, name, spoken)


def entity_strings(tags: TagTable, *, use_name: bool = True, use_kind: bool = False) -> list[str]:
    """Return what each of n objects is called, never empty.

    The first of `NAME_KEYS` it has; else the value of the first of `KIND_KEYS`, or the key where the value is "yes"; else `UNNAMED`.

    Parameters
    ----------
    tags
        Tags of n objects.
    use_name
        Whether names are read at all.
    use_kind
        Whether the kind is written behind the name.
    """
    names = _first(tags, NAME_KEYS, lambda _, value: value.strip()) if use_name else [""] * tags.n
    kinds = _first(tags, KIND_KEYS, _kind)
    return [
        (f"{name} {kind}".strip() if use_kind else name) if name else kind or UNNAMED
        for name, kind in zip(names, kinds, strict=True)
    ]


def _kind(key: str, value: str) -> str:
    word = value.replace("_", " ").strip()
    return key.replace("_", " ") if word in ("", "yes") else word


def _first(tags: TagTable, keys: Sequence[str], write: Callable[[str, str], str]) -> list[str]:
    """Return what is written of each object's first key that says anything, "" where none does."""
    found = [""] * tags.n
    for key in keys:
        chosen = tags.with_key(key)
        for row, value in zip(chosen.rows.tolist(), chosen.value.tolist(), strict=True):
            found[row] = found[row] or write(key, str(value))
    return found
