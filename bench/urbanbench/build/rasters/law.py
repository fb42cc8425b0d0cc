"""The law of a user's rasters: as named, or as their files leave no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from urbanbench.city.folder.laws import ALPHAEARTH, FLOAT, LAWS, LINEAR, PIXEL_SCALE
from urbanbench.city.rasters.heads import RasterHead
from urbanbench.errors import BadInput, UnknownName

__all__ = ["LAW_OPTION", "Law", "read_law", "settled_law"]

LAW_OPTION = "--raster-embedding-law"


@dataclass(frozen=True)
class Law:
    """How stored numbers become values.

    Parameters
    ----------
    name
        A word of `LAWS`; "" where the files shall say.
    scale, offset
        Of the law "linear": one number for all bands or one for each; () where the files shall say.
    """

    name: str = ""
    scale: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()


def read_law(word: str) -> Law:
    """Read ``alphaearth``, ``pixel-scale``, ``float``, ``linear`` or ``linear:SCALE[,OFFSET]``.

    Examples
    --------
    >>> read_law("linear:0.01,-1")
    Law(name='linear', scale=(0.01,), offset=(-1.0,))

    Raises
    ------
    UnknownName, BadInput
        Another law; numbers that are none.
    """
    name, _, rest = word.partition(":")
    if name and name not in LAWS:
        kind = f"law ({LAW_OPTION})"
        raise UnknownName(kind, name, LAWS)
    if not rest:
        return Law(name)
    try:
        numbers = [float(one) for one in rest.split(",")]
    except ValueError:
        numbers = []
    if name != LINEAR or len(numbers) not in {1, 2} or not all(map(isfinite, numbers)) or not numbers[0]:
        msg = f"{LAW_OPTION} got {word!r}. Expected {LINEAR}:SCALE or {LINEAR}:SCALE,OFFSET with numbers, or one of {', '.join(LAWS)}."
        raise BadInput(msg)
    return Law(name, (numbers[0],), (numbers[1] if len(numbers) > 1 else 0.0,))


def settled_law(law: Law, heads: Sequence[RasterHead], scales: Sequence[object | None]) -> Law:
    """Return the law the files follow; what is not named follows from files of scales and floating-point numbers, and from nothing else.

    Parameters
    ----------
    law
        As named.
    heads
        Of the rasters.
    scales
        For each raster its scales, or None.

    Raises
    ------
    BadInput
        Files that leave it open, or contradict what is named.
    """
    first, floats = heads[0], np.dtype(heads[0].dtype).kind == "f"
    name = law.name or (PIXEL_SCALE if all(scales) else FLOAT if floats else "")
    if not name:
        listed = "; ".join(f"{word}: {told}" for word, told in LAWS.items())
        msg = f"{first.file} holds numbers of type {first.dtype}, which stand for others. Expected the law by which, {LAW_OPTION} one of {listed}."
        raise BadInput(msg)
    if name == FLOAT and not floats:
        msg = f"{first.file} holds numbers of type {first.dtype}. Expected floating-point numbers for the law {FLOAT!r}. Mend: {LAW_OPTION} {ALPHAEARTH}, {LINEAR}:SCALE or {PIXEL_SCALE}"
        raise BadInput(msg)
    if name == PIXEL_SCALE and not all(scales):
        lacking = next(head.file for head, one in zip(heads, scales, strict=True) if not one)
        stem, _, suffix = lacking.rpartition(".")
        msg = f"{lacking} has no file of scales. Expected {stem}_scales.{suffix} beside it for the law {PIXEL_SCALE!r}. Mend: put it there, or name another {LAW_OPTION}"
        raise BadInput(msg)
    return _linear(law, heads) if name == LINEAR and not law.scale else Law(name, law.scale, law.offset)


def _linear(law: Law, heads: Sequence[RasterHead]) -> Law:
    """Take scale and offset from the files, which must all state the same."""
    told = {(one.scale, one.offset) for one in heads}
    scale, offset = heads[0].scale, heads[0].offset
    stated = any(one != 1 for one in scale) or any(one != 0 for one in offset)
    if len(told) > 1 or not stated or not all(scale):
        found = "several" if len(told) > 1 else "none"
        msg = f"{heads[0].file}: expected one scale and offset in all files for the law {law.name!r}, found {found}. Mend: {LAW_OPTION} {LINEAR}:SCALE,OFFSET"
        raise BadInput(msg)
    return Law(LINEAR, _short(scale), _short(offset))


def _short(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return numbers[:1] if len(set(numbers)) == 1 else numbers
