"""Words of splits: a rung's name, alone or with what stands behind its colon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from urbanbench.errors import BadInput, UnknownName
from urbanbench.scoring.splits.blocks import Blocks
from urbanbench.scoring.splits.buffered import Buffered
from urbanbench.scoring.splits.city_out import CityOut
from urbanbench.scoring.splits.contract import Rung, SplitInfo
from urbanbench.scoring.splits.groups import Groups
from urbanbench.scoring.splits.knndm import DistanceMatched
from urbanbench.scoring.splits.random_units import RandomUnits

__all__ = [
    "IN_ONE_CITY",
    "LADDER",
    "RUNGS",
    "SPLITS",
    "Word",
    "has_blocks",
    "plain_word",
    "read_word",
    "rung_name",
    "rung_place",
]

LADDER = "ladder"
"""Word for every rung that a city and a task allow."""

RUNGS: Mapping[str, type[Rung]] = {
    rung.info.name: rung for rung in (RandomUnits, Blocks, Buffered, DistanceMatched, Groups, CityOut)
}
"""The rungs of the ladder, from filling gaps to a new city."""

SPLITS: dict[str, SplitInfo] = {name: rung.info for name, rung in RUNGS.items()}

IN_ONE_CITY = tuple(name for name in SPLITS if name != CityOut.info.name)
"""The rungs that the units of one city can climb."""


class Word(NamedTuple):
    """A split word in its parts: the rung, what stands behind its colon, and the number behind its plus."""

    rung: str
    argument: str = ""
    shots: int = 0

    def __str__(self) -> str:
        told = f"{self.rung}+{self.shots}" if self.shots else self.rung
        return f"{told}:{self.argument}" if self.argument else told


def read_word(word: str) -> Word:
    """Return the parts of a split word, metres in their shortest form.

    Raises
    ------
    UnknownName
        No such rung.
    BadInput
        Something behind the colon of a rung that takes nothing, or no metres > 0 where metres are expected.

    Examples
    --------
    >>> [str(read_word(word)) for word in ("block", "group: street", "buffered:800.0", "city-out+10")]
    ['block', 'group:street', 'buffered:800', 'city-out+10']
    """
    named, colon, given = (part.strip() for part in word.partition(":"))
    name, plus, number = named.partition("+")
    if name not in SPLITS or (plus and not (SPLITS[name].shots and number.isdecimal())):
        raise UnknownName("split", word, (*SPLITS, LADDER))
    shots = int(number or 0)
    wanted = SPLITS[name].argument
    if not colon:
        return Word(name, "", shots)
    if not wanted or not given:
        form = f"{name}:{wanted} or {name}" if wanted else name
        msg = f"Split {word!r} has {given!r} behind its colon. Expected {form}."
        raise BadInput(msg)
    return Word(name, _metres(word, given) if wanted == "METRES" else given, shots)


def plain_word(word: str) -> str:
    """Return a split word in its one form; raises as `read_word` does.

    Examples
    --------
    >>> plain_word("buffered:8e2")
    'buffered:800'
    """
    return str(read_word(word))


def rung_name(word: str) -> str:
    """Return the name that a word begins with, a rung's or any other, without what stands behind a plus or a colon.

    Examples
    --------
    >>> rung_name("city-out+10"), rung_name("buffered:800"), rung_name("paper:hgi")
    ('city-out', 'buffered', 'paper')
    """
    return word.partition(":")[0].partition("+")[0]


def rung_place(word: str) -> int:
    """Return how high a word's rung lies, 0 for the lowest; above all for a word that is none of ours."""
    names = list(RUNGS)
    name = rung_name(word)
    return names.index(name) if name in names else len(names)


def has_blocks(word: str) -> bool:
    """Tell whether a split cuts along square blocks; no other word than ours does."""
    name = rung_name(word)
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
