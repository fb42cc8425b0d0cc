"""Areas that tile edges cut, put together.

Every tile shows its part of an area and a margin around its own square, so two neighbours show the same in the strip they share. Parts with
equal numbers that touch are of one object. Others are where their tags are equal and they look alike in the strip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from urbanbench.build.shapes import polygons_of
from urbanbench.build.tiles.grid import UNITS, Grid, Tile
from urbanbench.build.tiles.pieces import Groups, Piece

__all__ = ["mended_areas", "reach_over_edges"]

_ALIKE = 0.5
"""Share of what two parts cover of a strip that they have to cover both."""

_WIDEST = 0.25
"""Margin that is looked at, in tiles; encoders that clip nothing have endless ones."""

_SLACK_STEPS = 2.0
"""A difference of this side or length may come from rounding alone."""


def reach_over_edges(shapes: np.ndarray, square: tuple[float, float, float, float]) -> np.ndarray:
    """Tell how areas lie in a tile: 0 inside of its square, 1 reaching over or up to an edge, 2 without a surface in the square.

    Parameters
    ----------
    shapes
        Polygons (n,).
    square
        The tile's edges (west, north, east, south), as places.
    """
    import shapely

    low, high = shapely.bounds(shapes)[:, :2], shapely.bounds(shapes)[:, 2:]
    inside = ((low > square[:2]) & (high < square[2:])).all(axis=1)
    found = np.where(inside, 0, 1)
    rows = np.flatnonzero(~inside)
    if len(rows):
        part = shapely.area(shapely.intersection(shapes[rows], shapely.box(*square)))
        found[rows[part <= 0]] = 2
    return found


def mended_areas(pieces: Sequence[Piece], grid: Grid) -> tuple[list[Piece], int]:
    """Put together what edges cut.

    Parameters
    ----------
    pieces
        Areas that reach over or up to an edge of their tile, in the order of tiles.
    grid
        What their places are on.

    Returns
    -------
    pieces
        One for each object, with the id and the tags of its first part.
    count
        How many of them were made of several.
    """
    groups: dict[Hashable, list[Piece]] = defaultdict(list)
    for piece in pieces:
        groups[piece.same].append(piece)
    made, many = [], 0
    for group in groups.values():
        members = _together(group, grid)
        made += [_united([group[row] for row in rows]) for rows in members]
        many += sum(len(rows) > 1 for rows in members)
    return made, many


def _united(parts: Sequence[Piece]) -> Piece:
    import shapely

    first = parts[0]
    if len(parts) == 1:
        return first
    whole = shapely.union_all([one.shape for one in parts])
    # What the cuts made of corners is closer to a straight line than the grid can tell.
    smooth = polygons_of(shapely.simplify(whole, first.step / 2))
    shape = smooth if smooth is not None else polygons_of(whole)
    return Piece(first.tile, first.one, first.same, first.numbered, first.tags, shape, first.step)


def _together(group: Sequence[Piece], grid: Grid) -> list[list[int]]:
    """Group parts, equal in number or tags, that neighbouring tiles show of one area.

    In the small square that tiles share at a corner much looks alike, so it is asked only for parts without another in the tiles beside theirs.
    """
    import shapely

    groups = Groups(len(group))
    shapes = np.array([one.shape for one in group], dtype=object)
    pairs = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=group[0].step).T
    near = [(a, b) for a, b in pairs.tolist() if a < b and _neighbours(group[a].tile, group[b].tile)]
    beside = [(a, b) for a, b in near if _share_an_edge(group[a].tile, group[b].tile)]
    joined = set()
    for a, b in _alike(group, shapes, beside, grid):
        groups.join(a, b)
        joined |= {a, b}
    across = [(a, b) for a, b in near if (a, b) not in set(beside) and not {a, b} & joined]
    for a, b in _alike(group, shapes, across, grid):
        groups.join(a, b)
    return groups.members()


def _alike(
    group: Sequence[Piece], shapes: np.ndarray, near: list[tuple[int, int]], grid: Grid
) -> list[tuple[int, int]]:
    """Keep the pairs that look alike in the strip both tiles show; all of them where the parts have numbers."""
    if not near or group[0].numbered:
        return near
    pairs = np.array(near)
    margin = _margin(group, grid)
    strips = np.array([_strip(group[a].tile, group[b].tile, grid, margin) for a, b in near], dtype=object)
    slack = _SLACK_STEPS * group[0].step
    alike = _look_alike(shapes[pairs[:, 0]], shapes[pairs[:, 1]], strips, slack)
    return [(a, b) for a, b in pairs[alike].tolist()]


def _neighbours(one: Tile, other: Tile) -> bool:
    return one != other and abs(one.x - other.x) <= 1 and abs(one.y - other.y) <= 1


def _share_an_edge(one: Tile, other: Tile) -> bool:
    return one.x == other.x or one.y == other.y


def _margin(group: Sequence[Piece], grid: Grid) -> float:
    """Return how far areas reach beyond their tiles at most."""
    import shapely

    bounds = shapely.bounds(np.array([one.shape for one in group], dtype=object))
    squares = np.array([grid.square(one.tile) for one in group], dtype=float)
    beyond = np.maximum(squares[:, :2] - bounds[:, :2], bounds[:, 2:] - squares[:, 2:]).max()
    return float(np.clip(beyond, 0.0, _WIDEST * UNITS))


def _strip(one: Tile, other: Tile, grid: Grid, margin: float) -> Any:
    """Return what two neighbours show both: a box, or the line between them where there is no margin."""
    import shapely

    first, second = np.array(grid.square(one)), np.array(grid.square(other))
    low = np.maximum(first[:2], second[:2]) - margin
    high = np.minimum(first[2:], second[2:]) + margin
    return shapely.box(*low, *high) if margin > 0 else shapely.LineString([low, high])


def _look_alike(one: np.ndarray, other: np.ndarray, strips: np.ndarray, slack: float) -> np.ndarray:
    """Tell whether two parts cover the same of a strip, bool (n,)."""
    import shapely

    wide = shapely.get_type_id(strips[0]) == shapely.GeometryType.POLYGON
    measure, little = (shapely.area, slack**2) if wide else (shapely.length, slack)
    first, second = shapely.intersection(one, strips), shapely.intersection(other, strips)
    both = measure(shapely.intersection(first, second))
    either = measure(first) + measure(second) - both
    return np.asarray((both > 0) & ((both >= _ALIKE * either) | (either - both <= little)))
