"""Where things live on this machine: the cache folder and the folders that hold cities."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CACHE_VARIABLE", "DATA_VARIABLE", "cache_root", "data_roots"]

CACHE_VARIABLE = "URBANBENCH_CACHE"
DATA_VARIABLE = "URBANBENCH_DATA"


def cache_root() -> Path:
    """Return the folder for built cities and embeddings: URBANBENCH_CACHE, else ``~/.cache/urbanbench``."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "urbanbench"


def data_roots() -> tuple[Path, ...]:
    """Return the folders of URBANBENCH_DATA (one, or several with the system's path separator); each holds city folders."""
    words = os.environ.get(DATA_VARIABLE, "").split(os.pathsep)
    return tuple(Path(word).expanduser().absolute() for word in words if word)
