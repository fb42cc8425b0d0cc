"""Roads of tiles, cut where they meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from urbanbench.build.map.splitting import RoadBook, Run
from urbanbench.build.tiles.grid import Grid
from urbanbench.build.tiles.meetings import Course, courses
from urbanbench.build.tiles.pieces import Piece

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cut_roads"]

_REACH_STEPS = 2.0
"""An end this near to a road lies on it."""


def cut_roads(pieces: Sequence[Piece], grid: Grid) -> tuple[pa.Table, int]:
    """Cut roads where they meet.

    Parameters
    ----------
    pieces
        Lines with the tags of roads.
    grid
        What their places are on.

    Returns
    -------
    table
        `id`, `tags`, `wkb` (longitude and latitude); pieces of one road have its id and ``_1``, ``_2``, … after it.
    count
        Lines that were shorter than the grid can tell, and are not in the table.
    """
    book = RoadBook()
    if not pieces:
        return book.table(), 0
    step = max(piece.step for piece in pieces)
    found = courses(
        [piece.shape for piece in pieces], [_level(piece.tags) for piece in pieces], step, _REACH_STEPS * step
    )
    short = 0
    for one, tags, rows in _roads(pieces):
        runs = [_run(found[row], grid) for row in rows if len(set(found[row].nodes)) > 1]
        short += len(rows) - len(runs)
        if runs:
            book.add(one, tags, runs)
    return book.table(), short


def _level(tags: dict[str, str]) -> str:
    words = [f"{key} {tags.get('layer', '')}" for key in ("bridge", "tunnel") if tags.get(key, "no") != "no"]
    return " ".join(words)


def _run(course: Course, grid: Grid) -> Run:
    lon, lat = grid.degrees(course.corners).T
    return list(zip(course.nodes, lon.tolist(), lat.tolist(), strict=True))


def _roads(pieces: Sequence[Piece]) -> Iterable[tuple[str, dict[str, str], list[int]]]:
    """Give ids, tags and the lines of roads; an id that stands for roads with different tags gets ``-2``, ``-3``, … after it."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = defaultdict(list)
    for row, piece in enumerate(pieces):
        groups[piece.one, tuple(sorted(piece.tags.items()))].append(row)
    seen: dict[str, int] = defaultdict(int)
    for (one, _), rows in groups.items():
        seen[one] += 1
        yield one if seen[one] == 1 else f"{one}-{seen[one]}", pieces[rows[0]].tags, rows
