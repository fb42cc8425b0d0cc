"""Lines that tile edges cut, joined end to end.

Every line is cut along the edges of its tile first, so that no stretch is there twice; ends at an edge are then joined where the line that goes
on in the neighbouring tile passes, with equal tags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from urbanbench.build.tiles.grid import Grid
from urbanbench.build.tiles.pieces import Piece

__all__ = ["cut_at_edges", "joined_lines"]

_OFF_GRID = 0.25
"""Lines are cut this many steps west and north of an edge, where no place of the grid lies, so that a line along an edge is in one tile only."""

_END_STEPS = 1.5
"""An end this near to where its tile was cut is an end at an edge."""

_ASIDE_STEPS = 2.0
"""How far an end may lie beside the line that goes on."""


@dataclass(frozen=True)
class Cut:
    """A line inside of its tile's square, and the whole line that the tile showed."""

    piece: Piece
    shown: Any


def cut_at_edges(piece: Piece, grid: Grid) -> list[Cut]:
    """Return the parts of a line that lie in its tile's square; [] for a line of the margin."""
    import shapely

    square = _square(piece, grid)
    inside = shapely.intersection(piece.shape, square)
    parts = shapely.get_parts(inside)
    lines = [
        part for part in parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING] if part.length
    ]
    return [Cut(replace(piece, shape=line), piece.shape) for line in lines]


def _square(piece: Piece, grid: Grid) -> Any:
    import shapely

    return shapely.box(*(edge - _OFF_GRID * piece.step for edge in grid.square(piece.tile)))


@dataclass(frozen=True)
class _End:
    """An end of a cut line at an edge: row of the line, which end, and where."""

    row: int
    last: bool
    place: Any


def joined_lines(cuts: Sequence[Cut], grid: Grid) -> tuple[list[Piece], int]:
    """Join lines of equal tags end to end across edges.

    Returns
    -------
    pieces
        Lines with id and tags of their first part; the places where they were cut are no corners of theirs.
    count
        How many of them were made of several.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, cut in enumerate(cuts):
        groups[tuple(sorted(cut.piece.tags.items()))].append(row)
    joints: dict[tuple[int, bool], tuple[int, bool]] = {}
    for rows in groups.values():
        joints |= _joints(cuts, _ends(cuts, rows, grid))
    made, many = [], 0
    for chain in _chains(len(cuts), joints):
        made.append(_chained(cuts, chain))
        many += len(chain) > 1
    return made, many


def _ends(cuts: Sequence[Cut], rows: Sequence[int], grid: Grid) -> list[_End]:
    import shapely

    found = []
    for row in rows:
        piece = cuts[row].piece
        border = _square(piece, grid).exterior
        for last in (False, True):
            place = shapely.get_point(piece.shape, -1 if last else 0)
            if shapely.distance(place, border) <= _END_STEPS * piece.step:
                found.append(_End(row, last, place))
    return found


def _joints(cuts: Sequence[Cut], ends: Sequence[_End]) -> dict[tuple[int, bool], tuple[int, bool]]:
    """Pair ends of different tiles, the nearest first; each is paired once."""
    import shapely

    if len(ends) < 2:
        return {}
    shown = np.array([cuts[end.row].shown for end in ends], dtype=object)
    places = np.array([end.place for end in ends], dtype=object)
    reach = _ASIDE_STEPS * max(cuts[end.row].piece.step for end in ends)
    one, other = shapely.STRtree(shown).query(places, predicate="dwithin", distance=reach)
    back = shapely.distance(places[other], shown[one])
    apart = shapely.distance(places[one], places[other])
    pairs = [
        (float(far), a, b)
        for far, a, b, aside in zip(apart, one.tolist(), other.tolist(), back.tolist(), strict=True)
        if a < b and aside <= reach and cuts[ends[a].row].piece.tile != cuts[ends[b].row].piece.tile
    ]
    found: dict[tuple[int, bool], tuple[int, bool]] = {}
    for _, a, b in sorted(pairs):
        first, second = (ends[a].row, ends[a].last), (ends[b].row, ends[b].last)
        if first not in found and second not in found:
            found |= {first: second, second: first}
    return found


def _chains(count: int, joints: dict[tuple[int, bool], tuple[int, bool]]) -> list[list[tuple[int, bool]]]:
    """Return chains of (row, turned round); a ring begins at its smallest row."""
    done: set[int] = set()
    chains = []
    # Rows with a free end first, so that a chain is walked from its end and only rings are left.
    free = [row for row in range(count) if (row, False) not in joints or (row, True) not in joints]
    for start in [*free, *range(count)]:
        if start in done:
            continue
        row, turned = start, (start, False) in joints and (start, True) not in joints
        chain: list[tuple[int, bool]] = []
        while row not in done:
            done.add(row)
            chain.append((row, turned))
            following = joints.get((row, not turned))
            if following is None:
                break
            row, turned = following
        chains.append(chain)
    return chains


def _chained(cuts: Sequence[Cut], chain: Sequence[tuple[int, bool]]) -> Piece:
    import shapely

    lead = min(row for row, _ in chain)
    first = cuts[lead].piece
    if len(chain) == 1:
        return first
    if dict(chain)[lead]:  # the line has the direction of the part whose id it has
        chain = [(row, not turned) for row, turned in reversed(chain)]
    parts = [shapely.get_coordinates(cuts[row].piece.shape)[:: -1 if turned else 1] for row, turned in chain]
    corners = np.concatenate(parts)
    kept = np.ones(len(corners), dtype=bool)
    for place in np.cumsum([len(part) for part in parts])[:-1].tolist():
        kept[place] = place == len(corners) - 1
        kept[place - 1] = place == 1 or not _straight(corners, place, first.step)
    return replace(first, shape=shapely.LineString(corners[kept]))


def _straight(corners: np.ndarray, place: int, step: float) -> bool:
    """Tell whether a line goes straight on where the part that begins at a place was joined to the one before."""
    import shapely

    ahead = shapely.LineString([corners[max(place - 2, 0)], corners[min(place + 1, len(corners) - 1)]])
    return bool(shapely.distance(shapely.Point(corners[place]), ahead) <= _END_STEPS * step)
