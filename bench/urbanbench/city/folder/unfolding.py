"""How large a Parquet file's columns can become in memory, judged from its footer and the pages that hold repeated values.

A footer tells the size of the pages when unpacked, but a page may name one long value a million times. Values that are named
again stand in one page in front of a column's data; the longest of them bounds what the column unfolds to.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["Unfolding", "unfolding"]

_HEADER_BYTES = 64
"""Enough for the header of a page of repeated values."""

_DICTIONARY = 2
"""Type of a page of repeated values."""

_SMALL, _LARGE = 256, 16 * 2**20
"""A smaller or larger page is not looked into: no value in it is longer than it. Writers end such pages at one or two MiB."""

_WIDE = 8
"""Bytes of a value that is no text."""

_TYPE, _UNPACKED, _PACKED = 1, 2, 3
"""Fields of a page's header: its type, its bytes when unpacked, its bytes in the file."""

_TRUTHS, _INTEGER, _STRUCTURE = (1, 2), 5, 12
"""Kinds of fields in Thrift's compact protocol."""


@dataclass(frozen=True)
class Unfolding:
    """Bounds in bytes.

    Parameters
    ----------
    stored
        The pages, unpacked.
    most
        All columns, every value as long as the longest that may repeat.
    nested
        The same of columns with several values a row.
    longest
        The longest value that may repeat, times the values in a row.
    """

    stored: int
    most: int
    nested: int
    longest: int


def unfolding(path: Path, parquet: pq.ParquetFile, names: Sequence[str] | None) -> Unfolding:
    """Bound what columns of a file unfold to; all columns where `names` is None."""
    stored = most = nested = longest = 0
    with path.open("rb") as stream:
        for group in map(parquet.metadata.row_group, range(parquet.metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                root = chunk.path_in_schema.partition(".")[0]
                if names is not None and root not in names and chunk.path_in_schema not in names:
                    continue
                value = _longest_value(stream, chunk)
                stored += chunk.total_uncompressed_size
                most += chunk.total_uncompressed_size + chunk.num_values * value
                nested += chunk.num_values * value if root != chunk.path_in_schema else 0
                longest = max(longest, value * -(-chunk.num_values // max(group.num_rows, 1)))
    return Unfolding(stored, most, nested, longest)


def _longest_value(stream: Any, chunk: Any) -> int:
    """Return the bytes of the longest value that the pages of a column may repeat."""
    if chunk.physical_type != "BYTE_ARRAY":
        return _WIDE
    start = chunk.data_page_offset
    if chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    stream.seek(max(start, 0))
    head = stream.read(_HEADER_BYTES)
    fields: dict[int, int] = {}
    length = _page_header(head, 0, fields)
    unpacked = fields.get(_UNPACKED, 0)
    if fields.get(_TYPE) != _DICTIONARY:
        return 0
    if not length:
        return int(chunk.total_uncompressed_size)
    if not _SMALL < unpacked <= min(_LARGE, chunk.total_uncompressed_size):
        return min(unpacked, int(chunk.total_uncompressed_size))
    stream.seek(max(start, 0) + length)
    page = _unpacked(stream.read(fields.get(_PACKED, 0)), chunk.compression, unpacked)
    return unpacked if page is None else _longest_text(page)


def _page_header(head: bytes, place: int, fields: dict[int, int]) -> int:
    """Read the numbers of a structure in Thrift's compact protocol, those of structures inside left out.

    Returns
    -------
    int
        Where it ends; 0 where it is longer than `head` or holds what a page of repeated values does not.
    """
    number = 0
    try:
        while head[place]:
            number, kind = number + (head[place] >> 4), head[place] & 15
            place += 1
            if kind == _INTEGER:
                fields[number], place = _varint(head, place)
            elif kind == _STRUCTURE:
                place = _page_header(head, place, {})
                if not place:
                    return 0
            elif kind not in _TRUTHS:
                return 0
    except IndexError:
        return 0
    return place + 1


def _varint(head: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (head[place] & 127) << shift
        shift, place = shift + 7, place + 1
        if head[place - 1] < 128:
            return (value >> 1) ^ -(value & 1), place


def _unpacked(data: bytes, codec: str, size: int) -> bytes | None:
    """Unpack a page; None where it cannot be, for which the reader finds its own words."""
    import pyarrow as pa

    if codec == "UNCOMPRESSED":
        return data
    name = "lz4_raw" if codec.startswith("LZ4") else codec.lower()
    try:
        return bytes(pa.decompress(data, size, name, asbytes=True))
    except (pa.ArrowException, OSError, ValueError):
        return None


def _longest_text(page: bytes) -> int:
    """Return the bytes of the longest value in a page of lengths and values."""
    longest = place = 0
    while place + 4 <= len(page):
        (length,) = struct.unpack_from("<I", page, place)
        longest, place = max(longest, length), place + 4 + length
    return min(longest, len(page))
