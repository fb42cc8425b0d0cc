"""Text that is no UTF-8, decoded where there is one way to do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.text import holds_text, undecodable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["decoded_column", "decoded_text"]


def decoded_text(raw: bytes) -> str | None:
    r"""Decode bytes; None where it would be a guess.

    Pairs of halves that were each written as three bytes (CESU-8) become the character they stand for. Bytes of which none could be a
    letter of UTF-8 are Windows-1252, as in the builder's tables.

    Examples
    --------
    >>> decoded_text(b"Caf\xe9"), decoded_text(b"\xed\xa0\xbd\xed\xb8\x80"), decoded_text(b"\xed\xa0\xbd"), decoded_text("é".encode() + b"\xe9")
    ('Café', '😀', None, None)
    """
    try:
        halves = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return _windows(raw)
    try:
        return halves.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _windows(raw: bytes) -> str | None:
    kept = raw.decode("utf-8", "ignore")
    if not kept.isascii():
        return None
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return None


def decoded_column(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Decode a column of text or of maps of text.

    Returns
    -------
    column
        The same column where nothing had to be decoded, or not all of it can be.
    rows
        int64 (m,): rows that were decoded.
    """
    import pyarrow as pa
    from pyarrow import types

    rows = np.array(sorted(undecodable(column)) if holds_text(column.type) else [], dtype=np.int64)
    if not len(rows):
        return column, rows
    if types.is_map(column.type):
        whole = pa.concat_arrays([_plain(chunk) for chunk in column.iterchunks()])
        texts = [_decoded(part) for part in (whole.keys, whole.items)]
        made = None if None in texts else pa.MapArray.from_arrays(whole.offsets, *texts)
    else:
        made = _decoded(column.cast(pa.large_string()).combine_chunks())
    return (column, rows[:0]) if made is None else (pa.chunked_array([made]), rows)


def _plain(chunk: pa.MapArray) -> pa.MapArray:
    """Copy a chunk, so that its offsets begin at 0."""
    import pyarrow as pa

    return chunk.take(pa.array(np.arange(len(chunk))))


def _decoded(texts: pa.Array) -> pa.Array | None:
    """Decode every text; None where one cannot be."""
    import pyarrow as pa

    raw = texts.cast(pa.large_string()).cast(pa.large_binary()).to_pylist()
    made = [None if one is None else decoded_text(one) for one in raw]
    lost = any(new is None and old is not None for new, old in zip(made, raw, strict=True))
    return None if lost else pa.array(made, pa.string())
