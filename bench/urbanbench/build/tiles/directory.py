"""Directories of a PMTiles file, version 3; https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md.

Read here because the package's own reader unpacks whatever it meets, and all of it again for every tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.build.tiles.unpack import FaultyTile

__all__ = ["Directory", "read_directory"]


@dataclass(frozen=True)
class Directory:
    """Entries sorted by the number of their first tile; int64 (n,).

    Parameters
    ----------
    tile
        Number of the first tile.
    run
        Tiles in a row with the same content; 0 for an entry that points to a directory.
    length, offset
        Bytes of the content, and where they begin.
    """

    tile: np.ndarray
    run: np.ndarray
    length: np.ndarray
    offset: np.ndarray

    def find(self, number: int) -> tuple[int, int, int] | None:
        """Return run, offset and length of the entry that a tile belongs to; None where there is none."""
        row = int(np.searchsorted(self.tile, number, side="right")) - 1
        if row < 0:
            return None
        run = int(self.run[row])
        if run and number - int(self.tile[row]) >= run:
            return None
        return run, int(self.offset[row]), int(self.length[row])


def read_directory(data: bytes) -> Directory:
    """Read a directory from its unpacked bytes.

    Raises
    ------
    FaultyTile
        The bytes are no directory.
    """
    numbers = _varints(data)
    count = int(numbers[0]) if len(numbers) else -1
    if count < 1 or len(numbers) != 1 + 4 * count:
        msg = "a damaged directory"
        raise FaultyTile(msg)
    step, run, length, place = numbers[1:].reshape(4, count)
    # A place of 0 stands for "behind the entry before", any other is the offset and 1.
    known = place > 0
    behind = np.concatenate([[0], np.cumsum(length)[:-1]])
    start = np.maximum.accumulate(np.where(known, np.arange(count), 0))
    offset = place[start] - 1 + behind - behind[start]
    found = Directory(np.cumsum(step), run, length, offset)
    if not known[0] or (found.tile < 0).any() or (offset < 0).any():
        msg = "a damaged directory"
        raise FaultyTile(msg)
    return found


def _varints(data: bytes) -> np.ndarray:
    """Read numbers of 7 bits a byte, the lowest first, the highest bit set on all bytes of a number but its last; int64."""
    raw = np.frombuffer(data, dtype=np.uint8)
    last = np.flatnonzero(raw < 0x80)
    if not len(last) or last[-1] != len(raw) - 1:
        return np.empty(0, dtype=np.int64)
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(len(raw)) - np.repeat(first, last - first + 1)
    if place.max() > 8:  # more than 63 bits
        return np.empty(0, dtype=np.int64)
    return np.add.reduceat((raw & 0x7F).astype(np.int64) << (7 * place), first)
