"""What belongs to a file of vectors: an npy file alone has no ids, so a table of them lies beside it."""

from __future__ import annotations

from pathlib import Path

from urbanbench.hashing import file_digest, value_digest

__all__ = ["changed_ns", "ids_file", "vectors_digest"]


def ids_file(path: Path) -> Path:
    """Return the table of ids beside an npy file.

    Examples
    --------
    >>> ids_file(Path("vectors.npy")).name
    'vectors.ids.csv'
    """
    return path.with_suffix(".ids.csv")


def _parts(path: Path) -> list[Path]:
    beside = ids_file(path)
    return [path, beside] if path.suffix == ".npy" and beside.is_file() else [path]


def vectors_digest(path: Path) -> str:
    """Hash a file of vectors, of an npy file with its ids."""
    digests = [file_digest(part) for part in _parts(path)]
    return digests[0] if len(digests) == 1 else value_digest(digests)


def changed_ns(path: Path) -> int:
    """Return when a file of vectors, or its ids, changed last, in nanoseconds."""
    return max(part.stat().st_mtime_ns for part in _parts(path))
