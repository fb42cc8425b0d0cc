"""Where things live on this machine: the cache folder and the folders that hold cities."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

__all__ = [
    "CACHE_MEND",
    "CACHE_VARIABLE",
    "DATA_VARIABLE",
    "cache_in",
    "cache_root",
    "data_roots",
    "fresh_cache",
]

CACHE_VARIABLE = "URBANBENCH_CACHE"
DATA_VARIABLE = "URBANBENCH_DATA"
CACHE_MEND = f"name another folder with {CACHE_VARIABLE}=/path"
"""What to do where the cache cannot be written."""


_fresh: ContextVar[Path | None] = ContextVar("fresh cache folder", default=None)


def cache_root() -> Path:
    """Return the folder for built cities, embeddings and trained stages: URBANBENCH_CACHE, else ``~/.cache/urbanbench``."""
    fresh = _fresh.get()
    if fresh is not None:
        return fresh
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "urbanbench"


def data_roots() -> tuple[Path, ...]:
    """Return the folders of URBANBENCH_DATA (one, or several with the system's path separator); each holds city folders."""
    words = os.environ.get(DATA_VARIABLE, "").split(os.pathsep)
    return tuple(Path(word).expanduser().absolute() for word in words if word)


@contextmanager
def fresh_cache() -> Iterator[Path]:
    """Use an empty cache folder inside the block, which is removed after it: nothing computed before is found."""
    with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder, cache_in(Path(folder)):
        yield Path(folder)


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Use another cache folder inside the block, in processes started there as well; it keeps what was computed."""
    token, before = _fresh.set(folder.absolute()), os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder.absolute())
    try:
        yield
    finally:
        _fresh.reset(token)
        if before is None:
            del os.environ[CACHE_VARIABLE]
        else:
            os.environ[CACHE_VARIABLE] = before
