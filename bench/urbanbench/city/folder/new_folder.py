"""A new city folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from urbanbench.atomic import held
from urbanbench.errors import FULL, BadInput, CannotWrite, UrbanbenchError

__all__ = ["check_new", "new_folder", "room_beside"]


@contextmanager
def new_folder(folder: Path, *, option: str = "--out", empty_may_be: bool = False) -> Iterator[Path]:
    """Give a temporary folder of the same name that becomes `folder` when the block ends without error.

    Parameters
    ----------
    folder
        The new folder. It is made beside its place and moved there whole.
    option, empty_may_be
        As `check_new`.

    Raises
    ------
    BadInput
        The folder exists.
    """
    check_new(folder, option=option, empty_may_be=empty_may_be)
    folder = folder.absolute()
    with room_beside(folder) as beside:
        part = beside / folder.name
        part.mkdir()
        yield part
        part.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()
        part.rename(folder)


@contextmanager
def room_beside(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside the place of another; where the block fails, folders above that were made for it are removed too."""
    folder = folder.absolute()
    made = [above for above in folder.parents if not above.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:100]}.", suffix=".part"))
    except OSError as error:
        raise CannotWrite(folder, error) from error
    try:
        with held(beside):
            yield beside
    except OSError as error:
        if isinstance(error, UrbanbenchError) or error.errno not in FULL:
            raise
        raise CannotWrite(folder, error, needed=_size(beside)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        with suppress(OSError):  # one that is not empty ends it
            for above in made:
                above.rmdir()


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def check_new(folder: Path, *, option: str = "--out", empty_may_be: bool = False) -> None:
    """Make sure that a folder can be made: nothing is there yet.

    Parameters
    ----------
    folder
        The folder that is to be.
    option
        What names it on the command line.
    empty_may_be
        Whether it may be there, empty, and not be the one the user stands in.

    Raises
    ------
    BadInput
        It is there.
    """
    if not os.path.lexists(folder):
        return
    plain = folder.is_dir() and not folder.is_symlink() and not folder.samefile(Path.cwd())
    if empty_may_be and plain and not any(folder.iterdir()):
        return
    msg = f"The folder {str(folder)!r} exists. Expected a new one{' or an empty one' if empty_may_be else ''}. Choose another {option} or remove it."
    raise BadInput(msg)
