"""Where lines meet that do not say so.

Tiles do not tell junctions: makers join ways that are drawn alike and leave out corners that are hardly seen. So lines meet where the end of one lies
on another, where both have a corner, and where they cross on the ground.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanbench.build.tiles.pieces import Groups

__all__ = ["Course", "courses"]

_FINER = 4
"""Places are told apart to this part of a step."""


@dataclass
class Course:
    """A line with the corners that meetings add.

    Parameters
    ----------
    corners
        Places (n, 2).
    nodes
        A number for each corner; corners of lines that meet have the same.
    """

    corners: np.ndarray
    nodes: list[int]


def courses(lines: Sequence[Any], levels: Sequence[str], step: float, reach: float) -> list[Course]:
    """Find where lines meet.

    Parameters
    ----------
    lines
        Line strings.
    levels
        "" for a line on the ground, else a word for the bridge or tunnel it is. Such a line meets others at its ends, and inside where one of
        its own level ends on it.
    step
        Distance of neighbouring places of the grid.
    reach
        An end this near to another line lies on it.
    """
    import shapely

    corners = [shapely.get_coordinates(line).copy() for line in lines]
    added: dict[int, list[np.ndarray]] = defaultdict(list)
    tree = shapely.STRtree(np.array(lines, dtype=object))
    _tie_ends(corners, levels, tree, reach, added)
    _add_crossings(lines, levels, tree, reach, added)
    found, alone = [], -1
    for row, one in enumerate(corners):
        told = _with_added(one, added[row], step)
        nodes = _numbers(told, step)
        if levels[row]:
            meant = set(_numbers(np.array(added[row]), step)) if added[row] else set()
            for place in range(1, len(nodes) - 1):
                if nodes[place] not in meant:
                    nodes[place], alone = alone, alone - 1
        found.append(Course(told, nodes))
    return found


def _numbers(places: np.ndarray, step: float) -> list[int]:
    """Return a number for each place; equal places have equal ones, none is negative."""
    fine = np.rint(places / (step / _FINER)).astype(np.int64)
    return [int(one) for one in (fine[:, 0] << 31) + fine[:, 1]]


def _tie_ends(
    corners: list[np.ndarray],
    levels: Sequence[str],
    tree: Any,
    reach: float,
    added: dict[int, list[np.ndarray]],
) -> None:
    """Move ends that lie together onto one place, or onto a corner that is there, and add the place to lines that pass it."""
    import shapely

    ends = [(row, place) for row in range(len(corners)) for place in (0, -1)]
    places = shapely.points(np.array([corners[row][place] for row, place in ends]))
    groups = Groups(len(ends))
    for one, other in shapely.STRtree(places).query(places, predicate="dwithin", distance=reach).T.tolist():
        groups.join(one, other)
    for members in groups.members():
        near = tree.query(places[members[0]], predicate="dwithin", distance=reach).tolist()
        own = {ends[member][0] for member in members}
        passing = [row for row in near if row not in own]
        spot = _corner_near(
            [corners[row] for row in passing], shapely.get_coordinates(places[members[0]])[0], reach
        )
        for member in members:
            row, place = ends[member]
            corners[row][place] = spot
        tied = {levels[row] for row in own}
        for row in passing:
            if not levels[row] or levels[row] in tied:
                added[row].append(spot)


def _corner_near(passing: Sequence[np.ndarray], spot: np.ndarray, reach: float) -> np.ndarray:
    """Return the corner of passing lines that is nearest to a spot, or the spot where there is none near."""
    best, least = spot, reach
    for corners in passing:
        gaps = np.abs(corners - spot).max(axis=1)
        if gaps.min() <= least:
            best, least = corners[gaps.argmin()], float(gaps.min())
    return best.copy()


def _add_crossings(
    lines: Sequence[Any],
    levels: Sequence[str],
    tree: Any,
    reach: float,
    added: dict[int, list[np.ndarray]],
) -> None:
    """Add the places where lines on the ground cross, but not beside an end, which lies on the other line already."""
    import shapely

    shapes = np.array(lines, dtype=object)
    ground = np.array([not level for level in levels], dtype=bool)
    one, other = tree.query(shapes, predicate="crosses")
    pairs = (one < other) & ground[one] & ground[other]
    one, other = one[pairs], other[pairs]
    places, row = shapely.get_coordinates(shapely.intersection(shapes[one], shapes[other]), return_index=True)
    spots = shapely.points(places)
    ends = [shapely.get_point(shapes[rows[row]], place) for rows in (one, other) for place in (0, -1)]
    clear = np.min([shapely.distance(spots, end) for end in ends], axis=0) > reach
    for place, first, second in zip(
        places[clear], one[row][clear].tolist(), other[row][clear].tolist(), strict=True
    ):
        added[first].append(place)
        added[second].append(place)


def _with_added(corners: np.ndarray, more: Sequence[np.ndarray], step: float) -> np.ndarray:
    """Insert places into a line in its order; what is a corner already stands once."""
    import shapely

    if not more:
        return corners
    places = np.array(more)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    here = shapely.line_locate_point(shapely.LineString(corners), shapely.points(places))
    here = np.clip(here, 0.0, lengths[-1])
    order = np.argsort(np.concatenate([lengths, here]), kind="stable")
    found = np.concatenate([corners, places])[order]
    numbers = np.array(_numbers(found, step))
    fresh = np.concatenate([[True], numbers[1:] != numbers[:-1]])
    return np.asarray(found[fresh])
