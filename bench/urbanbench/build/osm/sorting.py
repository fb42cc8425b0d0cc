"""Areas of an extract sorted into places, buildings and land use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.osm.kinds import is_building, is_landuse, is_place_area

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.osm.read import Extract

__all__ = ["answers", "sorted_layers"]

_AT_ONCE = 50_000
"""Rows whose tags are Python objects at a time."""


def sorted_layers(extract: Extract) -> dict[str, pa.Table]:
    """Make `pois`, `buildings`, `roads` and `landuse` of an extract; an area may be several of them.

    A place mapped as an area becomes a point in its middle, or on it where the middle lies outside.
    """
    import pyarrow as pa

    kinds = (is_building, is_landuse, is_place_area)
    building, landuse, place = answers(extract.areas, kinds)
    return {
        "pois": pa.concat_tables([extract.nodes, _points(_where(extract.areas, place))]),
        "buildings": _where(extract.areas, building),
        "roads": extract.roads,
        "landuse": _where(extract.areas, landuse).select(["id", "tags", "wkb"]),
    }


def answers(table: pa.Table, questions: Sequence[Callable[[dict[str, str]], bool]]) -> np.ndarray:
    """Ask questions of every row's tags, bool (q, n)."""
    rows = (tuple(ask(one) for ask in questions) for one in _tags_of(table))
    return np.array(list(rows), dtype=bool).reshape(-1, len(questions)).T


def _tags_of(table: pa.Table) -> Iterator[dict[str, str]]:
    """Give the tags of every row, without all of them in memory."""
    for batch in table.select(["tags"]).to_batches(max_chunksize=_AT_ONCE):
        yield from map(dict, batch["tags"].to_pylist())


def _where(table: pa.Table, keep: np.ndarray) -> pa.Table:
    import pyarrow as pa

    return table.filter(pa.array(keep))


def _points(areas: pa.Table) -> pa.Table:
    import pyarrow as pa
    import shapely

    shapes = shapely.from_wkb(np.asarray(areas["wkb"].to_numpy(), dtype=object))
    middle = shapely.centroid(shapes)
    outside = ~shapely.intersects(shapes, middle)
    middle[outside] = shapely.point_on_surface(shapes[outside])
    column = pa.array(shapely.to_wkb(middle).tolist(), pa.binary())
    return areas.select(["id", "tags"]).append_column("wkb", column)
