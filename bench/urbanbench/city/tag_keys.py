"""Which keys the tags of a layer have, without reading anything else of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from urbanbench.city.folder.parquet import FaultyTable, read_table
from urbanbench.city.folder.tag_forms import is_tags, tag_maps

__all__ = ["stored_tag_keys"]

_COLUMN = "tags"


def stored_tag_keys(folder: Path, file: str) -> frozenset[str] | None:
    """Read the keys of a table's tags; of a million buildings this takes a second, and reading them whole half a minute.

    Parameters
    ----------
    folder, file
        The city folder and the table's path in it.

    Returns
    -------
    frozenset
        Every key that one of its objects has; None where that cannot be told, as of a table that will be refused when it is read.
    """
    try:
        found = (folder / file).stat()
    except OSError:
        return None
    return _keys(folder, file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _keys(folder: Path, file: str, _mtime_ns: int, _size: int) -> frozenset[str] | None:
    import pyarrow as pa

    try:
        table = read_table(folder, file, [_COLUMN])
        if table.column_names != [_COLUMN] or not is_tags(table.schema.field(0).type):
            return None
        maps, _, broken = tag_maps(table.column(0))
    except (FaultyTable, pa.ArrowException):
        return None
    return None if broken.any() else frozenset(maps.keys.unique().to_pylist())
