"""The list at the front of a packed city: every file with its size and hash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from urbanbench.city.folder.limits import MAX_PACK_LIST_BYTES, MAX_PACKED_BYTES, MIB
from urbanbench.city.folder.manifest import is_name
from urbanbench.errors import DataCorrupt

__all__ = ["LIST_FILE", "Contents", "Packed", "read_contents"]

LIST_FILE = "urbanbench-pack.json"
"""The first file of the archive; beside it lies the city's folder."""

_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Packed:
    """A file of a packed city: its size in bytes, and its sha256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What a packed city holds.

    Parameters
    ----------
    name
        The city's name, and that of its folder in the archive.
    files
        Paths in the city's folder and what lies there.
    """

    name: str
    files: Mapping[str, Packed]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files.values())

    def write(self) -> bytes:
        """Write the list, the same bytes for the same files."""
        files = {path: {"bytes": one.size, "sha256": one.sha256} for path, one in sorted(self.files.items())}
        told = {"urbanbench_pack": _VERSION, "name": self.name, "files": files}
        return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()

    def place(self, where: str, member: str) -> str:
        """Return the path in the city's folder of a file of the archive.

        Raises
        ------
        DataCorrupt
            The list does not have it.
        """
        folder, _, path = member.partition("/")
        if folder != self.name or path not in self.files:
            msg = f"{where} holds {member[:100]!r}, which its list {LIST_FILE} does not have. Expected the listed files alone. Fetch it again, or pack the city again."
            raise DataCorrupt(msg)
        return path

    def check_all(self, where: str, seen: Iterable[str]) -> None:
        """Make sure that no listed file was missing.

        Raises
        ------
        DataCorrupt
            One was.
        """
        missing = sorted(self.files.keys() - set(seen))
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            msg = f"{where} lacks {missing[0]!r}{more}, which its list {LIST_FILE} has. Expected every listed file. Fetch it again, or pack the city again."
            raise DataCorrupt(msg)


def read_contents(where: str, chunks: Iterator[bytes]) -> Contents:
    """Read the list from an archive.

    Parameters
    ----------
    where
        The archive's name, for errors.
    chunks
        The list's bytes.

    Raises
    ------
    DataCorrupt
        It is no such list, or one of another version.
    """
    text = bytearray()
    for chunk in chunks:
        text += chunk
        if len(text) > MAX_PACK_LIST_BYTES:
            msg = f"{where}: expected a list {LIST_FILE} of at most {MAX_PACK_LIST_BYTES // MIB} MiB, found a longer one."
            raise DataCorrupt(msg)
    try:
        told = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise _no_list(where, "no JSON") from error
    if not isinstance(told, dict) or told.get("urbanbench_pack") != _VERSION:
        raise _no_list(where, f"another version than {_VERSION}, or none")
    name, files = told.get("name"), told.get("files")
    if not isinstance(name, str) or not is_name(name):
        raise _no_list(where, "no name of a city")
    if not isinstance(files, dict) or "city.json" not in files:
        raise _no_list(where, "no city.json among its files")
    return Contents(name, {path: _entry(where, path, entry) for path, entry in files.items()})


def _entry(where: str, path: str, entry: Any) -> Packed:
    told = entry if isinstance(entry, dict) else {}
    size, sha256 = told.get("bytes"), told.get("sha256")
    whole = isinstance(size, int) and not isinstance(size, bool)
    if not whole or not 0 <= int(size or 0) <= MAX_PACKED_BYTES or not _SHA256.fullmatch(str(sha256)):
        raise _no_list(where, f"no size and hash for {path[:100]!r}")
    return Packed(int(size or 0), str(sha256))


def _no_list(where: str, found: str) -> DataCorrupt:
    return DataCorrupt(
        f"{where}: expected its list {LIST_FILE} to hold a city's files with their hashes, found {found}. Only what `urbanbench data pack` wrote can be unpacked."
    )
