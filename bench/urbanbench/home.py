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
    "told_from",
    "told_place",
]

CACHE_VARIABLE = "URBANBENCH_CACHE"
DATA_VARIABLE = "URBANBENCH_DATA"
CACHE_MEND = f"name another folder with {CACHE_VARIABLE}=/path"
"""What to do where the cache cannot be written."""
_IN_CACHE = "cache:"


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


def told_from(place: Path, folder: Path) -> str:
    """Return how a place is written down in a folder, so that it is found where both are moved: from that folder, or from the cache for what lies in it.

    What urbanbench has made of a city, such as its merged form, lies in the cache; where a machine keeps that is nobody's business.

    Parameters
    ----------
    place
        A resolved path.
    folder
        Where it is written down.
    """
    cache = cache_root().resolve()
    if place.is_relative_to(cache):
        return _IN_CACHE + place.relative_to(cache).as_posix()
    try:
        return Path(os.path.relpath(place, folder.absolute().resolve())).as_posix()
    except ValueError:  # another drive
        return place.as_posix()


def told_place(told: str, folder: Path) -> Path:
    """Return the place that `told_from` wrote down in a folder."""
    if told.startswith(_IN_CACHE):
        return cache_root() / told.removeprefix(_IN_CACHE)
    return folder / told


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
