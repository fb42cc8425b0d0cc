"""How much a model really used of what a view shows: so many POIs, footprints and pictures, of so many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from urbanbench.errors import BadInput, UnknownName

__all__ = ["COUNTED", "KINDS", "Seen", "count_words", "saw", "seeing"]

KINDS: Mapping[str, str] = {
    "poi": "POIs",
    "poi_with_footprint": "POIs with their footprint",
    "polygon": "footprints",
    "street_view": "street views",
    "satellite": "satellite pictures",
}
"""What is counted, and what it is called; all but the second are inputs, whose rows are those of the view's layer."""

COUNTED = frozenset(KINDS) - {"poi_with_footprint"}
"""Inputs of which a model says how much it used."""


@dataclass
class Seen:
    """Rows of the view's layers that were used inside a block, by kind."""

    masks: dict[str, np.ndarray] = field(default_factory=dict)

    def to_record(self) -> dict[str, dict[str, int]]:
        """Return what a result keeps: kind to {"used": …, "of": …}, in the order of `KINDS`."""
        return {
            kind: {"used": int(self.masks[kind].sum()), "of": len(self.masks[kind])}
            for kind in KINDS
            if kind in self.masks
        }


_open: ContextVar[Seen | None] = ContextVar("what is used of a view", default=None)


@contextmanager
def seeing() -> Iterator[Seen]:
    """Collect what is used of a view inside the block.

    Examples
    --------
    >>> with seeing() as seen:
    ...     saw("poi", np.array([0, 2]), of=4)
    ...     saw("poi", np.array([True, True, False, False]))
    >>> seen.to_record()
    {'poi': {'used': 3, 'of': 4}}
    """
    seen = Seen()
    token = _open.set(seen)
    try:
        yield seen
    finally:
        _open.reset(token)


def saw(kind: str, rows: np.ndarray, of: int | None = None) -> None:
    """Say which objects of a view a model used: those that entered its training or a vector, after its filters and limits.

    A model calls it in `embed`, where it reads the objects; rows that are told several times count once. Outside of `seeing` nothing
    is kept.

    Parameters
    ----------
    kind
        One of `KINDS`. "poi_with_footprint" are rows of the view's POIs that were used together with the building around them.
    rows
        Rows of the view's layer: bool (n,), or integer positions, which need `of`.
    of
        n, the rows of the layer.

    Raises
    ------
    UnknownName
        No such kind.
    BadInput
        Rows outside of the layer, or two lengths of one layer.
    """
    if kind not in KINDS:
        what = "kind of objects"
        raise UnknownName(what, kind, KINDS)
    chosen = _mask(kind, np.asarray(rows), of)
    seen = _open.get()
    if seen is None:
        return
    before = seen.masks.get(kind)
    if before is not None and len(before) != len(chosen):
        msg = f"The view's {KINDS[kind]} were said to be {len(before)} and {len(chosen)}. Expected the rows of one layer."
        raise BadInput(msg)
    seen.masks[kind] = chosen if before is None else before | chosen


def count_words(record: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Write what `Seen.to_record` gave for people.

    Examples
    --------
    >>> count_words({"poi": {"used": 25999, "of": 38986}})
    ['25,999 of 38,986 POIs']
    """
    return [
        f"{record[kind]['used']:,} of {record[kind]['of']:,} {KINDS[kind]}"
        for kind in KINDS
        if kind in record
    ]


def _mask(kind: str, rows: np.ndarray, of: int | None) -> np.ndarray:
    if rows.dtype == bool:
        size = len(rows) if of is None else of
        if rows.shape != (size,):
            msg = f"A mask of {KINDS[kind]} has shape {rows.shape}. Expected ({size},), one for each row of the layer."
            raise BadInput(msg)
        return np.array(rows)
    if of is None:
        msg = f"Rows of {KINDS[kind]} were given without the number of all. Expected it. Mend: saw({kind!r}, rows, of=len(frame))."
        raise BadInput(msg)
    if rows.size and not 0 <= rows.min() <= rows.max() < of:
        msg = f"Rows {rows.min()} to {rows.max()} of {KINDS[kind]} were given. Expected rows in [0, {of})."
        raise BadInput(msg)
    made = np.zeros(of, dtype=bool)
    made[rows.astype(np.int64)] = True
    return made
