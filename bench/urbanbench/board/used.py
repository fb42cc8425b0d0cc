"""How much of its objects a row used: so many of a hundred POIs, footprints, street views and satellite pictures."""

from __future__ import annotations

from collections.abc import Mapping

from urbanbench.board.layout import Entry
from urbanbench.board.rows import Row
from urbanbench.inputs import INPUTS
from urbanbench.seen import COUNTED, KINDS, count_words

__all__ = ["ALL", "NOT_RECORDED", "is_recorded", "saw_entry", "saw_text"]

ALL, NOT_RECORDED = "all", "not recorded"
_SHAPED = "poi_with_footprint"


def is_recorded(row: Row) -> bool:
    """Tell whether a row says of any of its objects how many it used."""
    return bool(row.saw)


def saw_entry(row: Row) -> Entry:
    """Return the shares of a row, with the numbers to look up."""
    return Entry(saw_text(row), tip="; ".join(count_words(row.saw)))


def saw_text(row: Row) -> str:
    """Say which of its objects a row used in part: "POIs 67 % (44 % with their footprint), footprints 8 %".

    "all" where it used every one, "not recorded" for objects of which it does not say, "" where its inputs hold none that are counted.
    """
    parts = [_part(row, kind) for kind in KINDS if kind in row.saw and kind != _SHAPED]
    silent = [KINDS[kind] for kind in KINDS if kind in (row.touched & COUNTED) - set(row.saw)]
    if not row.saw:
        unknown = row.touched - set(INPUTS)  # vectors of which nobody says what they were made of
        return NOT_RECORDED if silent or unknown else ""
    gaps = [part for part in parts if part] + [f"{name} {NOT_RECORDED}" for name in silent]
    return ", ".join(gaps) or ALL


def _part(row: Row, kind: str) -> str:
    """Return the share of a kind where it is not all; of POIs also how many came with their footprint."""
    count, shaped = row.saw[kind], row.saw.get(_SHAPED) if kind == "poi" else None
    with_shape = f" ({_share(shaped)} with their footprint)" if shaped else ""
    return f"{KINDS[kind]} {_share(count)}{with_shape}" if count["used"] < count["of"] or with_shape else ""


def _share(count: Mapping[str, int]) -> str:
    """Write a share in percent; nothing that is used or left out is rounded away."""
    share = 100 * count["used"] / count["of"] if count["of"] else 0.0
    text = "<1" if 0 < share < 1 else ">99" if 99 < share < 100 else f"{share:.0f}"
    return f"{text}\N{NO-BREAK SPACE}%"
