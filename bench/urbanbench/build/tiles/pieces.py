"""What tiles hold of an object, and what becomes of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from urbanbench.build.tiles.grid import Tile

__all__ = ["Groups", "Piece", "sameness"]


@dataclass(frozen=True)
class Piece:
    """An object, or the part of it that a tile shows.

    Parameters
    ----------
    tile
        The tile.
    one
        The object's id: OpenStreetMap's or the feature's, or made of the tile and the feature's place in it.
    same
        Equal for pieces that may be of one object: its number, or its tags where it has none.
    numbered
        Whether `same` is a number.
    tags
        In the words of OpenStreetMap.
    shape
        Geometry on `Grid`.
    step
        Distance of neighbouring places of its layer.
    """

    tile: Tile
    one: str
    same: Hashable
    numbered: bool
    tags: dict[str, str]
    shape: Any
    step: float


def sameness(layer: str, number: int | None, tags: dict[str, str]) -> Hashable:
    """Return what pieces of one object have in common: layer and number, or layer and tags."""
    return (layer, number) if number is not None else (layer, *sorted(tags.items()))


class Groups:
    """Numbers 0 … n-1 in groups that grow together.

    Examples
    --------
    >>> groups = Groups(4)
    >>> groups.join(0, 2)
    >>> groups.join(2, 3)
    >>> groups.members()
    [[0, 2, 3], [1]]
    """

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def join(self, one: int, other: int) -> None:
        """Make one group of two."""
        low, high = sorted((self._head(one), self._head(other)))
        self._above[high] = low

    def _head(self, one: int) -> int:
        while self._above[one] != one:
            self._above[one] = self._above[self._above[one]]
            one = self._above[one]
        return one

    def members(self) -> list[list[int]]:
        """Return the groups in the order of their smallest numbers, sorted inside."""
        found: dict[int, list[int]] = {}
        for one in range(len(self._above)):
            found.setdefault(self._head(one), []).append(one)
        return list(found.values())
