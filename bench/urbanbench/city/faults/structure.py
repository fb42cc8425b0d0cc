"""What can be judged of a city's tables without reading them: Parquet footers, column types, GeoParquet metadata, row counts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.folder.format import DIRECTIONS, MAX_JSON_BYTES, MAX_ROWS, TABLES, TableSchema

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.city.folder.manifest import Manifest

__all__ = ["count_faults", "structure_faults"]

_EXPECTED = {
    "text": "text",
    "number": "numbers",
    "integer": "integers",
    "group": "text or integers",
    "tags": "a map of text to text",
    "geometry": "WKB (binary)",
}


def structure_faults(folder: Path, manifest: Manifest) -> dict[str, list[str]]:
    """Judge every table that city.json names.

    Returns
    -------
    dict
        Faults by table: a layer's name, or "labels/<name>". Sound tables have an empty list.
    """
    found = {name: _table_faults(folder, info.file, TABLES[name]) for name, info in manifest.tables.items()}
    for name, label in manifest.labels.items():
        found[f"labels/{name}"] = _table_faults(folder, label.file, label.schema)
    return found


def count_faults(folder: Path, manifest: Manifest, sound: Collection[str]) -> list[str]:
    """Tell sound tables whose number of rows is not the `count` or `units` of city.json."""
    import pyarrow.parquet as pq

    faults = []
    for name in sound:
        entry = manifest.entries[name]
        count = entry.get("units" if name.startswith("labels/") else "count")
        rows = pq.read_metadata(folder / entry["file"]).num_rows if count is not None else count
        if rows != count:
            faults.append(f"{entry['file']}: expected {count} rows as city.json says, found {rows}.")
    return faults


def _table_faults(folder: Path, file: str, schema: TableSchema) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / file) as parquet:
            rows, columns = parquet.metadata.num_rows, parquet.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        return [f"{file}: expected a whole Parquet file, found a fault in its footer ({_first_line(error)})."]
    faults = _column_faults(file, schema, columns)
    if schema.shapes and "geometry" in columns.names:
        faults += _geo_faults(file, columns.metadata or {})
    if rows > MAX_ROWS:
        faults.append(f"{file}: expected at most {MAX_ROWS} rows, found {rows}.")
    return faults


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _column_faults(file: str, schema: TableSchema, columns: pa.Schema) -> list[str]:
    faults = []
    for column in schema.columns:
        places = columns.get_all_field_indices(column.name)
        if len(places) > 1:
            faults.append(
                f"{file}: column {column.name!r}: expected it once, found {len(places)} columns of that name."
            )
        elif not places and column.required:
            listed = ", ".join(columns.names[:12]) or "none"
            faults.append(
                f"{file}: column {column.name!r}: expected {_EXPECTED[column.kind]}, found no such column among {listed}."
            )
        elif places and not _fits(column.kind, columns.field(places[0]).type):
            kind = str(columns.field(places[0]).type)[:80]
            faults.append(f"{file}: column {column.name!r}: expected {_EXPECTED[column.kind]}, found {kind}.")
    if schema is TABLES["street_views"] and not {"image", *DIRECTIONS} & set(columns.names):
        faults.append(f"{file}: columns {', '.join(DIRECTIONS)} or image: expected one at least, found none.")
    return faults


def _fits(kind: str, found: pa.DataType) -> bool:
    from pyarrow import types

    if kind == "tags":
        return bool(types.is_map(found) and _is_text(found.key_type) and _is_text(found.item_type))
    if kind == "geometry":
        stored = getattr(found, "storage_type", found)
        return bool(types.is_binary(stored) or types.is_large_binary(stored))
    if kind == "text":
        return _is_text(found)
    if kind == "integer":
        return bool(types.is_integer(found))
    if kind == "group":
        return _is_text(found) or bool(types.is_integer(found))
    return bool(types.is_floating(found) or types.is_integer(found))


def _is_text(found: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(found):
        return _is_text(found.value_type)
    return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))


def _geo_faults(file: str, metadata: Mapping[bytes, bytes]) -> list[str]:
    mend = "Write it with geopandas (to_crs(4326).to_parquet) or another GeoParquet writer."
    text = metadata.get(b"geo")
    if text is None or len(text) > MAX_JSON_BYTES:
        return [
            f"{file}: expected GeoParquet metadata ('geo'), found {'none' if text is None else 'absurdly long metadata'}. {mend}"
        ]
    try:
        geo = json.loads(text)
        column = geo["columns"]["geometry"]
        encoding = column["encoding"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [
            f"{file}: expected GeoParquet metadata that describes column 'geometry', found metadata that does not. {mend}"
        ]
    faults = []
    if encoding != "WKB":
        faults.append(
            f"{file}: column 'geometry': expected encoding 'WKB', found {str(encoding)[:60]!r}. {mend}"
        )
    other = _other_crs(column)
    if other:
        faults.append(
            f"{file}: column 'geometry': expected CRS EPSG:4326 (longitude, latitude), found {other}. {mend}"
        )
    return faults


def _other_crs(column: Mapping[str, Any]) -> str:
    """Name the CRS of a geometry column when it is not WGS 84; a missing entry means WGS 84 (GeoParquet 1.0)."""
    crs = column.get("crs", "OGC:CRS84")
    if crs is None:
        return "an unknown one (null)"
    known = crs.get("id") if isinstance(crs, dict) else None
    if isinstance(known, dict) and (known.get("authority"), str(known.get("code"))) in {
        ("EPSG", "4326"),
        ("OGC", "CRS84"),
    }:
        return ""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        found = CRS.from_user_input(crs)
    except (CRSError, TypeError, ValueError):
        return f"an unreadable one ({str(crs)[:60]})"
    return "" if found.equals(CRS.from_epsg(4326), ignore_axis_order=True) else str(found.name)
