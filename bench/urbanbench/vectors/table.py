"""A file of vectors as a table: Parquet, CSV or NumPy's npz and npy, read without executing anything in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.vectors.columns import choose_columns, id_column
from urbanbench.vectors.files import ids_file
from urbanbench.vectors.numbers import as_numbers, text_values

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SUFFIXES", "VectorTable", "read_vectors"]

SUFFIXES = (".parquet", ".csv", ".npz", ".npy")
FREE_BYTES, MAX_RATIO = 256 * 2**20, 100
"""A file may unfold to the free part and so many times its size."""
_BATCH = 4096


@dataclass(frozen=True, eq=False)
class VectorTable:
    """What a file of vectors holds.

    Parameters
    ----------
    level
        Level of the units: what the file says, else what was assumed.
    ids
        Unit ids (n,).
    vectors
        float32 (n, dim).
    columns
        The dim columns by name; a column of lists is named "name[0]", "name[1]", …
    id_column
        Where the ids stood.
    covered
        bool (n,), or None where the file does not say.
    left_out
        Every other column and why it is no part of the vectors.
    """

    level: str
    ids: np.ndarray
    vectors: np.ndarray
    columns: tuple[str, ...]
    id_column: str
    covered: np.ndarray | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def read_vectors(path: Path, *, level: str = "region", columns: tuple[str, ...] = ()) -> VectorTable:
    """Read a file of vectors.

    Parameters
    ----------
    path
        ``.parquet`` or ``.csv`` with one id column and columns of numbers (or lists of numbers), ``.npz`` with the arrays `ids` and
        `vectors`, or ``.npy`` with the vectors, whose ids stand row by row in a CSV beside: ``vectors.ids.csv`` for ``vectors.npy``.
    level
        Level to assume when the file does not say.
    columns
        Names or patterns of the columns that are the vectors; all that hold numbers and are no index, id or count when empty.

    Raises
    ------
    BadInput
        Not such a file, text that is not UTF-8, no ids or no numbers, a column asked for that is not there or holds no numbers.
    """
    if path.suffix == ".npz":
        return _read_npz(path, level)
    if path.suffix == ".npy":
        return _read_npy(path, level)
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, level)
        return _told(path, table, level, columns)
    except BadInput:
        raise
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error
    except Exception as error:  # pyarrow raises errors of a dozen kinds for damaged files
        if "utf8" in str(error).lower():
            raise _not_utf8(path, error) from error
        kind = "Parquet" if path.suffix == ".parquet" else "CSV"
        msg = f"{path.name!r} is no readable {kind} file ({error}). Expected a table of ids and number columns. Write it anew, for example with pandas."
        raise BadInput(msg) from error


def _not_utf8(path: Path, error: Exception) -> BadInput:
    msg = (
        f"{path.name!r} holds text that is not UTF-8 ({error}). Expected names and ids in UTF-8. "
        f"Mend: read it with its own encoding and write it again, for example pandas.read_csv(…, encoding='latin-1')."
    )
    return BadInput(msg)


def _read_parquet(path: Path) -> pa.Table:
    """Read few rows at a time and stop where a small file unfolds beyond all measure."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts, size, limit = [], 0, FREE_BYTES + MAX_RATIO * path.stat().st_size
    with pq.ParquetFile(path) as file:
        for part in file.iter_batches(batch_size=_BATCH):
            size += part.nbytes
            _check_size(path, size, limit)
            parts.append(part)
        return pa.Table.from_batches(parts, file.schema_arrow)


def _check_size(path: Path, size: int, limit: int) -> None:
    if size > limit:
        msg = f"{path.name!r} unfolds to {size} bytes or more. Expected at most {limit}: numbers of vectors cannot be packed so closely. Write only ids and vectors."
        raise BadInput(msg)


def _read_csv(path: Path, level: str) -> pa.Table:
    """Read a CSV whose ids stay text: 007 is not 7."""
    import csv

    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline()
    sign = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=sign), [])
    names = [name or f"Unnamed: {place}" for place, name in enumerate(names)]
    key = id_column(names, level)
    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1),
        parse_options=arrow_csv.ParseOptions(delimiter=sign),
        convert_options=arrow_csv.ConvertOptions(
            column_types={key: pa.string()} if key else {}, strings_can_be_null=False
        ),
    )


def _told(path: Path, table: pa.Table, level: str, asked: tuple[str, ...]) -> VectorTable:
    level = (table.schema.metadata or {}).get(b"level", level.encode()).decode()
    choice = choose_columns(path.name, table, level, asked)
    ids = text_values(table[choice.ids])
    if None in ids:
        msg = f"{path.name!r} has {ids.count(None)} rows without an id in {choice.ids!r}. Expected an id in every row. Mend: leave such rows out."
        raise BadInput(msg)
    parts = [as_numbers(path.name, name, table[name]) for name in choice.vectors]
    names = [
        name if part.shape[1] == 1 else f"{name}[{k}]"
        for name, part in zip(choice.vectors, parts, strict=True)
        for k in range(part.shape[1])
    ]
    covered = table["covered"].to_numpy().astype(bool) if choice.covered else None
    vectors = np.concatenate(parts, axis=1) if parts else np.zeros((len(ids), 0), dtype=np.float32)
    return VectorTable(
        level, np.array(ids, dtype=np.str_), vectors, tuple(names), choice.ids, covered, choice.left_out
    )


def _read_npz(path: Path, level: str) -> VectorTable:
    """Read arrays `ids` and `vectors`, maybe `covered`; pickled objects are refused."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            limit = FREE_BYTES + MAX_RATIO * path.stat().st_size
            _check_size(path, sum(one.file_size for one in archive.infolist()), limit)
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    except BadInput:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        msg = f"{path.name!r} is no readable npz file ({error}). Expected plain arrays. Mend: np.savez(file, ids=ids.astype(str), vectors=vectors)."
        raise BadInput(msg) from error
    if (
        not {"ids", "vectors"} <= set(found)
        or found["vectors"].ndim != 2
        or found["vectors"].dtype.kind not in "fiub"
    ):
        msg = f"{path.name!r} holds {', '.join(sorted(found)) or 'no arrays'}. Expected `ids` (n,) and `vectors` (n, dim) of numbers. Mend: np.savez(file, ids=ids.astype(str), vectors=vectors)."
        raise BadInput(msg)
    with np.errstate(over="ignore"):
        vectors = found["vectors"].astype(np.float32)
    names = tuple(f"vectors[{k}]" for k in range(vectors.shape[1]))
    covered = found["covered"].astype(bool) if "covered" in found else None
    left = {name: "another array" for name in found if name not in {"ids", "vectors", "covered"}}
    return VectorTable(level, found["ids"].astype(np.str_), vectors, names, "ids", covered, left)


def _read_npy(path: Path, level: str) -> VectorTable:
    """Read an array of vectors, and ids, maybe `covered`, from the table beside; pickled objects are refused."""
    beside = ids_file(path)
    if not beside.is_file():
        msg = f"{path.name!r} has no ids beside it. Expected {beside.name!r}, a CSV with a column {level}_id and a line for each row. Mend: write it, or give one .npz with ids and vectors."
        raise BadInput(msg)
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        msg = f"{path.name!r} is no readable npy file ({error}). Expected a plain array of numbers (n, dim). Mend: np.save(file, vectors)."
        raise BadInput(msg) from error
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "fiub":
        shape = getattr(found, "shape", "none")
        msg = f"{path.name!r} holds an array of shape {shape}. Expected numbers (n, dim). Mend: np.save(file, vectors)."
        raise BadInput(msg)
    names = _read_csv(beside, level)
    key = id_column(names.column_names, level)
    if key is None or names.num_rows != len(found):
        msg = f"{beside.name!r} has {names.num_rows} lines with columns {', '.join(names.column_names)}. Expected {len(found)} with a column {level}_id, as {path.name!r} has rows. Mend: write one line for each row, in the same order."
        raise BadInput(msg)
    covered = names["covered"].to_numpy().astype(bool) if "covered" in names.column_names else None
    with np.errstate(over="ignore"):
        vectors = found.astype(np.float32)
    columns = tuple(f"vectors[{k}]" for k in range(vectors.shape[1]))
    ids = np.array(text_values(names[key]), dtype=np.str_)
    return VectorTable(level, ids, vectors, columns, key, covered)
