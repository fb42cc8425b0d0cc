"""Pictures that are nearly the same: one of them again, smaller, pressed harder or a little lighter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.pictures import FaultyPicture, open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["alike"]

SIDE = 16
"""Rows and columns of what is compared."""

MOST_BITS = 24
"""Of `SIDE` x `SIDE` signs of slopes so many may differ. The same picture pressed again differs in a few; of 325 street views of other places no two differ in fewer than 51."""

MOST_COLOUR = 16.0
"""So much of 255 the colours of fields may differ on average."""

_FLAT = 3.0
"""A picture whose brightness varies less has slopes of noise: it is like another only where colours are equal."""

_EQUAL = 0.2

_ROWS = 256


def alike(paths: Sequence[Path]) -> np.ndarray:
    """Give pictures numbers, the same to those that are nearly the same.

    Two are alike where the signs of their brightness from field to field agree (a difference hash of 16 x 16) and so do their colours; who is
    like one that is like a third is in its group, too. Another moment, another lens or a step to the side makes another picture.

    Parameters
    ----------
    paths
        Files; one that does not open is like no other.

    Returns
    -------
    numpy.ndarray
        int64 (n,): numbers from 0 in the order in which groups begin.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    slopes = np.zeros((len(paths), SIDE * SIDE // 8), dtype=np.uint8)
    colours, flat = np.full((len(paths), SIDE * SIDE // 16 * 3), np.nan), np.zeros(len(paths), dtype=bool)
    for row, path in enumerate(paths):
        try:
            slopes[row], colours[row], flat[row] = _told(open_picture(path))
        except FaultyPicture:
            continue
    pairs = [_pairs(slopes, colours, flat, at) for at in range(0, len(paths), _ROWS)]
    one, other = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), dtype=np.int64)
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(len(paths), len(paths)))
    named = connected_components(graph, directed=False)[1]
    _, first, number = np.unique(named, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[number], dtype=np.int64)


def _told(picture: Image) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return signs of slopes (bits, packed), colours of 4 x 4 fields, and whether the picture is flat."""
    from PIL.Image import Resampling

    grey = np.asarray(picture.convert("L").resize((SIDE + 1, SIDE), Resampling.BOX), dtype=np.float64)
    fields = picture.convert("RGB").resize((SIDE // 4, SIDE // 4), Resampling.BOX)
    bits = np.packbits((np.diff(grey, axis=1) > 0).ravel())
    return bits, np.asarray(fields, dtype=np.float64).ravel(), bool(grey.std() < _FLAT)


def _pairs(slopes: np.ndarray, colours: np.ndarray, flat: np.ndarray, at: int) -> np.ndarray:
    """Return pairs of rows that are alike, the first of them in a block of rows; int64 (2, pairs)."""
    block = slice(at, at + _ROWS)
    bits = np.bitwise_count(slopes[block, None] ^ slopes[None]).sum(axis=2)
    one, other = np.nonzero(bits <= MOST_BITS)
    one = one + at
    apart = np.abs(colours[one] - colours[other]).mean(axis=1)
    most = np.where(flat[one] | flat[other], _EQUAL, MOST_COLOUR)
    near = (apart <= most) & (one < other)
    return np.stack([one[near], other[near]])
