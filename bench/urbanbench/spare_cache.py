"""A cache in the place of one that cannot be written: a command reads what is kept there and puts its own into a folder of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from urbanbench.atomic import check_folder
from urbanbench.errors import CannotWrite
from urbanbench.home import CACHE_MEND, cache_in, cache_root
from urbanbench.progress import note

__all__ = ["usable_cache"]


@contextmanager
def usable_cache() -> Iterator[None]:
    """Let the block, and the processes it starts, use the cache folder, or where that cannot be written a temporary one that shows what it holds.

    What is made then is kept until the block ends; it is said.

    Raises
    ------
    CannotWrite
        Neither the cache folder nor the folder for temporary files can be written, or one of several processes of a training finds the first one so.
    """
    refusal = _refusal()
    if refusal is None:
        yield
        return
    if (
        int(os.environ.get("WORLD_SIZE", "1")) > 1
    ):  # processes that train together find one another's files there
        raise refusal
    try:
        spare = tempfile.TemporaryDirectory(prefix="urbanbench-cache-", ignore_cleanup_errors=True)
    except OSError:
        raise refusal from None
    with spare as folder:
        _show(cache_root(), Path(folder))
        note(
            f"{str(refusal).partition(' Expected ')[0]} What is kept there is used; what this command makes lies in {folder} until it ends. "
            f"To keep it: {CACHE_MEND}."
        )
        with cache_in(Path(folder)):
            yield


def _refusal() -> CannotWrite | None:
    try:
        check_folder(cache_root(), CACHE_MEND)
    except CannotWrite as error:
        return error
    return None


def _show(kept: Path, spare: Path) -> None:
    """Link whatever lies in each room of a cache into the same room of another; a new file takes a link's place."""
    for room in _listed(kept):
        if not room.is_dir():
            continue
        (spare / room.name).mkdir()
        for one in _listed(room):
            if one.suffix != ".lock" and not one.name.startswith("."):
                (spare / room.name / one.name).symlink_to(one)


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208 - what cannot be listed is seen here
    return []
