"""Paths written in a city folder: relative, inside the folder, without surprises."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

__all__ = ["NO_FILE", "folder_fault", "last_part", "path_fault", "path_faults", "spelling_fault"]

NO_FILE = "no such file"


def folder_fault(folder: Path) -> str:
    """Say what is wrong with the path of a city folder itself; "" when it is a folder that can be listed."""
    try:
        os.listdir(folder)  # noqa: PTH208 - the names are not wanted, only whether there are any to see
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    except (OSError, ValueError) as error:
        return f"one that cannot be read ({getattr(error, 'strerror', '') or error})"
    return ""


def last_part(path: Path) -> str:
    """Return the name of what a path means, for sentences: that of the folder one stands in for ``.``.

    Examples
    --------
    >>> last_part(Path("maps/town.pmtiles")), last_part(Path("maps/town/.."))
    ('town.pmtiles', 'maps')
    """
    return os.path.basename(os.path.abspath(path)) or str(path)  # noqa: PTH100, PTH119 - links keep their names


def path_fault(folder: Path, relative: str) -> str:
    """Say what is wrong with a path that a city folder names; "" when it is a file inside the folder.

    Parameters
    ----------
    folder
        The city folder.
    relative
        The path as written, with forward slashes.

    Returns
    -------
    str
        What was found instead of a file inside the folder, as the end of a sentence.
    """
    return path_faults(folder, [relative])[0]


def path_faults(folder: Path, relatives: Iterable[str]) -> list[str]:
    """Say the same of many paths; every folder among them is resolved once."""
    root = os.path.realpath(folder)
    parents: dict[str, str] = {}
    return [spelling_fault(relative) or _place_fault(root, relative, parents) for relative in relatives]


def spelling_fault(relative: str) -> str:
    """Say what is wrong with the spelling alone of a path inside a folder; "" for nothing."""
    if not relative.strip():
        return "an empty path"
    if not _is_unicode(relative):
        return "a path with half characters"
    if "\0" in relative or "\\" in relative:
        return "a path with a backslash or a zero byte"
    if relative.startswith(("/", "~")) or ":" in relative.partition("/")[0]:
        return "an absolute path"
    if ".." in PurePosixPath(relative).parts:
        return "a path with '..'"
    return ""


def _place_fault(root: str, relative: str, parents: dict[str, str]) -> str:
    head = relative.rpartition("/")[0]
    if head not in parents:
        parents[head] = os.path.realpath(f"{root}/{head}")
    if not _inside(parents[head], root):
        return "a path that leads out of the folder through a link"
    target = f"{root}/{relative}"
    try:
        mode = os.lstat(target).st_mode
        if stat.S_ISLNK(mode):
            if not _inside(os.path.realpath(target), root):
                return "a link that leads out of the folder"
            mode = os.stat(target).st_mode  # noqa: PTH116 - one call among many thousand
    except PermissionError:
        return "a file that may not be read"
    except (OSError, ValueError):
        return NO_FILE
    return "" if stat.S_ISREG(mode) else "something that is not a file"


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
