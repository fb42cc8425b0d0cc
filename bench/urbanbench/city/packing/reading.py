"""Archives read one file after the other: nothing but plain files under plain names, and no more bytes than fit."""

from __future__ import annotations

import errno
import stat
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.city.folder.limits import MIB
from urbanbench.city.packing.budget import Budget
from urbanbench.city.packing.names import Names
from urbanbench.errors import DataCorrupt, UrbanbenchError

__all__ = ["CHUNK", "Member", "is_archive", "members", "unzipped"]

CHUNK = MIB
_HEADERS = MIB
"""What the headers of one entry may take: tar reads the long names of a file into memory whole."""

_ZSTD, _GZIP, _ZIP, _ZIP_EMPTY = b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_TAR_AT, _TAR = 257, b"ustar"

_KINDS = {
    "1": "a hard link",
    "2": "a symbolic link",
    "3": "a device",
    "4": "a device",
    "6": "a named pipe",
    "S": "a file with holes",
}
_MODES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Parameters
    ----------
    name
        Its path, judged.
    chunks
        Gives its bytes once, counted; to be read before the next member is asked for.
    """

    name: str
    chunks: Callable[[], Iterator[bytes]]


def is_archive(path: Path) -> bool:
    """Tell by its first bytes whether a file is a zip or tar archive, or compressed as these are."""
    return bool(_kind(path))


def members(path: Path) -> Generator[Member, None, None]:
    """Go through the files of a ``.zip``, ``.tar``, ``.tar.gz`` or ``.tar.zst`` archive.

    Folders are passed over: files bring theirs.

    Raises
    ------
    DataCorrupt
        Another kind of file, a damaged or truncated one; a link, device or pipe in it; a name that leads out of the folder or collides with
        another; more files or bytes than an archive of its size may hold.
    """
    budget, names = Budget(path.name, path.stat().st_size), Names(path.name)
    kind = _kind(path)
    if not kind:
        msg = f"{path.name}: expected a .tar.zst or .zip archive, found another kind of file. Check that it was fetched whole, and as a file, not as a web page."
        raise DataCorrupt(msg)
    with _faults_told(path.name):
        yield from _of_zip(path, budget, names) if kind == "zip" else _of_tar(path, kind, budget, names)


def unzipped(path: Path) -> Iterator[bytes]:
    """Give the bytes of a single file compressed by gzip or zstd.

    Raises
    ------
    DataCorrupt
        Another kind of file, a damaged one, or one that unfolds to more than it may.
    """
    budget, kind = Budget(path.name, path.stat().st_size), _kind(path)
    if kind not in {"gzip", "zstd"}:
        msg = f"{path.name}: expected a file compressed by gzip or zstd, found another kind of file. Check that it was fetched whole."
        raise DataCorrupt(msg)
    with _faults_told(path.name), _unfolded(path, kind) as stream:
        yield from _counted(path.name, stream, budget)


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(_TAR_AT + len(_TAR))
    if head.startswith((_ZIP, _ZIP_EMPTY)):
        return "zip"
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "tar" if head[_TAR_AT:] == _TAR else ""


@contextmanager
def _faults_told(where: str) -> Iterator[None]:
    """Turn what the readers of archives raise for damaged ones into one sentence."""
    import tarfile
    import zipfile

    odd = (
        ValueError,
        EOFError,
        LookupError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
        struct.error,
    )
    try:
        yield
    except UrbanbenchError:
        raise
    except (tarfile.TarError, zipfile.BadZipFile, OSError, *odd) as error:
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise  # the disk's fault, not the archive's, which may only ask for a place before its beginning
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        msg = (
            f"{where}: expected a whole archive, found a damaged or truncated one ({reason}). Fetch it again."
        )
        raise DataCorrupt(msg) from error


def _of_zip(path: Path, budget: Budget, names: Names) -> Iterator[Member]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            budget.file()
            name = info.orig_filename
            kind = _MODES.get(stat.S_IFMT(info.external_attr >> 16), "")
            if kind or info.flag_bits & 1:
                raise _refused(path.name, name, kind or "a file behind a password")
            if name.endswith("/"):
                continue
            yield Member(names.add(name), _zip_chunks(path.name, archive, info, budget))


def _zip_chunks(where: str, archive: Any, info: Any, budget: Budget) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        with _faults_told(where), archive.open(info) as stream:
            yield from _counted(where, stream, budget)

    return chunks


def _of_tar(path: Path, kind: str, budget: Budget, names: Names) -> Iterator[Member]:
    import tarfile

    with _unfolded(path, kind) as stream:
        metered: Any = _Metered(path.name, stream)
        opened: Any = tarfile.open(fileobj=metered, mode="r|", encoding="utf-8")  # noqa: SIM115 - the next line closes it
        with opened as archive:
            while True:
                metered.headers_only()
                info = archive.next()
                archive.members = []  # or it remembers every file
                if info is None:
                    return
                metered.all_of_it()
                budget.file()
                if info.isdir():
                    continue
                if not info.isreg() or info.issparse():
                    kind = "S" if info.issparse() else info.type.decode("latin-1")
                    raise _refused(path.name, info.name, _KINDS.get(kind, "no plain file"))
                rest = _counted(path.name, archive.extractfile(info), budget)
                yield Member(names.add(info.name), lambda rest=rest: rest)  # type: ignore[misc]
                for _ in rest:  # whatever was not read: tar has to pass it
                    pass


def _counted(where: str, stream: Any, budget: Budget) -> Iterator[bytes]:
    """Give a stream's bytes; whoever reads them meets the archive's faults, so these are told here as well."""
    with _faults_told(where):
        while chunk := stream.read(CHUNK):
            budget.take(len(chunk))
            yield chunk


@contextmanager
def _unfolded(path: Path, kind: str) -> Iterator[Any]:
    """Open an archive's stream, decompressed as it is read."""
    if kind == "zstd":
        import pyarrow as pa

        with pa.OSFile(str(path), "rb") as file, pa.CompressedInputStream(file, "zstd") as stream:
            yield stream
    elif kind == "gzip":
        import gzip

        with gzip.open(path, "rb") as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def _refused(where: str, name: str, kind: str) -> DataCorrupt:
    return DataCorrupt(f"{where} holds {name[:100]!r}, {kind}. Expected plain files only.")


class _Metered:
    """What tar reads from: the headers of an entry end, or the archive is refused."""

    def __init__(self, where: str, stream: Any) -> None:
        self._where, self._stream = where, stream
        self._left: int | None = _HEADERS

    def headers_only(self) -> None:
        self._left = _HEADERS

    def all_of_it(self) -> None:
        self._left = None

    def read(self, size: int) -> bytes:
        chunk: bytes = self._stream.read(size)
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                msg = f"{self._where}: expected at most {_HEADERS} bytes of names for one file, found more. An archive with such headers is taken for a trap."
                raise DataCorrupt(msg)
        return chunk
