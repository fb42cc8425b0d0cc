"""Parquet files opened and read: whatever goes wrong below is one sentence, and nothing unfolds beyond its limit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.folder.limits import FREE_BYTES, MIB, unfolded_limit
from urbanbench.city.folder.unfolding import Unfolding, unfolding

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["FaultyTable", "TableHead", "read_head", "read_table"]

_BATCH = 4096
"""Rows read at a time while their bytes are counted."""

_HARMLESS = 16
"""A bound so many times above the limit is still looked into, row by row; texts of very different lengths reach it."""


_LAYERS = ("a GeoPackage or another SQLite file", "a FlatGeobuf file", "a Shapefile", "JSON")
_MARKS = {
    b"SQLite format 3": _LAYERS[0],
    b"fgb": _LAYERS[1],
    b"\x00\x00\x27\x0a": _LAYERS[2],
    b"{": _LAYERS[3],
    b"ARROW1": "an Arrow file (Feather)",
    b"PK\x03\x04": "a ZIP file",
    b"ORC": "an ORC file",
}
"""How files of other formats begin."""


class FaultyTable(ValueError):
    """A Parquet file that cannot be opened or read; the text is the fault, as a sentence."""


@dataclass(frozen=True)
class TableHead:
    """What a Parquet file says of itself.

    Parameters
    ----------
    rows
        Number of rows.
    columns
        Name and Arrow type of every column, in order; a name may stand twice.
    metadata
        Key and value metadata of the schema.
    file_bytes
        Size of the file.
    native
        Columns of Parquet's own types of geometry, and the CRS they state, {} where they state none.
    """

    rows: int
    columns: tuple[tuple[str, pa.DataType], ...]
    metadata: Mapping[bytes, bytes]
    file_bytes: int
    native: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _ in self.columns]


def read_head(folder: Path, file: str) -> TableHead:
    """Read a table's footer.

    Raises
    ------
    FaultyTable
        It cannot be read, or the name of a column is no text.
    """
    other = _other_format(folder / file)
    if other:
        layer = f"geopandas.read_file({file!r}).to_crs(4326).to_parquet(...)"
        msg = f"{file}: expected a whole Parquet file, found {other}. Write it as one: {layer if other in _LAYERS else 'frame.to_parquet(...)'}."
        raise FaultyTable(msg)
    mend = "Write the file anew."
    with _opened(folder, file, "a whole Parquet file", "in its footer", mend) as parquet:
        schema = parquet.schema_arrow
        columns = tuple(zip(schema.names, schema.types, strict=True))
        for kind in schema.types:
            str(kind)  # fields inside of columns have names too
        size = (folder / file).stat().st_size
        native = _native_geometry(parquet.schema, schema.metadata or {})
        return TableHead(parquet.metadata.num_rows, columns, schema.metadata or {}, size, native)


def _other_format(path: Path) -> str:
    """Name the format of a file that is no Parquet but begins as others do; "" where it cannot be told."""
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return ""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), "")


def _native_geometry(schema: Any, metadata: Mapping[bytes, bytes]) -> dict[str, Mapping[str, Any]]:
    """Return the columns of type GEOMETRY or GEOGRAPHY."""
    found: dict[str, Mapping[str, Any]] = {}
    for place in range(len(schema)):
        column = schema.column(place)
        if "." in column.path or not str(column.logical_type).startswith(("Geometry", "Geography")):
            continue
        told = json.loads(column.logical_type.to_json()).get("crs") or ""
        kind, _, rest = told.partition(":")
        if kind == "projjson":
            told = metadata.get(rest.encode(), b"").decode("utf-8", "replace")
        elif kind == "srid":
            told = f"EPSG:{rest}"
        with suppress(ValueError, RecursionError):
            told = json.loads(told)
        found[column.path] = {"crs": told} if told else {}
    return found


def read_table(folder: Path, file: str, names: Sequence[str] | None, *, features: bool = False) -> pa.Table:
    """Read columns of a table, all where `names` is None.

    Raises
    ------
    FaultyTable
        The data cannot be decoded, or unfold to more than `unfolded_limit` bytes.
    """
    mend = "The file is damaged: copy or write it anew."
    with _opened(folder, file, "readable Parquet data", "", mend) as parquet:
        limit = unfolded_limit(parquet.metadata.num_rows, features=features)
        bound = unfolding(folder / file, parquet, names)
        if bound.stored > limit or bound.nested > limit * _HARMLESS:
            raise _too_large(file, max(bound.stored, bound.nested), limit)
        if bound.most <= limit:
            return parquet.read(columns=names)
        return _counted(file, parquet, names, bound, limit)


def _counted(
    file: str, parquet: pq.ParquetFile, names: Sequence[str] | None, bound: Unfolding, limit: int
) -> pa.Table:
    """Read few rows at a time and stop at the limit."""
    import pyarrow as pa

    parts, size = [], 0
    rows = max(1, min(_BATCH, FREE_BYTES // max(bound.longest, 1)))
    for part in parquet.iter_batches(batch_size=rows, columns=names):
        size += part.nbytes
        if size > limit:
            raise _too_large(file, size, limit)
        parts.append(part)
    return (
        pa.Table.from_batches(parts, schema=parts[0].schema).combine_chunks()
        if parts
        else parquet.read(columns=names)
    )


def _too_large(file: str, size: int, limit: int) -> FaultyTable:
    told = f"{file}: expected data of at most {limit // MIB} MiB for its number of rows, found data that unfold to {size // MIB} MiB or more."
    return FaultyTable(f"{told} Shorten its texts and drop columns that nobody reads.")


@contextmanager
def _opened(folder: Path, file: str, expected: str, place: str, mend: str) -> Iterator[pq.ParquetFile]:
    """Open a file; pyarrow raises errors of a dozen kinds for damaged ones, and all become one sentence."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / file) as parquet:
            yield parquet
    except FaultyTable:
        raise
    except UnicodeDecodeError as error:
        msg = f"{file}: expected names of columns in UTF-8, found {error.object[:40]!r}. Rename the column and write the file anew."
        raise FaultyTable(msg) from error
    except OSError as error:
        told = f"{file}: expected {expected}, found {_said(error, place)}."
        hint = "Make the file readable." if isinstance(error, PermissionError) else mend
        msg = f"{told} {hint}"
        raise FaultyTable(msg) from error
    except Exception as error:
        msg = f"{file}: expected {expected}, found {_said(error, place)}. {mend}"
        raise FaultyTable(msg) from error


def _said(error: Exception, place: str) -> str:
    """Give the first line of what a library says, without bytes that cannot be printed."""
    lines = (error.strerror or str(error) if isinstance(error, OSError) else str(error)).splitlines()
    first = (lines or [type(error).__name__])[0][:160].rstrip(".")
    words = f"a fault {place} ({first})" if place else f"a fault ({first})"
    return words.encode("utf-8", "backslashreplace").decode()
