"""An archive as a city folder again: every file as its list says, checked as any folder is, or nothing at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from urbanbench.city.faults.check import check_report
from urbanbench.city.folder.manifest import read_manifest
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.city.packing.contents import LIST_FILE, Contents, read_contents
from urbanbench.city.packing.licences import licence_lines
from urbanbench.city.packing.reading import Member, members
from urbanbench.city.packing.written import write_new
from urbanbench.errors import CannotWrite, CityFaults, DataCorrupt, DataMissing
from urbanbench.progress import tracking

__all__ = ["Unpacked", "extract", "unpack"]


@dataclass(frozen=True)
class Unpacked:
    """An unpacked city.

    Parameters
    ----------
    folder, contents
        Where it lies and what it holds.
    licences, notes
        As `licence_lines`; as the check of a city tells.
    """

    folder: Path
    contents: Contents
    licences: tuple[str, ...]
    notes: tuple[str, ...]


def unpack(archive: Path, to: Path | None = None) -> Unpacked:
    """Unpack what `pack` wrote, whole or not at all.

    Parameters
    ----------
    archive
        A ``.tar.zst`` or ``.zip`` file.
    to
        The folder to make, new or empty; the city's name here when left out.

    Raises
    ------
    DataMissing
        No such file.
    DataCorrupt
        It is damaged, holds what a city's archive does not, or other bytes than its list says.
    CityFaults
        The city in it has faults.
    BadInput
        The folder exists and is not empty.
    CannotWrite
        The disk has no room.
    """
    if not archive.is_file():
        msg = f"No file {str(archive)!r}. Expected an archive that `urbanbench data pack` wrote. Check the path."
        raise DataMissing(msg)
    found = members(archive)
    try:
        contents = _list(archive.name, found)
        return _unpacked(archive, contents, found, to if to is not None else Path(contents.name))
    finally:
        found.close()


def _list(where: str, found: Iterator[Member]) -> Contents:
    first = next(found, None)
    if first is None or first.name != LIST_FILE:
        msg = f"{where}: expected {LIST_FILE} as its first file, found {'no file' if first is None else repr(first.name[:100])}. Only what `urbanbench data pack` wrote can be unpacked."
        raise DataCorrupt(msg)
    return read_contents(where, first.chunks())


def _unpacked(archive: Path, contents: Contents, found: Iterator[Member], folder: Path) -> Unpacked:
    with new_folder(folder, option="--to", empty_may_be=True) as part:
        _check_room(part, contents.size)
        _write(archive.name, contents, found, part)
        report = check_report(part)
        manifest, _ = read_manifest(part)
        if report.faults or manifest is None:
            raise CityFaults(archive.name, report.faults)
    return Unpacked(folder, contents, tuple(licence_lines(manifest)), report.notes)


def _check_room(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < size:
        raise CannotWrite(folder.parent, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def _write(where: str, contents: Contents, found: Iterator[Member], part: Path) -> None:
    seen = []
    with tracking(f"unpack {contents.name}", len(contents.files)) as bar:
        for member in found:
            path = contents.place(where, member.name)
            if write_new(part / path, member.chunks()) != contents.files[path]:
                msg = f"{where}: {path!r} has other bytes than its list {LIST_FILE} says. Expected its sha256 {contents.files[path].sha256[:16]}…. Fetch it again."
                raise DataCorrupt(msg)
            seen.append(path)
            bar.advance()
    contents.check_all(where, seen)


def extract(archive: Path, folder: Path) -> list[str]:
    """Write the files of anybody's archive into a folder, as guarded as `unpack` but without a list.

    Parameters
    ----------
    archive
        A ``.zip``, ``.tar``, ``.tar.gz`` or ``.tar.zst`` file.
    folder
        A folder that is empty or not there.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    DataCorrupt
        As `urbanbench.city.packing.reading.members`.
    """
    written = []
    for member in members(archive):
        write_new(folder / member.name, member.chunks())
        written.append(member.name)
    return written
