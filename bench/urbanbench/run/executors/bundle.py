"""Several files as one piece of bytes: a line that says what it is, a list of names and sizes as JSON, and their bytes one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping

from urbanbench.errors import DataCorrupt

__all__ = ["bundled", "unbundled"]

_HEAD = b"urbanbench bundle 1\n"
_LENGTH = 8


def bundled(files: Mapping[str, bytes]) -> bytes:
    """Write files as one piece.

    Examples
    --------
    >>> unbundled(bundled({"a": b"1", "b/c": b""}))
    {'a': b'1', 'b/c': b''}
    """
    told = json.dumps([[name, len(content)] for name, content in files.items()]).encode()
    return b"".join([_HEAD, len(told).to_bytes(_LENGTH, "big"), told, *files.values()])


def unbundled(piece: bytes) -> dict[str, bytes]:
    """Read what `bundled` wrote.

    Raises
    ------
    DataCorrupt
        It is something else, or cut short.
    """
    start = len(_HEAD) + _LENGTH
    length = int.from_bytes(piece[len(_HEAD) : start], "big")
    try:
        told = json.loads(piece[start : start + length])
        sizes = [(str(name), int(size)) for name, size in told]
    except (ValueError, TypeError) as error:
        raise _corrupt() from error
    whole = start + length + sum(size for _, size in sizes)
    if not piece.startswith(_HEAD) or len(piece) != whole or any(size < 0 for _, size in sizes):
        raise _corrupt()
    files, at = {}, start + length
    for name, size in sizes:
        files[name] = bytes(piece[at : at + size])
        at += size
    return files


def _corrupt() -> DataCorrupt:
    return DataCorrupt(
        "What came from another machine is no bundle of files, or was cut short. Expected all its bytes. Run the same command again."
    )
