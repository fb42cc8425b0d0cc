"""Names of files in an archive: plain ones inside a folder, that mean the same file on every system."""

from __future__ import annotations

import unicodedata

from urbanbench.city.folder.limits import MAX_DEPTH
from urbanbench.city.folder.paths import spelling_fault
from urbanbench.errors import DataCorrupt

__all__ = ["Names", "name_fault"]

_LONGEST, _LONGEST_PART = 1024, 240
"""Bytes of a whole name, and of a folder or file in it, that every file system takes."""

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""Names that Windows takes for devices, whatever stands behind a dot."""


def name_fault(name: str) -> str:
    """Say what is wrong with the name of a file that is to lie inside a folder; "" for a plain one.

    Examples
    --------
    >>> name_fault("labels/income.parquet"), name_fault("../x"), name_fault("C:x"), name_fault("a/./b")
    ('', "a path with '..'", 'an absolute path', "a path with '.' or two slashes")
    >>> name_fault("satellite/nul.png"), name_fault("c/a:b")
    ('a name of a device', 'a name with a colon')
    """
    fault = spelling_fault(name)
    if fault:
        return fault
    parts = name.split("/")
    if any(part in {"", "."} for part in parts):
        return "a path with '.' or two slashes"
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        return "a name with control characters"
    if ":" in name:
        return "a name with a colon"
    if any(part.endswith((" ", ".")) for part in parts):
        return "a name that ends with a blank or a dot"
    if any(part.partition(".")[0].rstrip().lower() in _DEVICES for part in parts):
        return "a name of a device"
    if len(parts) > MAX_DEPTH:
        return f"more than {MAX_DEPTH} folders inside one another"
    sizes = [len(part.encode()) for part in parts]
    return "a name that is too long" if max(sizes) > _LONGEST_PART or len(name.encode()) > _LONGEST else ""


class Names:
    """Names seen so far: no file twice, none that differ only in case or in how accents are written, no file that is a folder too.

    Parameters
    ----------
    where
        What holds the names, for errors.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> str:
        """Return a file's name after it was judged.

        Raises
        ------
        DataCorrupt
            It leads out of the folder, is not plain, or collides with another.
        """
        fault = name_fault(name) or self._clash(name)
        if fault:
            msg = f"{self._where} holds {name[:100]!r}, {fault}. Expected plain names inside of its folder, each once."
            raise DataCorrupt(msg)
        self._files.add(_key(name))
        return name

    def _clash(self, name: str) -> str:
        key = _key(name)
        if key in self._files:
            return "which another name of it means too, or means in other letters"
        if key in self._folders:
            return "which is a folder too"
        above = name.rpartition("/")[0]
        while above:
            if _key(above) in self._files:
                return "whose folder is a file too"
            if self._folders.setdefault(_key(above), above) != above:
                return "whose folder is written in other letters elsewhere"
            above = above.rpartition("/")[0]
        return ""


def _key(name: str) -> str:
    """Write a name as file systems compare it that know no case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
