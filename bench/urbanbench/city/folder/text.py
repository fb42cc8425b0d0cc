"""Text in Arrow columns, judged before anything decodes it: UTF-8, and not too long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.format import Row, row_fault
from urbanbench.city.folder.limits import MAX_TAG_BYTES, MAX_TEXT_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["holds_text", "is_text", "text_faults", "undecodable"]


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text, in any way that Arrow stores it."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def holds_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text or a map of text to text."""
    from pyarrow import types

    return is_text(kind) or bool(types.is_map(kind) and is_text(kind.key_type) and is_text(kind.item_type))


def text_faults(file: str, table: pa.Table, key: str) -> list[str]:
    """Tell the rows of a table whose text cannot be decoded or is too long.

    Parameters
    ----------
    file
        The table's path, for sentences.
    table
        Columns of text and maps of text are judged, others passed over.
    key
        The column of ids, which name rows if they can be decoded themselves; "" where rows have no id.
    """
    columns = [name for name in table.column_names if holds_text(table[name].type)]
    broken = {name: undecodable(table[name]) for name in columns}
    named = key in columns and not broken[key]
    faults = []
    for name in columns:
        limit = MAX_TEXT_BYTES if is_text(table[name].type) else MAX_TAG_BYTES
        long = [] if broken[name] else _too_long(table[name], limit)
        if broken[name]:
            found = f"bytes that are not ({_shown(next(iter(broken[name].values())))})"
            mend = f"Decode the column with the encoding it was written in, such as frame[{name!r}].str.decode('latin-1'), and write it anew."
            rows = _names(table, key, broken[name], named=named)
            faults.append(row_fault(file, name, rows, expected="text in UTF-8", found=found, mend=mend))
        elif long:
            expected, mend = f"text of at most {limit} bytes", "Shorten it."
            rows = _names(table, key, long, named=named)
            faults.append(row_fault(file, name, rows, expected=expected, found="longer text", mend=mend))
    return faults


def _names(table: pa.Table, key: str, rows: Iterable[int], *, named: bool) -> list[object]:
    """Name rows; only the first, which a sentence shows, by their ids."""
    places = list(rows)
    if not named:
        return [Row(f"row {place}") for place in places]
    return [table[key][place].as_py() for place in places[:4]] + places[4:]


def _shown(raw: bytes) -> str:
    return repr(raw) if len(raw) <= 40 else f"{raw[:40]!r}…"


def undecodable(column: pa.ChunkedArray) -> dict[int, bytes]:
    """Return the rows that hold text which is no UTF-8, and the first such text of each."""
    found: dict[int, bytes] = {}
    start = 0
    for chunk in column.iterchunks():
        for row, raw in _broken_rows(chunk).items():
            found[start + row] = raw
        start += len(chunk)
    return found


def _broken_rows(chunk: pa.Array) -> dict[int, bytes]:
    from pyarrow import types

    if types.is_map(chunk.type):
        return _broken_maps(chunk)
    if types.is_dictionary(chunk.type):
        words = _broken_rows(chunk.dictionary)
        codes = enumerate(chunk.indices.to_pylist()) if words else ()
        return {row: words[code] for row, code in codes if code in words}
    return _broken_texts(chunk)


def _broken_maps(chunk: pa.MapArray) -> dict[int, bytes]:
    offsets = chunk.offsets.to_numpy()
    found: dict[int, bytes] = {}
    for part in (chunk.keys, chunk.items):
        for place, raw in _broken_rows(part).items():
            row = int(np.searchsorted(offsets, place, side="right")) - 1
            if 0 <= row < len(chunk):
                found.setdefault(row, raw)
    return found


def _broken_texts(chunk: pa.Array) -> dict[int, bytes]:
    import pyarrow as pa

    try:
        chunk.validate(full=True)
    except pa.ArrowInvalid:
        raw = chunk.cast(pa.binary() if chunk.type == pa.string() else pa.large_binary()).to_pylist()
        return {row: one for row, one in enumerate(raw) if one is not None and not _decodes(one)}
    return {}


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _too_long(column: pa.ChunkedArray, limit: int) -> list[int]:
    starts = np.cumsum([0, *map(len, column.chunks)])
    rows = [start + _long_rows(chunk, limit) for start, chunk in zip(starts, column.chunks, strict=False)]
    return np.concatenate(rows).tolist() if rows else []


def _long_rows(chunk: pa.Array, limit: int) -> np.ndarray:
    """Return the rows of one chunk with text of more bytes than the limit, int64."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_map(chunk.type):
        places = np.concatenate([_long_rows(part, limit) for part in (chunk.keys, chunk.items)])
        rows = np.unique(np.searchsorted(chunk.offsets.to_numpy(), places, side="right") - 1)
        return np.asarray(rows[(rows >= 0) & (rows < len(chunk))])
    if types.is_dictionary(chunk.type):
        codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return np.flatnonzero(np.isin(codes, _long_rows(chunk.dictionary, limit)))
    plain = chunk.cast(pa.large_string()) if types.is_string_view(chunk.type) else chunk
    lengths = pc.fill_null(pc.binary_length(plain), 0)
    return np.flatnonzero(lengths.to_numpy(zero_copy_only=False) > limit)
