"""Vectors on their way: files of the cache that hold what a model made, as one bundle, and back into the cache of another machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import replacing
from urbanbench.cache import EmbeddingCache, EmbeddingKey
from urbanbench.errors import DataCorrupt
from urbanbench.home import cache_root
from urbanbench.run.executors.bundle import bundled, unbundled

if TYPE_CHECKING:
    from urbanbench.space import EmbeddingSpace

__all__ = ["NotingCache", "carried", "files_of", "lacking", "put_down"]

_NAME = re.compile(r"embeddings/[0-9a-f]{32}\.(json|safetensors)|learned/[0-9a-f]{32}\.safetensors")
"""What may be carried; the name leads to no other folder."""


class NotingCache(EmbeddingCache):
    """The cache of embeddings, which remembers whose were asked for and found, or made."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: dict[str, None] = {}

    def get(self, key: EmbeddingKey) -> tuple[EmbeddingSpace, Mapping[str, Any]] | None:
        """Return the vectors and their facts, and note them."""
        found = super().get(key)
        if found is not None:
            self._note(key)
        return found

    def put(self, key: EmbeddingKey, space: EmbeddingSpace, facts: Mapping[str, Any]) -> None:
        """Store vectors, and note them."""
        super().put(key, space, facts)
        self._note(key)

    def _note(self, key: EmbeddingKey) -> None:
        learned = key.parts.get("learned")
        names = files_of(key) + ([f"learned/{learned}.safetensors"] if learned else [])
        self.noted |= dict.fromkeys(names)


def files_of(key: EmbeddingKey) -> list[str]:
    """Name the files of an embedding below the cache's folder; the one that makes it whole comes last."""
    return [f"embeddings/{key.digest}.safetensors", f"embeddings/{key.digest}.json"]


def lacking(names: Iterable[str]) -> list[str]:
    """Return which of the files the cache of this machine does not have."""
    root = cache_root()
    return [name for name in names if not (root / name).is_file()]


def carried(names: Iterable[str]) -> bytes:
    """Return files of the cache as one bundle; b"" where one of them is not there."""
    root = cache_root()
    try:
        return bundled({name: (root / name).read_bytes() for name in names})
    except OSError:
        return b""


def put_down(piece: bytes) -> list[str]:
    """Put what `carried` gave into the cache of this machine, and return the names.

    Raises
    ------
    DataCorrupt
        It is no such bundle, or holds what is no part of a cache.
    CannotWrite
        The system refuses.
    """
    files = unbundled(piece)
    root = cache_root()
    for name, content in files.items():
        if not _NAME.fullmatch(name):
            msg = f"A bundle of vectors holds {name[:100]!r}. Expected files of embeddings alone."
            raise DataCorrupt(msg)
        _write(root / name, content)
    return list(files)


def _write(path: Path, content: bytes) -> None:
    if not path.is_file():
        with replacing(path) as part:
            part.write_bytes(content)
