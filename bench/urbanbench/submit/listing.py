"""The list at the front of a submission: its files with their hashes, and the rows they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench import __version__
from urbanbench.city.folder.limits import MAX_PACKED_BYTES, MIB
from urbanbench.city.packing.contents import Packed
from urbanbench.errors import DataCorrupt

__all__ = ["LIST_FILE", "PLUGINS", "RESULTS", "Listing", "read_listing"]

LIST_FILE = "urbanbench-submission.json"
"""The first file of the archive; beside it lie the two folders."""

RESULTS, PLUGINS = "results", "plugins"
"""Folder of the rows, laid out as any results folder; folder of the files of models and tasks that the rows were made by."""

_VERSION = 1
_MOST_BYTES = 16 * MIB
_SHA256 = re.compile("[0-9a-f]{64}")
_PLACES = re.compile(
    rf"{RESULTS}/[^/]+/[^/]+/([^/]+__[^/]+\.json|(predictions|tested)/[^/]+\.parquet)|{PLUGINS}/[^/]+\.py"
)
"""What a submission may hold."""


@dataclass(frozen=True)
class Listing:
    """What a submission says that it holds.

    Parameters
    ----------
    files
        Paths in the archive, with sizes and hashes.
    rows
        A fact sheet for each row: run_id, file, cell, status, main metric and its mean, what it was made with, what could not be told where it
        was packed.
    """

    files: Mapping[str, Packed]
    rows: Sequence[Mapping[str, Any]]

    def write(self) -> bytes:
        """Write the list; the same files give the same bytes."""
        files = {path: {"bytes": one.size, "sha256": one.sha256} for path, one in sorted(self.files.items())}
        told = {
            "urbanbench_submission": _VERSION,
            "urbanbench": __version__,
            "rows": list(self.rows),
            "files": files,
        }
        return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()

    def check_all(self, where: str, seen: Sequence[str]) -> None:
        """Make sure that no listed file was missing; raises `DataCorrupt` where one was."""
        missing = sorted(self.files.keys() - set(seen))
        if missing:
            msg = f"{where} lacks {missing[0]!r}, which its list has ({len(missing)} of {len(self.files)} files). Expected every listed file. Ask for it again."
            raise DataCorrupt(msg)


def read_listing(where: str, chunks: Iterator[bytes]) -> Listing:
    """Read the list from an archive.

    Raises
    ------
    DataCorrupt
        It is no such list, one of another version, or names files that no submission holds.
    """
    text = bytearray()
    for chunk in chunks:
        text += chunk
        if len(text) > _MOST_BYTES:
            raise _no_list(where, f"more than {_MOST_BYTES // MIB} MiB")
    try:
        told = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise _no_list(where, "no JSON") from error
    if not isinstance(told, dict) or told.get("urbanbench_submission") != _VERSION:
        raise _no_list(where, f"another version than {_VERSION}, or none")
    files, rows = told.get("files"), told.get("rows")
    if (
        not isinstance(files, dict)
        or not isinstance(rows, list)
        or not all(isinstance(one, dict) for one in rows)
    ):
        raise _no_list(where, "no files or no rows")
    return Listing({path: _entry(where, path, entry) for path, entry in files.items()}, rows)


def _entry(where: str, path: str, entry: Any) -> Packed:
    if not _PLACES.fullmatch(path):
        raise _no_list(where, f"{path[:100]!r}, which is no row, prediction or plugin")
    told = entry if isinstance(entry, dict) else {}
    size, sha256 = told.get("bytes"), str(told.get("sha256"))
    whole = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= MAX_PACKED_BYTES
    if not whole or not _SHA256.fullmatch(sha256):
        raise _no_list(where, f"no size and hash for {path[:100]!r}")
    return Packed(int(str(size)), sha256)


def _no_list(where: str, found: str) -> DataCorrupt:
    return DataCorrupt(
        f"{where}: expected its list {LIST_FILE} to hold rows and files with their hashes, found {found}. Only what `urbanbench submit` wrote can be checked."
    )
