"""Files written or read once, with their size and hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from urbanbench.city.packing.contents import Packed
from urbanbench.hashing import sha256_of

__all__ = ["hashed", "write_new"]


def hashed(path: Path) -> Packed:
    """Return the size and hash of a file."""
    return Packed(path.stat().st_size, sha256_of(path))


def write_new(path: Path, chunks: Iterable[bytes]) -> Packed:
    """Write a file that is not there yet, with the folders above it, and return its size and hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size, total = 0, hashlib.sha256()
    with path.open("xb") as stream:
        for chunk in chunks:
            stream.write(chunk)
            total.update(chunk)
            size += len(chunk)
    return Packed(size, total.hexdigest())
