"""Ids of a file against the units of a city: which fit, which nearly do, and how to mend those."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Match", "match_ids"]

_FRACTION = re.compile(r"(-?\d+)\.0+")
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u00ad"))


@dataclass(frozen=True, eq=False)
class Match:
    """What of a file belongs to the units asked for.

    Parameters
    ----------
    rows
        int64 (n,): the file's row for each unit, -1 where it has none.
    missing
        Units without a row.
    near
        Pairs of a missing unit and the id in the file that is nearly the same.
    """

    rows: np.ndarray
    missing: tuple[str, ...]
    near: tuple[tuple[str, str], ...]

    @property
    def share(self) -> float:
        """Share of the units that have a row, in [0, 1]."""
        return 1.0 - len(self.missing) / max(len(self.rows), 1)

    def mend(self, column: str) -> str:
        """Return a line of pandas that gives the ids of the file the city's form."""
        unit, given = self.near[0]
        ids = f"frame[{column!r}]"
        return f"{ids} = {ids}{_cure(unit, given)}"


def match_ids(ids: Sequence[str], units: Sequence[str]) -> Match:
    """Look units up among a file's ids; nothing but the very same id fits.

    Parameters
    ----------
    ids
        Ids of the file, each once.
    units
        Ids asked for.
    """
    row_of = {one: row for row, one in enumerate(ids)}
    rows = np.array([row_of.get(one, -1) for one in units], dtype=np.int64)
    missing = tuple(one for one, row in zip(units, rows.tolist(), strict=True) if row < 0)
    if not missing:
        return Match(rows, (), ())
    asked = set(units)
    spare = {_plain(one): one for one in ids if one not in asked}
    near = tuple((one, spare[_plain(one)]) for one in missing if _plain(one) in spare)
    return Match(rows, missing, near)


def _plain(one: str) -> str:
    """Reduce an id to what is left without case, blanks, Unicode form, zeros in front and a fraction of zero."""
    text = "".join(unicodedata.normalize("NFKC", one).translate(_UNSEEN).casefold().split())
    text = re.sub(r"[_-]", "-", text)
    whole = _FRACTION.fullmatch(text)
    text = whole[1] if whole else text
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)


def _cure(unit: str, given: str) -> str:
    if _FRACTION.fullmatch(given):
        return f".astype('int64').astype(str).str.zfill({len(unit)})"
    if given.strip() == unit:
        return ".str.strip()"
    if unit.isdecimal() and given.isdecimal():
        return f".astype(str).str.zfill({len(unit)})"
    for form in ("NFC", "NFD"):
        if unicodedata.normalize(form, given) == unit:
            return f".str.normalize({form!r})"
    for change in ("upper", "lower"):
        if getattr(given, change)() == unit:
            return f".str.{change}()"
    return f".replace({{{given!r}: {unit!r}, …}})"
