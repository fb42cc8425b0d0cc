"""What lies in the cache beside embeddings: features of frozen encoders, trained stages, what models learned for other cities, weights put together from packages, readings of floors, decoded pictures, environments of plugins, what other machines sent; built cities, downloads, and rows kept aside."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from urbanbench.errors import BadInput
from urbanbench.isolated.environment import FOLDER

__all__ = ["GUESTS", "PARTS", "CachePart", "cache_parts", "check_clock", "has_part", "prune_parts"]

PARTS = {
    "features": "feature tables",
    "training": "trained stages",
    "learned": "learned states",
    "weights": "encoders from packages",
    "readings": "readings of floors",
    "shipped": "cities and files from other machines",
    "pixels": "stores of decoded pictures",
    FOLDER: "environments",
}
"""Folders below the cache's, each with one file or folder per part, and what a part is called."""

GUESTS = {
    "cities": "built cities",
    "downloads": "folders of downloads",
    "unsaved": "folders of rows that wait for room where they belong",
}
"""The same of what is removed only where that is asked for."""


@dataclass(frozen=True)
class CachePart:
    """A file of features, or the folder of one training's checkpoints.

    Parameters
    ----------
    kind
        One of `PARTS` or `GUESTS`.
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
        One of `PARTS` or `GUESTS`.
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
    files = [path] if path.is_file() else [one for one in path.rglob("*") if not one.is_dir()]
    told = [found for one in (files or [path]) if (found := _stat(one)) is not None]
    size = sum(_bytes_of(one) for one in told) if files else 0
    return CachePart(kind, path, size, max((one.st_mtime for one in told), default=0.0))


def _stat(path: Path) -> os.stat_result | None:
    """Look at a file, or at a link itself (an environment has one to its Python); None where another process has removed it."""
    try:
        return path.lstat()
    except OSError:
        return None


def _bytes_of(found: os.stat_result) -> int:
    """Return what a file takes of the disk, at most its length: a store of pictures is as long as all of them from its beginning."""
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else min(found.st_size, 512 * int(blocks))


def check_clock(stored: Iterable[float], older_than_days: float) -> None:
    """Refuse an age that all of the cache has: most often the clock has jumped.

    Parameters
    ----------
    stored
        Seconds since 1970 at which things were kept.
    older_than_days
        What is asked for; 0 asks for all of it and is never refused.

    Raises
    ------
    BadInput
        The newest thing is older.
    """
    dates = list(stored)
    if not dates or not older_than_days or max(dates) > time.time() - older_than_days * 86_400:
        return
    newest, now = (datetime.fromtimestamp(one, UTC).date().isoformat() for one in (max(dates), time.time()))
    msg = (
        f"--older-than {older_than_days:g} would remove all {len(dates)} things that are kept: the newest is of {newest}, and this machine's clock says {now}. "
        "Expected a clock that is right, and an age that some are below. If all shall go: urbanbench cache prune"
    )
    raise BadInput(msg)
