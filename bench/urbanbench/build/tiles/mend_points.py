"""Points that several tiles show: one is kept.

Tiles repeat points of their neighbours in a margin, so that symbols are drawn whole.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

from urbanbench.build.tiles.grid import UNITS, Tile
from urbanbench.build.tiles.pieces import Piece

__all__ = ["without_copies"]

_NEAR_STEPS = 2.0
"""Encoders round in different ways: a point and its copy may be this many steps apart."""


def without_copies(pieces: Sequence[Piece]) -> tuple[list[Piece], int]:
    """Return points without the copies in the margins of tiles, and how many copies there were.

    A point in its own tile stays, also beside another with the same tags. One in a margin stays where no other tile shows it.
    """
    kept: dict[Hashable, list[Piece]] = defaultdict(list)
    own = [piece for piece in pieces if _home(piece) == piece.tile]
    for piece in own:
        kept[piece.same, _cell(piece)].append(piece)
    strays = []
    for piece in sorted((one for one in pieces if _home(one) != one.tile), key=lambda one: one.tile):
        if not any(_near(piece, one) for cell in _cells(piece) for one in kept.get((piece.same, cell), ())):
            strays.append(piece)
            kept[piece.same, _cell(piece)].append(piece)
    return own + strays, len(pieces) - len(own) - len(strays)


def _home(piece: Piece) -> Tile:
    return Tile(math.floor(piece.shape.x / UNITS), math.floor(piece.shape.y / UNITS))


def _near(piece: Piece, other: Piece) -> bool:
    reach = _NEAR_STEPS * piece.step
    apart = max(abs(piece.shape.x - other.shape.x), abs(piece.shape.y - other.shape.y))
    return piece.tile != other.tile and apart <= reach


def _cell(piece: Piece) -> tuple[int, int]:
    side = _NEAR_STEPS * piece.step
    return math.floor(piece.shape.x / side), math.floor(piece.shape.y / side)


def _cells(piece: Piece) -> list[tuple[int, int]]:
    """Return the cell of a point and those around it."""
    x, y = _cell(piece)
    return [(x + across, y + down) for across in (-1, 0, 1) for down in (-1, 0, 1)]
