"""Roads cut where they meet: pieces between intersections."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.map.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WALKS", "RoadBook", "Run"]

WALKS = frozenset(
    {"bridleway", "corridor", "cycleway", "elevator", "footway", "path", "platform", "pedestrian", "steps"}
)
"""Values of `highway` that do not cut a carriageway in two where they meet it."""

Run = list[tuple[int, float, float]]
"""Nodes that follow one another on a way, each (id, longitude, latitude)."""


_AT_ONCE = 100_000
"""Pieces that are shapes at the same time."""


class RoadBook:
    """Ways that are roads, with their nodes, until all are known and can be cut.

    A node cuts a road when it belongs to it and to another road, or twice to it. A carriageway is cut by carriageways only, not where a
    footway, a cycleway or steps meet it (`WALKS`); these are cut by every road. Ends are no cuts.
    """

    def __init__(self) -> None:
        self._rows = Rows()
        self._start = array("q", [0])
        self._node = array("q")
        self._lon, self._lat = array("d"), array("d")
        self._walk = array("b")
        self._row = array("q")

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, one: str, tags: Mapping[str, str], runs: Iterable[Run]) -> None:
        """Add a road: one run of two or more nodes, or several where nodes between them are not known."""
        for run in runs:
            refs, lons, lats = zip(*run, strict=True)
            self._node.extend(refs)
            self._lon.extend(lons)
            self._lat.extend(lats)
            self._start.append(len(self._node))
            self._walk.append(tags.get("highway") in WALKS)
            self._row.append(len(self._rows))
        self._rows.add(one, tags, b"")

    def table(self) -> pa.Table:
        """Cut all roads and return their pieces: id, tags, wkb.

        A road in one piece keeps its id; the pieces of ``w7`` are ``w7_1``, ``w7_2``, … in the direction of the way.
        """
        import pyarrow as pa

        whole = self._rows.table().combine_chunks()
        start = np.frombuffer(self._start, dtype=np.int64)
        run, first, last = self._pieces(start)
        road = np.frombuffer(self._row, dtype=np.int64)[run] if len(run) else run
        many, place = np.bincount(road, minlength=1), np.arange(len(road)) - np.searchsorted(road, road) + 1
        parts = []
        for begin in range(0, len(road), _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            rows = road[some]
            names = _numbered(whole["id"].take(pa.array(rows)).to_pylist(), many[rows], place[some])
            columns = [
                pa.array(names, pa.string()),
                whole["tags"].take(pa.array(rows)),
                pa.array(self._lines(first[some], last[some]), pa.binary()),
            ]
            parts.append(pa.table(columns, names=whole.column_names))
        return pa.concat_tables(parts) if parts else whole

    def _lines(self, first: np.ndarray, last: np.ndarray) -> list[bytes]:
        """Write pieces as WKB, longitude and latitude."""
        import shapely

        take = _ranges(first, last)
        xy = np.column_stack([np.frombuffer(self._lon)[take], np.frombuffer(self._lat)[take]])
        lines = shapely.linestrings(xy, indices=np.repeat(np.arange(len(first)), last - first + 1))
        made: list[bytes] = shapely.to_wkb(lines).tolist()
        return made

    def _pieces(self, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return run, first and last node (rows of the node list) of every piece."""
        if len(start) == 1:
            none = np.empty(0, dtype=np.int64)
            return none, none, none
        node = np.frombuffer(self._node, dtype=np.int64)
        of_run = np.repeat(np.arange(len(start) - 1), np.diff(start))
        walk = np.frombuffer(self._walk, dtype=np.int8).astype(bool)[of_run]
        _, code = np.unique(node, return_inverse=True)
        by_any, by_street = np.bincount(code) >= 2, np.bincount(code, weights=~walk) >= 2
        cuts = np.where(walk, by_any[code], by_street[code])
        inner = np.ones(len(node), dtype=bool)
        inner[start[:-1]] = inner[start[1:] - 1] = False
        cut = np.flatnonzero(cuts & inner)
        first = np.sort(np.concatenate([start[:-1], cut]))
        last = np.sort(np.concatenate([start[1:] - 1, cut]))
        return of_run[first], first, last


def _ranges(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return first[0] … last[0], first[1] … last[1], … as one array."""
    size = last - first + 1
    ends = np.cumsum(size)
    return np.repeat(first - (ends - size), size) + np.arange(ends[-1] if len(ends) else 0)


def _numbered(names: list[str], many: np.ndarray, place: np.ndarray) -> list[str]:
    return [
        name if count == 1 else f"{name}_{k}"
        for name, count, k in zip(names, many.tolist(), place.tolist(), strict=True)
    ]
