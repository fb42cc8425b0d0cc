"""Tables that are sound but not written as the format writes them: what was read for what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.folder.geo import WGS84, GeoColumn, geo_column
from urbanbench.city.folder.kinds import is_whole
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head
from urbanbench.city.folder.tag_forms import is_tag_map

if TYPE_CHECKING:
    from urbanbench.city.folder.columns import TableSchema

__all__ = ["form_note"]


def form_note(folder: Path, file: str, schema: TableSchema) -> str:
    """Say how a sound table's forms differ from those of the format; "" where they do not.

    Parameters
    ----------
    folder, file
        The city folder, and the table's path in it.
    schema
        Its columns.
    """
    try:
        head = read_head(folder, file)
    except FaultyTable:
        return ""
    geo, _ = geo_column(file, head) if schema.shapes else (None, [])
    found = [*_of_geometry(geo or GeoColumn()), *_of_columns(schema, head)]
    return f"{file}: read {'; '.join(found)}." if found else ""


def _of_geometry(geo: GeoColumn) -> list[str]:
    found = []
    if geo.name != "geometry":
        found.append(f"column {geo.name[:60]!r} as 'geometry'")
    if geo.encoding != "WKB":
        found.append(f"geometry encoded as {geo.encoding!r}")
    if geo.crs != WGS84:
        found.append(f"geometry in {geo.crs}, brought to longitude and latitude")
    return found


def _of_columns(schema: TableSchema, head: TableHead) -> list[str]:
    kinds, found = dict(head.columns), []
    for column in schema.columns:
        stored = kinds.get(column.name)
        if stored is None:
            continue
        if column.kind == "tags" and not is_tag_map(stored):
            found.append(f"tags stored as {str(stored)[:60]}")
        if column.kind == "id" and is_whole(stored):
            found.append(f"{column.name} stored as {stored}, as text")
    return found
