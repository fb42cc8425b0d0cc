"""Names of roads, which some tiles keep in a layer of their own: lines to write along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.map.rows import Rows
from urbanbench.build.tiles.grid import Grid
from urbanbench.build.tiles.pieces import Piece

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["named_roads"]

_BESIDE_STEPS = 3.0
"""How far a line of names may run beside its road: both were made coarser, each by itself."""

_LEAST = 0.5
"""Share of a road along which a name has to run."""


def named_roads(roads: pa.Table, names: Sequence[Piece], grid: Grid) -> tuple[pa.Table, int]:
    """Give roads the tags of the line of names that runs along most of them, where both are of one class.

    Parameters
    ----------
    roads
        `id`, `tags`, `wkb` (longitude and latitude).
    names
        Lines with the tags of roads, and names.
    grid
        What the places of the lines are on.

    Returns
    -------
    table
        The same roads.
    count
        How many got a name.
    """
    import shapely

    if not names or not roads.num_rows:
        return roads, 0
    shapes = shapely.transform(shapely.from_wkb(roads["wkb"].to_numpy()), grid.places)
    lines = np.array([name.shape for name in names], dtype=object)
    tags = [dict(one) for one in roads["tags"].to_pylist()]
    beside = _BESIDE_STEPS * max(name.step for name in names)
    best = _along(
        shapes, lines, beside, [_road_class(one) for one in tags], [_road_class(one.tags) for one in names]
    )
    rows = Rows()
    for one, known, wkb, name in zip(
        roads["id"].to_pylist(), tags, roads["wkb"].to_pylist(), best.tolist(), strict=True
    ):
        rows.add(one, known if name < 0 else {**names[name].tags, **known}, wkb)
    return rows.table(), int((best >= 0).sum())


def _road_class(tags: dict[str, str]) -> str:
    return tags.get("highway", "").removesuffix("_link")


def _along(
    shapes: np.ndarray, lines: np.ndarray, beside: float, of_road: Sequence[str], of_name: Sequence[str]
) -> np.ndarray:
    """Return for each road the line that runs along most of it, at least half; -1 for none; int64 (n,)."""
    import shapely

    road, name = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=beside)
    alike = np.array(
        [of_road[a] == of_name[b] for a, b in zip(road.tolist(), name.tolist(), strict=True)], dtype=bool
    )
    road, name = road[alike], name[alike]
    used, place = np.unique(name, return_inverse=True)
    around = shapely.buffer(lines[used], beside, cap_style="flat")
    length = shapely.length(shapes)
    share = shapely.length(shapely.intersection(shapes[road], around[place])) / np.maximum(length[road], 1e-9)
    best = np.full(len(shapes), -1, dtype=np.int64)
    enough = np.flatnonzero(share >= _LEAST)
    for k in enough[np.lexsort((-name[enough], share[enough]))].tolist():
        best[road[k]] = name[k]
    return best
