"""Which files of a folder hold places, buildings, segments and land use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.folder.paths import last_part, path_fault
from urbanbench.errors import BadInput, DataMissing, UrbanbenchError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from urbanbench.build.report import Report

__all__ = ["KINDS", "find_files", "opened", "told_damage"]

KINDS: Mapping[str, str] = {
    "place": "pois",
    "building": "buildings",
    "segment": "roads",
    "land_use": "landuse",
}
"""Types of Overture's features that are read, and the layer they become."""

_SUFFIXES = (".parquet", ".geoparquet")
_TYPE_FOLDER = re.compile(r"type=(\w+)")
_SIGNS: Mapping[str, frozenset[str]] = {
    "segment": frozenset({"connectors", "connector_ids"}),
    "place": frozenset({"categories", "taxonomy", "basic_category"}),
    "building": frozenset({"num_floors", "has_parts", "roof_shape", "facade_material"}),
}
"""Columns that only one type has; parts of buildings have those of buildings, and `building_id`."""

_LAND_USE = re.compile(r"land_?use", re.IGNORECASE)


def find_files(folder: Path, report: Report) -> dict[str, list[Path]]:
    """Return the files of each type, sorted.

    A file's type is that of its folder (``theme=places/type=place``), of its column `type`, or follows from its columns; land use, which has the
    columns of other types of the theme base, is known by its name.

    Raises
    ------
    DataMissing, BadInput
        No such folder; no file of the four types in it; a damaged file.
    """
    if not folder.is_dir():
        msg = f"No folder {str(folder)!r} for --overture. Expected one with Overture's GeoParquet, such as theme=places/type=place/*.parquet. Check the path."
        raise DataMissing(msg)
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for path in sorted(one for one in folder.rglob("*") if one.suffix.lower() in _SUFFIXES):
        name = path.relative_to(folder).as_posix()
        fault = path_fault(folder, name)
        if fault:
            report.add("overture", "dropped", f"files: {fault}", ids=[name])
            continue
        with told_damage(path):
            kind = _kind(path, name)
        if kind in KINDS:
            found[kind].append(path)
        else:
            report.add(
                "overture",
                "dropped",
                "files of other types than place, building, segment and land_use",
                ids=[name],
            )
    if not any(found.values()):
        msg = f"{last_part(folder)}: expected GeoParquet files of Overture's types place, building, segment or land_use, found none. Name folders as Overture does, such as theme=buildings/type=building."
        raise BadInput(msg)
    return found


def _kind(path: Path, name: str) -> str:
    stated = _TYPE_FOLDER.findall(name)
    if stated:
        return str(stated[-1])
    file = opened(path)
    columns = set(file.schema_arrow.names)
    if "type" in columns and (one := _only_value(file, "type")):
        return one
    if "building_id" in columns:
        return "building_part"
    fitting = [kind for kind, signs in _SIGNS.items() if signs & columns]
    if fitting:
        return fitting[0]
    return "land_use" if _LAND_USE.search(name) and "class" in columns else ""


def opened(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises
    ------
    BadInput
        It is damaged, or something else.
    """
    import pyarrow.parquet as pq

    with told_damage(path):
        return pq.ParquetFile(path)


@contextmanager
def told_damage(path: Path) -> Iterator[None]:
    """Turn whatever pyarrow raises for a damaged file into one sentence.

    Raises
    ------
    BadInput
        The file cannot be read.
    """
    import pyarrow as pa

    kinds = (OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError)
    try:
        yield
    except UrbanbenchError:
        raise
    except (*kinds, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        msg = f"{path.name}: expected a GeoParquet file that can be read, found a fault ({reason}). Mend: fetch it again."
        raise BadInput(msg) from error


def _only_value(file: pq.ParquetFile, column: str) -> str:
    """Return the one value that a text column has, by the statistics of the file; "" where they do not tell."""
    values = set()
    names = [file.schema.column(k).path for k in range(len(file.schema))]
    if column not in names:
        return ""
    for group in range(file.metadata.num_row_groups):
        told = file.metadata.row_group(group).column(names.index(column)).statistics
        if told is None or not told.has_min_max or told.min != told.max:
            return ""
        values.add(told.min)
    return str(values.pop()) if len(values) == 1 else ""
