"""A city folder as one file: sorted, without times and owners, so that the same folder gives the same bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from urbanbench.atomic import replacing
from urbanbench.city.faults.check import check_report
from urbanbench.city.folder.limits import MAX_PACKED_FILES
from urbanbench.city.folder.manifest import Manifest, read_manifest
from urbanbench.city.folder.paths import path_faults
from urbanbench.city.packing.contents import LIST_FILE, Contents
from urbanbench.city.packing.licences import licence_lines
from urbanbench.city.packing.names import Names
from urbanbench.city.packing.written import hashed
from urbanbench.errors import BadInput, CityFaults, DataCorrupt
from urbanbench.hashing import sha256_of
from urbanbench.progress import tracking

__all__ = ["SUFFIXES", "Pack", "Sink", "pack", "sink"]

SUFFIXES = (".tar.zst", ".zip")
_TOP_MODE = 0o644
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Pack:
    """A packed city.

    Parameters
    ----------
    file, sha256, size
        The archive, its hash and its bytes.
    contents
        What it holds.
    hidden
        How many files whose names begin with a dot were left out.
    licences
        As `licence_lines`.
    """

    file: Path
    sha256: str
    size: int
    contents: Contents
    hidden: int
    licences: tuple[str, ...]


class Sink(Protocol):
    """An archive that is being written."""

    def add(self, name: str, size: int, stream: IO[bytes]) -> None:
        """Write a file."""


def pack(folder: Path, out: Path | None = None) -> Pack:
    """Write a city folder as one archive.

    Pictures and tables are compressed already: a ``.zip`` stores all files as they are, a ``.tar.zst`` runs through zstd, which leaves alone what
    does not shrink. Files and folders whose names begin with a dot are left out; links to files inside the folder become files.

    Parameters
    ----------
    folder
        The city folder.
    out
        The new file, ``.tar.zst`` or ``.zip``; ``NAME.tar.zst`` here when left out.

    Raises
    ------
    CityFaults
        The city has faults.
    BadInput
        The file exists or has another suffix; the folder holds what cannot be packed.
    CannotWrite
        The system refuses.
    """
    manifest = _sound(folder)
    out = out if out is not None else Path(f"{manifest.name}{SUFFIXES[0]}")
    _check_out(folder, out)
    paths, hidden = _listed(folder)
    files = {}
    with tracking(f"pack {manifest.name}", 2 * len(paths)) as bar:
        for path in paths:
            files[path] = hashed(folder / path)
            bar.advance()
        contents = Contents(manifest.name, files)
        with replacing(out) as part, sink(out, part) as target:
            _write(folder, contents, target, bar)
    return Pack(out, sha256_of(out), out.stat().st_size, contents, hidden, tuple(licence_lines(manifest)))


def _sound(folder: Path) -> Manifest:
    faults = check_report(folder).faults
    if faults:
        raise CityFaults(str(folder), faults)
    manifest, _ = read_manifest(folder.absolute())
    if manifest is None:  # it could be read a moment ago
        msg = f"{folder}/city.json changed while it was packed. Expected a folder that nobody writes to. Pack it again."
        raise DataCorrupt(msg)
    return manifest


def _check_out(folder: Path, out: Path) -> None:
    if not out.name.endswith(SUFFIXES):
        msg = f"-o got {out.name!r}. Expected a name that ends with {' or '.join(SUFFIXES)}."
        raise BadInput(msg)
    if os.path.lexists(out):
        msg = f"The file {str(out)!r} exists. Expected a new one. Choose another -o or remove it."
        raise BadInput(msg)
    if out.resolve().is_relative_to(folder.resolve()):
        msg = f"-o got {str(out)!r}, inside of the folder to be packed. Expected a place outside of it."
        raise BadInput(msg)


def _listed(folder: Path) -> tuple[list[str], int]:
    """Return the paths to be packed, sorted, and how many hidden files there are besides."""
    paths, hidden = [], 0
    for here, folders, files in os.walk(folder, onerror=_raised):
        shown = [name for name in folders if not name.startswith(".")]
        linked = [name for name in shown if (Path(here) / name).is_symlink()]
        if linked:
            where = (Path(here) / linked[0]).relative_to(folder).as_posix()
            msg = f"The folder {where!r} is a link. Expected plain folders. Mend: cp -rL {str(folder)!r} COPY, and pack the copy."
            raise BadInput(msg)
        folders[:] = shown
        kept = [name for name in files if not name.startswith(".")]
        hidden += len(files) - len(kept)
        paths += [(Path(here) / name).relative_to(folder).as_posix() for name in kept]
    paths.sort()
    _check_paths(folder, paths)
    return paths, hidden


def _raised(error: OSError) -> None:
    raise error


def _check_paths(folder: Path, paths: list[str]) -> None:
    if len(paths) > MAX_PACKED_FILES:
        msg = f"{folder} holds {len(paths):,} files. Expected at most {MAX_PACKED_FILES:,}."
        raise BadInput(msg)
    names = Names(str(folder))
    for path, fault in zip(paths, path_faults(folder, paths), strict=True):
        if fault:
            msg = f"{folder} holds {path!r}, {fault}. Expected plain files only. Remove it or move it away."
            raise BadInput(msg)
        names.add(path)


def _write(folder: Path, contents: Contents, target: Sink, bar: Any) -> None:
    import io

    listed = contents.write()
    target.add(LIST_FILE, len(listed), io.BytesIO(listed))
    for path, packed in sorted(contents.files.items()):
        with (folder / path).open("rb") as stream:
            target.add(f"{contents.name}/{path}", packed.size, stream)
        if hashed(folder / path) != packed:
            msg = f"{folder}/{path} changed while it was packed. Expected a folder that nobody writes to. Pack it again."
            raise DataCorrupt(msg)
        bar.advance()


@contextmanager
def sink(out: Path, part: Path) -> Iterator[Sink]:
    """Open a new archive of the kind that its name says, written at `part`."""
    if out.name.endswith(".zip"):
        import zipfile

        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            yield _ZipSink(archive)
    else:
        import tarfile

        import pyarrow as pa

        with (
            pa.OSFile(str(part), "wb") as file,
            pa.CompressedOutputStream(file, "zstd") as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            yield _TarSink(archive)


class _TarSink:
    def __init__(self, archive: Any) -> None:
        self._archive = archive

    def add(self, name: str, size: int, stream: IO[bytes]) -> None:
        import tarfile

        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, _TOP_MODE, 0
        self._archive.addfile(info, stream)


class _ZipSink:
    def __init__(self, archive: Any) -> None:
        self._archive = archive

    def add(self, name: str, size: int, stream: IO[bytes]) -> None:
        import shutil
        import zipfile

        info = zipfile.ZipInfo(name, _ZIP_TIME)
        info.create_system, info.external_attr, info.file_size = 3, _TOP_MODE << 16, size
        with self._archive.open(info, "w", force_zip64=size >= 2**31) as target:
            shutil.copyfileobj(stream, target, 2**20)
