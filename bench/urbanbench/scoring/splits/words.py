"""Words of splits: a rung's name, alone or with what stands behind its colon."""

from __future__ import annotations

import math
from collections.abc import Mapping

from urbanbench.errors import BadInput, UnknownName
from urbanbench.scoring.splits.blocks import Blocks
from urbanbench.scoring.splits.buffered import Buffered
from urbanbench.scoring.splits.city_out import CityOut
from urbanbench.scoring.splits.contract import Rung, SplitInfo
from urbanbench.scoring.splits.groups import Groups
from urbanbench.scoring.splits.knndm import DistanceMatched
from urbanbench.scoring.splits.random_units import RandomUnits

__all__ = ["IN_ONE_CITY", "LADDER", "RUNGS", "SPLITS", "has_blocks", "plain_word", "read_word", "rung_place"]

LADDER = "ladder"
"""Word for every rung that a city and a task allow."""

RUNGS: Mapping[str, type[Rung]] = {
    rung.info.name: rung for rung in (RandomUnits, Blocks, Buffered, DistanceMatched, Groups, CityOut)
}
"""The rungs of the ladder, from filling gaps to a new city."""

SPLITS: dict[str, SplitInfo] = {name: rung.info for name, rung in RUNGS.items()}

IN_ONE_CITY = tuple(name for name in SPLITS if name != CityOut.info.name)
"""The rungs that the units of one city can climb."""


def read_word(word: str) -> tuple[str, str]:
    """Return a split word's rung and what stands behind its colon, metres in their shortest form.

    Raises
    ------
    UnknownName
        No such rung.
    BadInput
        Something behind the colon of a rung that takes nothing, or no metres > 0 where metres are expected.

    Examples
    --------
    >>> read_word("block"), read_word("group: street"), read_word("buffered:800.0")
    (('block', ''), ('group', 'street'), ('buffered', '800'))
    """
    name, colon, given = (part.strip() for part in word.partition(":"))
    if name not in SPLITS:
        raise UnknownName("split", word, (*SPLITS, LADDER))
    wanted = SPLITS[name].argument
    if not colon:
        return name, ""
    if not wanted or not given:
        form = f"{name}:{wanted} or {name}" if wanted else name
        msg = f"Split {word!r} has {given!r} behind its colon. Expected {form}."
        raise BadInput(msg)
    return name, _metres(word, given) if wanted == "METRES" else given


def plain_word(word: str) -> str:
    """Return a split word in its one form; raises as `read_word` does.

    Examples
    --------
    >>> plain_word("buffered:8e2")
    'buffered:800'
    """
    return ":".join(part for part in read_word(word) if part)


def rung_place(word: str) -> int:
    """Return how high a word's rung lies, 0 for the lowest; above all for a word that is none of ours."""
    names = list(RUNGS)
    name = word.partition(":")[0]
    return names.index(name) if name in names else len(names)


def has_blocks(word: str) -> bool:
    """Tell whether a split cuts along square blocks; no other word than ours does."""
    name = word.partition(":")[0]
    return name in SPLITS and SPLITS[name].blocks


def _metres(word: str, given: str) -> str:
    try:
        metres = float(given)
    except ValueError:
        metres = math.nan
    if not 0 < metres < math.inf:
        msg = f"Split {word!r} has {given!r} behind its colon. Expected metres > 0, for example {word.partition(':')[0]}:800."
        raise BadInput(msg)
    return f"{metres:.10g}"
