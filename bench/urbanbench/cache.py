"""Embedding cache: vectors on disk by the content of everything they were made from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import remove_leftovers, swept, write_text
from urbanbench.errors import BadInput
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root
from urbanbench.locks import forget_locks, locked
from urbanbench.progress import note

if TYPE_CHECKING:
    from urbanbench.space import EmbeddingSpace

__all__ = ["CacheEntry", "EmbeddingCache", "EmbeddingKey", "differences", "sweep_cache"]

_ROOMS = ("embeddings", "training", "features", "learned", "readings", "pixels", "weights", "cities")
"""Folders below the cache's that files are written into."""
_DEEP = ("training", "features")
"""Those that have folders for what belongs together."""


@dataclass(frozen=True)
class EmbeddingKey:
    """What an embedding depends on, part by part.

    Parameters
    ----------
    parts
        JSON-like: model, code, parameters, variant, view, units, model_seed, packages, device.
    label
        What it is for people, for example "urbanmfm · singapore"; not part of the digest.
    """

    parts: Mapping[str, Any]
    label: str = ""

    @property
    def digest(self) -> str:
        """Hash of all parts."""
        return value_digest(dict(self.parts))


@dataclass(frozen=True)
class CacheEntry:
    """One stored embedding.

    Parameters
    ----------
    digest
        Of its key.
    key
        What it was made from.
    facts
        What the run recorded when it was made: touched inputs, seconds, memory, shape.
    stored
        Seconds since 1970.
    size_bytes
        Size of the vectors' file.
    """

    digest: str
    key: EmbeddingKey
    facts: Mapping[str, Any] = field(default_factory=dict)
    stored: float = 0.0
    size_bytes: int = 0


class EmbeddingCache:
    """Embeddings under ``<cache>/embeddings``: ``<digest>.safetensors`` and beside it ``<digest>.json`` with the key's parts.

    The JSON file is written last and holds the hash of the vectors, so an entry is whole or does not count.

    Parameters
    ----------
    folder
        Where entries are kept; ``<URBANBENCH_CACHE>/embeddings`` when left out.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = cache_root() / "embeddings" if folder is None else Path(folder)

    def get(self, key: EmbeddingKey) -> tuple[EmbeddingSpace, Mapping[str, Any]] | None:
        """Return the vectors and their facts; None where there is no whole entry, and a word on stderr where there is a damaged one."""
        from urbanbench.errors import DataMissing
        from urbanbench.space import EmbeddingSpace

        described = self.folder / f"{key.digest}.json"
        sidecar = self._read(described)
        if sidecar is None:
            if described.exists():
                self._say_damaged(key, "its description cannot be read")
            return None
        try:
            space = EmbeddingSpace.load(self._vectors(key.digest))
        except DataMissing:  # another process prunes the cache
            return None
        except (BadInput, OSError) as error:
            self._say_damaged(key, str(error))
            return None
        if space.digest() != sidecar["vectors_digest"]:
            self._say_damaged(key, "its vectors are not those that were stored")
            return None
        return space, sidecar["facts"]

    def _say_damaged(self, key: EmbeddingKey, why: str) -> None:
        where = f"Vectors of {key.label or key.digest[:10]} in {str(self.folder)!r}"
        note(f"{where} cannot be used and are made again: {why}")

    def holds(self, digest: str) -> bool:
        """Tell whether an entry of a key's digest lies here, without reading its vectors."""
        return (self.folder / f"{digest}.json").is_file() and self._vectors(digest).is_file()

    def put(self, key: EmbeddingKey, space: EmbeddingSpace, facts: Mapping[str, Any]) -> None:
        """Store vectors and what is known of how they were made; call it while holding the key's lock."""
        vectors, described = self._vectors(key.digest), self.folder / f"{key.digest}.json"
        remove_leftovers(vectors, described)
        space.save(vectors)
        sidecar = {
            "digest": key.digest,
            "label": key.label,
            "parts": dict(key.parts),
            "facts": dict(facts),
            "vectors_digest": space.digest(),
            "stored": time.time(),
            "size_bytes": vectors.stat().st_size,
        }
        write_text(described, json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n")

    @contextmanager
    def lock(self, key: EmbeddingKey) -> Iterator[None]:
        """Wait until no other process computes this embedding, and keep others waiting during the block."""
        with locked(self.folder / f"{key.digest}.lock", needed=False):
            yield

    def entries(self) -> list[CacheEntry]:
        """Return all entries, newest first."""
        found = [one for path in sorted(self.folder.glob("*.json")) if (one := self._read(path)) is not None]
        return sorted(map(_entry, found), key=lambda entry: -entry.stored)

    def nearest(self, key: EmbeddingKey) -> CacheEntry | None:
        """Return the entry of the same model that differs in the fewest parts; the newest of equals."""
        same = [entry for entry in self.entries() if entry.key.parts.get("model") == key.parts.get("model")]
        return min(same, key=lambda entry: len(differences(entry.key, key)), default=None)

    def remove(self, entry: CacheEntry) -> None:
        """Delete an entry, its JSON first, so that no half entry can be read."""
        for suffix in (".json", ".safetensors"):
            (self.folder / f"{entry.digest}{suffix}").unlink(missing_ok=True)

    def prune(self, *, older_than_days: float = 0.0, keep_gb: float | None = None) -> list[CacheEntry]:
        """Delete entries and return them.

        Parameters
        ----------
        older_than_days
            Only entries stored longer ago than this.
        keep_gb
            Keep the newest entries up to this size in 10^9 bytes; None: keep nothing that is old enough.
        """
        limit, kept, gone = time.time() - older_than_days * 86_400, 0, []
        for entry in self.entries():
            kept += entry.size_bytes
            if entry.stored <= limit and (keep_gb is None or kept > keep_gb * 1e9):
                self.remove(entry)
                gone.append(entry)
        return gone

    def _vectors(self, digest: str) -> Path:
        return self.folder / f"{digest}.safetensors"

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            sidecar = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(sidecar, dict) and {"digest", "parts", "facts", "vectors_digest", "stored"} <= set(
            sidecar
        )
        return sidecar if whole else None


def sweep_cache(root: Path) -> int:
    """Remove what killed processes left below a cache folder, and locks that nobody holds; return how many temporary files there were."""
    rooms = [root / room for room in _ROOMS]
    inner = [
        one
        for room in rooms
        if room.name in _DEEP and room.is_dir()
        for one in room.iterdir()
        if one.is_dir()
    ]
    for folder in (*rooms, *inner):
        forget_locks(folder)
    return swept(*rooms, *inner)


def differences(old: EmbeddingKey, new: EmbeddingKey) -> dict[str, tuple[Any, Any]]:
    """Return the parts in which two keys differ, as part to (old, new); parameters and packages one by one."""
    before, after = _flat(old.parts), _flat(new.parts)
    return {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def _flat(parts: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in parts.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat


def _entry(sidecar: Mapping[str, Any]) -> CacheEntry:
    key = EmbeddingKey(sidecar["parts"], sidecar.get("label", ""))
    return CacheEntry(
        sidecar["digest"], key, sidecar["facts"], float(sidecar["stored"]), int(sidecar.get("size_bytes", 0))
    )
