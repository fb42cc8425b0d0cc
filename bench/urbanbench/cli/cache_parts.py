"""What lies in the cache beside embeddings: features of frozen encoders, trained stages, what models learned for other cities, weights put together from packages, readings of floors, what other machines sent."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARTS", "CachePart", "cache_parts", "has_part", "prune_parts"]

PARTS = {
    "features": "feature tables",
    "training": "trained stages",
    "learned": "learned states",
    "weights": "encoders from packages",
    "readings": "readings of floors",
    "shipped": "cities and files from other machines",
}
"""Folders below the cache's, each with one file or folder per part, and what a part is called."""


@dataclass(frozen=True)
class CachePart:
    """A file of features, or the folder of one training's checkpoints.

    Parameters
    ----------
    kind
        One of `PARTS`.
    path
        Where it is.
    size_bytes
        Of all its files.
    stored
        Seconds since 1970 when the newest of them was written.
    """

    kind: str
    path: Path
    size_bytes: int
    stored: float

    def remove(self) -> None:
        """Delete it."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


def has_part(root: Path, kind: str, digest: str) -> bool:
    """Tell whether a part of a kind lies below a cache folder under a digest."""
    return any(part.path.stem == digest for part in cache_parts(root, kind))


def cache_parts(root: Path, kind: str) -> list[CachePart]:
    """Return the parts of a kind below a cache folder, newest first; locks and half-written files are none.

    Parameters
    ----------
    root
        The cache folder.
    kind
        One of `PARTS`.
    """
    folder = root / kind
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [_part(kind, path) for path in paths if path.suffix != ".lock" and not path.name.startswith(".")]
    return sorted(found, key=lambda part: -part.stored)


def prune_parts(parts: list[CachePart], *, older_than_days: float, keep_gb: float | None) -> list[CachePart]:
    """Delete parts as `urbanbench.cache.EmbeddingCache.prune` deletes embeddings, and return them.

    Parameters
    ----------
    parts
        Newest first.
    older_than_days
        Only those stored longer ago than this.
    keep_gb
        Keep the newest up to this size in 10^9 bytes; None: keep nothing that is old enough.
    """
    limit, kept, gone = time.time() - older_than_days * 86_400, 0, []
    for part in parts:
        kept += part.size_bytes
        if part.stored <= limit and (keep_gb is None or kept > keep_gb * 1e9):
            part.remove()
            gone.append(part)
    return gone


def _part(kind: str, path: Path) -> CachePart:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    told = [one.stat() for one in (files or [path])]
    size = sum(one.st_size for one in told) if files else 0
    return CachePart(kind, path, size, max(one.st_mtime for one in told))
