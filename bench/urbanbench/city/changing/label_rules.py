"""How a label of regions is carried to other regions: what its kind and unit in city.json allow, or why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["HOWS", "Rule", "read_rules", "rule_of"]

HOWS: Mapping[str, str] = {
    "sum": "a count: every part gives what its share of the area holds, and parts are added up",
    "area": "mean of the labelled parts weighted by area",
    "n": "mean of the labelled parts weighted by n",
    "majority": "the class of the largest area of the labelled parts",
    "leave": "left out",
}
"""Ways to carry a label, and what is written of each into city.json."""

_PER_AREA = re.compile(
    r"\bper\s+(?:\S+\s+)?(?:km2|km²|km\^2|ha|hectares?|sq\.? ?km|square kilomet(?:re|er)s?|cells?)\b"
)
_MEDIAN = re.compile(r"\bmedian\b")
_SHARE = re.compile(r"percent|%|\bshare\b|\(0-1\)|\bfraction\b|\brate\b")
_OF_AREA = re.compile(r"\b(?:area|ground|land|blocks)\b")
_FIELD = re.compile(r"temperature|°c|\bdb\b|\bdb\(a\)|[µu]g ?/ ?m|\bppm\b|\bindex\b|elevation|\bndvi\b")
_PER = re.compile(r"\bper\b|/|\bmean\b|\baverage\b|\byear (?:built|completed)\b")
_COUNT = re.compile(
    r"^(?:thousand |million )?(?:number of |count of |total )?(?:persons?|people|residents?|inhabitants?|households?|dwellings?|buildings?|"
    r"jobs?|employees?|workers?|crimes?|trips?|sales|shops?|trees?|accidents?|births?|deaths?|tons?|tonnes?|counts?|number)\b"
)


@dataclass(frozen=True)
class Rule:
    """How a label is carried.

    Parameters
    ----------
    how
        A word of `HOWS`.
    why
        What in city.json says so, or why nothing does.
    """

    how: str
    why: str


def rule_of(info: LabelInfo, columns: Iterable[str]) -> Rule:
    """Return how a label of regions is carried to other regions.

    Parameters
    ----------
    info
        What city.json says of it.
    columns
        Columns of its table; `n` is the number behind each value.
    """
    unit, has_n = info.unit.lower(), "n" in columns
    if info.kind == "classification":
        return Rule("majority", "classes")
    if info.kind == "composition":
        return Rule("area", "shares that add up to 1")
    if _PER_AREA.search(unit):
        return Rule("area", f"{info.unit!r} is a density per area")
    if _MEDIAN.search(unit) or _MEDIAN.search(info.note.lower()):
        return Rule("leave", "medians of parts do not give the median of the whole")
    if _SHARE.search(unit) and _OF_AREA.search(unit):
        return Rule("area", f"{info.unit!r} is a share of area")
    if _FIELD.search(unit):
        return Rule("area", f"{info.unit!r} is a field over the ground")
    if _SHARE.search(unit) or _PER.search(unit):
        if has_n:
            return Rule("n", f"{info.unit!r} is a mean or share of something that n counts")
        return Rule(
            "leave",
            f"{info.unit!r} is a mean or share of something else than area, and no column n counts it",
        )
    if _COUNT.search(unit):
        return Rule("sum", f"{info.unit!r} is a count")
    return Rule("leave", f"its unit {info.unit!r} does not say whether parts add up")


def read_rules(words: Iterable[str], known: Iterable[str]) -> dict[str, Rule]:
    """Read ``LABEL=HOW`` words, which come before what units say.

    Raises
    ------
    BadInput
        Not such a word.
    UnknownName
        No such label or way.
    """
    found, labels = {}, list(known)
    for word in words:
        name, sign, how = (part.strip() for part in word.partition("="))
        if not sign:
            msg = f"--rule got {word!r}. Expected LABEL=HOW, for example --rule housing=n."
            raise BadInput(msg)
        for kind, one, listed in (("label", name, labels), ("way to carry a label", how, list(HOWS))):
            if one not in listed:
                raise UnknownName(kind, one, listed)
        found[name] = Rule(how, "it was asked for")
    return found
