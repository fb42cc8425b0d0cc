"""Rows that could not be written where they belong: kept elsewhere, and brought home by the next run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from urbanbench.errors import CannotWrite
from urbanbench.gathered.merge import merge
from urbanbench.hashing import short, value_digest
from urbanbench.home import cache_root
from urbanbench.progress import note
from urbanbench.result import RunResult
from urbanbench.store import ResultStore

__all__ = ["bring_home", "kept_aside"]


def kept_aside(result: RunResult, store: ResultStore) -> Path | None:
    """Write a row into the cache folder or the folder for temporary files, and return where; None where neither has room."""
    for folder in _places(store):
        try:
            ResultStore(folder).save(result)
        except CannotWrite:
            continue
        return folder
    return None


def bring_home(store: ResultStore) -> int:
    """Move rows that earlier runs kept aside into their folder, and return how many there were.

    Raises
    ------
    CannotWrite
        There still is no room for them.
    """
    brought = 0
    for folder in _places(store):
        if folder.is_dir():
            moved = merge([folder], store.folder)
            shutil.rmtree(folder, ignore_errors=True)
            brought += sum(one.became in {"copied", "replaced"} for one in moved)
    if brought:
        note(f"{brought} rows that an earlier run could not write are in {store.folder} now.")
    return brought


def _places(store: ResultStore) -> Iterator[Path]:
    """Return where rows of a results folder may be kept aside; the same places for every process and every later run."""
    name = f"{store.folder.name}-{short(value_digest(str(store.folder.absolute())))}"
    yield cache_root() / "unsaved" / name
    try:
        yield Path(tempfile.gettempdir()) / f"urbanbench-unsaved-{name}"
    except OSError:  # there is none
        return
