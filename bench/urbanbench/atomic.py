"""Writing files so that a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from urbanbench.errors import CannotWrite, UrbanbenchError

__all__ = ["check_folder", "remove_leftovers", "replacing", "write_text"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder that replaces `path` when the block ends without error.

    Parameters
    ----------
    path
        The file to write. Its folder is made when it is not there.

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
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        part = Path(name)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        if isinstance(error, UrbanbenchError):
            raise
        raise CannotWrite(path, error) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


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
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def remove_leftovers(*paths: Path) -> None:
    """Remove the temporary files that killed processes left beside paths; only for a process that alone writes these paths."""
    for path in paths:
        for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            part.unlink(missing_ok=True)
