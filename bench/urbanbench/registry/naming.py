"""Names under which results are kept: of models, tasks and cities."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from urbanbench.errors import BadInput
from urbanbench.registry.cities import MANIFEST, city_names, city_path, known_folders, source_path
from urbanbench.registry.plugins import plugin_name

__all__ = ["plain_name"]


def plain_name(kind: str, word: str) -> str:
    """Return the name under which results of a word are kept.

    Registered names and words with a scheme keep their spelling; a plugin's or vectors' file has its stem. A city folder has the name
    in its city.json; where a registered city of another place has that name, its own; a folder of URBANBENCH_DATA always its own.

    Raises
    ------
    BadInput
        A file or folder whose names are those of something else that is registered.
    """
    return _city_name(word) if kind == "city" else plugin_name(kind, word)


def _city_name(word: str) -> str:
    path = city_path(word)
    file = source_path(word)
    if file is not None:
        return plugin_name("city", str(file)) + word.rpartition(".py")[2]
    if path is None:
        return word.replace("_", "-") if word.replace("_", "-") in city_names() else word
    folder = path.resolve()
    for name, known in known_folders().items():
        if known.resolve() == folder:
            return name
    told, taken = _told_name(folder), set(city_names())
    free = [name for name in (told, folder.name) if name not in taken]
    if not free:
        msg = (
            f"The city folder {word!r} would be kept under {told!r}, which is another city. Expected a name of its own. "
            f'Mend: give it one in its {MANIFEST}, "name": "NAME".'
        )
        raise BadInput(msg)
    return free[0]


def _told_name(folder: Path) -> str:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return folder.name
    return _read_name(manifest, manifest.stat().st_mtime_ns) or folder.name


@cache
def _read_name(manifest: Path, _mtime_ns: int) -> str:
    """Read the name without judging the rest; what is wrong with a folder is told when it is opened."""
    try:
        name = json.loads(manifest.read_text(encoding="utf-8-sig")).get("name", "")
    except (OSError, ValueError, RecursionError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""
