"""Rows of GeoParquet files that lie in a box, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.map.objects import Box
from urbanbench.build.overture.files import opened, told_damage
from urbanbench.city.folder.wkb import undecodable_kinds
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["Chunk", "chunks_of", "stated_box"]

_AT_ONCE = 4096
"""Rows that are Python objects at a time."""

_EDGES = (("xmin", "minx"), ("ymin", "miny"), ("xmax", "maxx"), ("ymax", "maxy"))
"""Fields of the column `bbox`, as releases call them."""


@dataclass(frozen=True)
class Chunk:
    """Some rows.

    Parameters
    ----------
    rows
        Columns that were asked for and are there, by name, each row a dict.
    shapes
        Geometry of the rows, longitude and latitude; None where it cannot be decoded.
    """

    rows: list[dict[str, Any]]
    shapes: np.ndarray


def chunks_of(path: Path, columns: Sequence[str], box: Box) -> Iterator[Chunk]:
    """Give the rows of a file that lie in a box or reach into it.

    Row groups whose statistics of `bbox` lie outside are not read.

    Raises
    ------
    BadInput
        A damaged file, or one without geometry.
    """
    with told_damage(path):
        file = opened(path)
        names = file.schema_arrow.names
        if "geometry" not in names:
            msg = f"{path.name}: expected a column geometry, found {', '.join(map(str, names[:20]))}."
            raise BadInput(msg)
        wanted = [one for one in (*columns, "geometry", "bbox") if one in names]
        groups = [k for k in range(file.metadata.num_row_groups) if _meet(_edges(file, k), box)]
        for batch in file.iter_batches(batch_size=_AT_ONCE, row_groups=groups, columns=wanted):
            chunk = _chunk(batch, box)
            if chunk.rows:
                yield chunk


def stated_box(paths: Iterable[Path]) -> Box | None:
    """Return the box around the column `bbox` of some files, by their statistics; None where they do not tell.

    Raises
    ------
    BadInput
        A damaged file.
    """
    edges = []
    for path in paths:
        with told_damage(path):
            file = opened(path)
            edges += [_edges(file, group) for group in range(file.metadata.num_row_groups)]
    if not edges or not np.isfinite(edges).all():
        return None
    west, south, east, north = np.array(edges).T
    box = (float(west.min()), float(south.min()), float(east.max()), float(north.max()))
    return box if box[0] < box[2] and box[1] < box[3] else None


def _edges(file: pq.ParquetFile, group: int) -> tuple[float, float, float, float]:
    """Return the box around a row group, by its statistics; endless where they do not tell."""
    told = {}
    row_group = file.metadata.row_group(group)
    for k in range(row_group.num_columns):
        column = row_group.column(k)
        name = column.path_in_schema
        if name.startswith("bbox.") and column.statistics is not None and column.statistics.has_min_max:
            told[name.removeprefix("bbox.")] = (float(column.statistics.min), float(column.statistics.max))
    west, south = (next((told[one][0] for one in names if one in told), -np.inf) for names in _EDGES[:2])
    east, north = (next((told[one][1] for one in names if one in told), np.inf) for names in _EDGES[2:])
    return west, south, east, north


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and one[1] <= other[3] and one[2] >= other[0] and one[3] >= other[1]


def _chunk(batch: pa.RecordBatch, box: Box) -> Chunk:
    import pyarrow as pa
    import shapely

    near = _in_box(batch, box)
    if near is not None:
        batch = batch.filter(pa.array(near))
    column = batch.column("geometry")
    stored = column.storage if isinstance(column, pa.ExtensionArray) else column
    if not (pa.types.is_binary(stored.type) or pa.types.is_large_binary(stored.type)):
        msg = f"geometry is {stored.type}, not WKB"
        raise ValueError(msg)
    wkb = np.asarray(stored.to_numpy(zero_copy_only=False), dtype=object)
    for rows in undecodable_kinds(stored).values():
        wkb[rows] = None
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"))
    edges = shapely.bounds(shapes).reshape(-1, 4)
    shapes[~np.isfinite(edges).all(axis=1)] = None
    meets = np.ones(len(shapes), dtype=bool)
    if near is None:
        outside = (edges[:, :2] > box[2:]).any(axis=1) | (edges[:, 2:] < box[:2]).any(axis=1)
        meets = ~outside
    kept = batch.filter(pa.array(meets)).drop_columns(
        [one for one in ("geometry", "bbox") if one in batch.schema.names]
    )
    return Chunk(kept.to_pylist() if kept.num_columns else [{}] * int(meets.sum()), shapes[meets])


def _in_box(batch: pa.RecordBatch, box: Box) -> np.ndarray | None:
    """Answer by the column `bbox`; None where there is none that is understood."""
    import pyarrow as pa

    if "bbox" not in batch.schema.names or not pa.types.is_struct(batch.column("bbox").type):
        return None
    column = batch.column("bbox")
    known = {field.name for field in column.type}
    names = [next((one for one in pair if one in known), "") for pair in _EDGES]
    if not all(names):
        return None
    west, south, east, north = (
        np.asarray(column.field(name).to_numpy(zero_copy_only=False), dtype=np.float64) for name in names
    )
    # Edges are rounded outward to float32; a row without them is kept: what is far from all regions falls away later.
    outside = (west > box[2]) | (south > box[3]) | (east < box[0]) | (north < box[1])
    return np.asarray(~outside)
