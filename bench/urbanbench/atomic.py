"""Writing files so that a reader sees the old file or the new one, never half of one.

A file that is being written is held by its process; one that nobody holds was left by a killed process, and `swept` removes it.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from urbanbench.errors import CannotWrite, UrbanbenchError
from urbanbench.progress import note

__all__ = [
    "check_folder",
    "held",
    "read_through",
    "remove_leftovers",
    "replacing",
    "spared",
    "swept",
    "write_text",
]

_PART = ".part"
_AT_ONCE = 1 << 20
_LONGEST_NAME = 200
"""Bytes of a name that a temporary file takes over; file systems end at 255."""
_SYSTEM_ERROR = re.compile(r"\bos error (\d+)")
"""How libraries in Rust tell what the system said."""
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
"""How NumPy tells that there was no room."""


@contextmanager
def replacing(path: Path, *, size: int = 0) -> Iterator[Path]:
    """Give a temporary path in the same folder that replaces `path` when the block ends without error.

    Parameters
    ----------
    path
        The file to write. Its folder is made when it is not there.
    size
        How many bytes it will have, where that is known; told when there is no room.

    Yields
    ------
    Path
        Where to write. On an error in the block it is removed and `path` stays as it was.

    Raises
    ------
    CannotWrite
        The system refuses: no space, no permission, a file where a folder should be.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_PART)
        os.close(handle)
        part = Path(name)
        with held(part):
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.chmod(0o644)
            part.replace(path)
    except UrbanbenchError:
        raise
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise CannotWrite(path, refusal, needed=max(size, _size(part))) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def held(part: Path) -> Iterator[None]:
    """Hold a temporary file or folder during the block, so that nobody sweeps it away; where the system has no locks nothing is held."""
    handle = _hold(part)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _hold(part: Path) -> int | None:
    """Return the handle of a file or folder that is held now; None where it is another's, or cannot be held."""
    try:
        import fcntl

        handle = os.open(part, os.O_RDONLY)
    except (OSError, ImportError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _prefix(path: Path) -> str:
    return f".{os.fsdecode(os.fsencode(path.name)[:_LONGEST_NAME])}."


def _size(part: Path | None) -> int:
    with suppress(OSError):
        return part.stat().st_size if part is not None else 0
    return 0


def _refusal(error: Exception) -> OSError | None:
    """Return what the system refused; some libraries tell it in words of their own."""
    code = _SYSTEM_ERROR.search(str(error))
    number = errno.ENOSPC if _CUT_SHORT.search(str(error)) else int(code[1]) if code else None
    if number is not None:
        return OSError(number, os.strerror(number))
    return error if isinstance(error, OSError) else None


@contextmanager
def spared(what: str) -> Iterator[None]:
    """Go on where the block cannot write something that only saves later work; it is said once.

    Parameters
    ----------
    what
        What is not kept then, as the beginning of a sentence: "Features are not kept".
    """
    try:
        yield
    except CannotWrite as error:
        _say_once(what, str(Path(error.path).parent), str(error))


def read_through(path: Path) -> None:
    """Read a file to its end: where the disk fails that is an error, and not the end of a process that maps the file into memory.

    Raises
    ------
    OSError
        The system cannot read it.
    """
    with path.open("rb", buffering=0) as file:
        while file.read(_AT_ONCE):
            pass


_told: set[tuple[str, str]] = set()
"""What was said of which folders."""


def _say_once(what: str, folder: str, why: str) -> None:
    if (what, folder) not in _told:
        _told.add((what, folder))
        note(f"{what}: {why}")


def check_folder(folder: Path, mend: str) -> None:
    """Make sure that a folder and those in it can be written, or that it can be made, without leaving anything behind.

    Parameters
    ----------
    folder
        It need not be there.
    mend
        What to do where it cannot be written, as a sentence without its full stop.

    Raises
    ------
    CannotWrite
        It, or the nearest folder above it that is there, cannot be written.
    """
    there = folder.absolute()
    while not there.exists() and there.parent != there:
        there = there.parent
    _try_to_write(there, mend, named=folder)
    if there == folder.absolute():
        for inner in sorted(one for one in there.iterdir() if one.is_dir() and not one.is_symlink()):
            _try_to_write(inner, mend)


def _try_to_write(folder: Path, mend: str, *, named: Path | None = None) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".urbanbench-", suffix=".part")
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise CannotWrite(named or folder, error, mend) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    content = text.encode()
    with replacing(path, size=len(content)) as part:
        part.write_bytes(content)


def remove_leftovers(*paths: Path) -> None:
    """Remove the temporary files that killed processes left beside paths; only for a process that alone writes these paths."""
    for path in paths:
        for part in path.parent.glob(f"{glob.escape(_prefix(path))}*{_PART}"):
            part.unlink(missing_ok=True)


def swept(*folders: Path) -> int:
    """Remove the temporary files and folders that killed processes left in folders, and return how many there were.

    What a living process writes is held by it and stays; so does everything on a file system without locks.
    """
    gone = 0
    for folder in folders:
        try:
            parts = [one for one in folder.iterdir() if one.name.startswith(".") and one.suffix == _PART]
        except OSError:
            continue
        gone += sum(map(_removed, parts))
    return gone


def _removed(part: Path) -> bool:
    """Remove a temporary file or folder that nobody holds; tell whether that was done."""
    handle = _hold(part)
    if handle is None:
        return False
    try:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink()
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
