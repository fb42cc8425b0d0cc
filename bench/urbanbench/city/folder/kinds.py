"""Kinds of columns, and the Arrow types that stand for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.city.folder.geo import GeoColumn
from urbanbench.city.folder.geoarrow import is_encoded
from urbanbench.city.folder.tag_forms import is_tags
from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ALSO", "ARROW", "EXPECTED", "as_text", "fits", "is_whole"]

EXPECTED = {
    "text": "text",
    "id": "text or integers",
    "number": "numbers",
    "integer": "integers",
    "group": "text or integers",
    "tags": "a map of text to text",
    "geometry": "WKB (binary)",
}
"""What a sentence says is expected of a kind."""

_TEXT = ("large_string", "string_view", "dictionary of text")
_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

ARROW = {
    "text": "string",
    "id": "string",
    "group": "string",
    "number": "double",
    "integer": "int32",
    "tags": "map<string, string>",
    "geometry": "binary",
}
"""The Arrow type that the project itself writes a kind as."""

ALSO = {
    "text": _TEXT,
    "id": (*_TEXT, *_WHOLE),
    "group": (*_TEXT, *_WHOLE),
    "number": ("halffloat", "float", *_WHOLE),
    "integer": tuple(one for one in _WHOLE if one != "int32"),
    "tags": ("struct of text", "list of struct<key, value>", "list of pairs of text", "string (JSON object)"),
    "geometry": ("large_binary",),
}
"""Further types that are read as a kind."""


def fits(kind: str, found: pa.DataType, geo: GeoColumn | None = None) -> bool:
    """Tell whether a type can be read as a kind of column.

    Parameters
    ----------
    kind
        Of `urbanbench.city.folder.columns.Column`.
    found
        The type in the file.
    geo
        What the file says of its geometry; WKB where it says nothing.
    """
    from pyarrow import types

    if kind == "tags":
        return is_tags(found)
    if kind == "geometry":
        stored = getattr(found, "storage_type", found)
        if geo is not None and geo.encoding != "WKB":
            return is_encoded(stored, geo.encoding)
        return bool(types.is_binary(stored) or types.is_large_binary(stored))
    if kind == "text":
        return is_text(found)
    if kind == "integer":
        return bool(types.is_integer(found))
    if kind in {"id", "group"}:
        return is_text(found) or is_whole(found)
    return bool(types.is_floating(found) or types.is_integer(found))


def is_whole(found: pa.DataType) -> bool:
    """Tell whether a type is integers; Parquet stores categories of integers as these."""
    from pyarrow import types

    return bool(types.is_integer(found))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text, or integers as their digits, as large strings.

    Raises
    ------
    pyarrow.ArrowException
        The column is neither.
    """
    import pyarrow as pa

    return column.cast(pa.large_string())
