"""Plugins of this session: classes that no plugin file holds, such as those of a notebook, by the word ``here:NAME``."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

from urbanbench.errors import UnknownName

__all__ = ["SCHEME", "is_live", "live_class", "live_file", "live_word"]

SCHEME = "here:"

_known: dict[tuple[str, str], type] = {}
_files: dict[type, Path] = {}


def is_live(word: str) -> bool:
    """Tell whether a word names a class of this session."""
    return word.startswith(SCHEME)


def live_word(kind: str, plugin: type) -> str:
    """Remember a class under its name and return the word for it; a class of the same name that was remembered before is replaced.

    Parameters
    ----------
    kind
        "model" or "task".
    plugin
        The class.
    """
    word = f"{SCHEME}{plugin.__name__}"
    _known[kind, word] = plugin
    return word


def live_class(kind: str, word: str) -> type:
    """Return the class that a word names.

    Raises
    ------
    UnknownName
        This process has none; another one, as of several jobs, does not know the classes of the first.
    """
    if (kind, word) not in _known:
        known = [name for one, name in _known if one == kind]
        mend = "Classes of a notebook are known in its own process only: write the class into a file, and give the path."
        raise UnknownName(kind, word, known, mend)
    return _known[kind, word]


def live_file(plugin: type) -> Path | None:
    """Return a file that stands for a class of this session, or None for any other class.

    Nobody can tell from outside what such a class uses, so each stands for itself: no two have the same file, and nothing of them is kept.
    """
    if plugin not in _known.values():
        return None
    if plugin not in _files:
        _files[plugin] = _folder() / f"{plugin.__name__}_{len(_files)}.py"
        _files[plugin].write_text(f'CLASS = "{uuid.uuid4()}"\n', encoding="utf-8")
    return _files[plugin]


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="urbanbench-here-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
