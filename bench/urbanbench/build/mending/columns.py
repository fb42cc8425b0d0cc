"""Columns of a table in the types of the format: text decoded, ids as text, tags as maps, paths with forward slashes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.mending.texts import decoded_column
from urbanbench.city.folder.kinds import as_text, is_whole
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.tag_forms import is_tag_map, is_tags, tag_maps
from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.mending.deeds import Deeds
    from urbanbench.city.folder.columns import TableSchema

__all__ = ["mended_columns", "put"]

_INDEX = re.compile(r"__index_level_\d+__")
_MOST_WHOLE = 2.0**53
"""Whole numbers up to this are exact as floats."""


def put(table: pa.Table, name: str, column: Any) -> pa.Table:
    """Put a column in the place of the one of its name."""
    return table.set_column(table.column_names.index(name), name, column)


def mended_columns(folder: Path, table: pa.Table, schema: TableSchema, deeds: Deeds) -> pa.Table:
    """Mend all columns but the geometry.

    Parameters
    ----------
    folder
        The city folder, in which pictures are looked for.
    table
        The table as stored, every name once.
    schema
        Its columns; others are kept as they are, but for the index of a data frame.
    deeds
        Told what was mended.
    """
    known = {one.name for one in schema.columns}
    index = [name for name in table.column_names if _INDEX.fullmatch(name) and name not in known]
    deeds.add("index columns of a data frame left out", index)
    table = table.drop_columns(index)
    for name in table.column_names:
        column, rows = decoded_column(table[name])
        table = put(table, name, column)
        deeds.rows(f"text of column {name!r} brought to UTF-8", rows)
    for one in schema.columns:
        if one.name not in table.column_names:
            continue
        if one.kind in {"id", "group"}:
            table = put(table, one.name, _ids(one.name, table[one.name], deeds))
        elif one.kind == "tags":
            table = put(table, one.name, _tags(table[one.name], deeds))
        elif one.about.startswith("Picture"):
            table = put(table, one.name, _paths(folder, one.name, table[one.name], deeds))
    return table


def _ids(name: str, column: pa.ChunkedArray, deeds: Deeds) -> pa.ChunkedArray:
    """Write whole numbers as their digits, those that a file stores as floats too."""
    import pyarrow as pa
    from pyarrow import types

    whole = column
    if types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy()
        with np.errstate(invalid="ignore"):
            exact = np.isnan(values) | ((values == np.round(values)) & (np.abs(values) <= _MOST_WHOLE))
        if not exact.all() or np.isnan(values).all():
            return column
        whole = pa.chunked_array([pa.array(values, from_pandas=True).cast(pa.int64())])
    if not is_whole(whole.type):
        return column
    deeds.rows(f"{name} of {column.type}, written as text", np.arange(len(column)))
    return as_text(whole).cast(pa.string())


def _tags(column: pa.ChunkedArray, deeds: Deeds) -> pa.ChunkedArray:
    """Write tags as maps; rows without any as an empty one, and keys without a value left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_tags(column.type):
        return column
    maps, null, broken = tag_maps(column)
    if broken.any():
        return column
    row = np.repeat(np.arange(len(maps)), _lengths(maps))
    keys, items = maps.keys, maps.items
    start, stop = int(maps.offsets[0].as_py()), int(maps.offsets[-1].as_py())
    keys, items = keys.slice(start, stop - start), items.slice(start, stop - start)
    bare = pc.is_null(items).to_numpy(zero_copy_only=False)
    if is_tag_map(column.type) and not null.any() and not bare.any():
        return column
    if not is_tag_map(column.type):
        deeds.rows(f"tags stored as {str(column.type)[:60]}, written as a map", np.arange(len(column)))
    deeds.rows("tags that are null, written as an empty map", np.flatnonzero(null))
    deeds.rows("tags without a value left out", np.unique(row[bare]))
    offsets = np.concatenate(([0], np.cumsum(np.bincount(row[~bare], minlength=len(maps))))).astype(np.int32)
    kept = pa.array(~bare)
    return pa.chunked_array(
        [pa.MapArray.from_arrays(pa.array(offsets), keys.filter(kept), items.filter(kept))]
    )


def _lengths(maps: pa.MapArray) -> np.ndarray:
    """Return how many pairs each row has, int64 (n,); none where it is null."""
    return np.diff(maps.offsets.to_numpy())


def _paths(folder: Path, name: str, column: pa.ChunkedArray, deeds: Deeds) -> pa.ChunkedArray:
    """Write paths of pictures with forward slashes, where the pictures are there."""
    import pyarrow as pa

    if not is_text(column.type):
        return column
    paths = column.cast(pa.large_string()).to_pylist()
    turned = [
        row
        for row, path in enumerate(paths)
        if path and "\\" in path and not path_fault(folder, path.replace("\\", "/"))
    ]
    for row in turned:
        paths[row] = paths[row].replace("\\", "/")
    deeds.rows(f"paths of column {name!r} written with forward slashes", np.array(turned, dtype=np.int64))
    return pa.chunked_array([pa.array(paths, pa.string())]) if turned else column
