"""Locks between processes, of one machine or of several on one file system; a process that died holds none.

A lock is the system's own (flock), which ends with its process. Where a file system has none it is a lease: a file that its holder
touches again and again, and that others take over once nobody does.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from urbanbench.errors import CannotWrite
from urbanbench.leases import Lease
from urbanbench.progress import note, span

__all__ = ["LOCKS_VARIABLE", "forget_locks", "locked"]

LOCKS_VARIABLE = "URBANBENCH_LOCKS"
"""Environment variable; "lease" for folders that several machines mount in such a way that the system's locks do not reach the others."""

TOLD_AFTER_S = 30.0
"""Seconds of waiting after which it is said."""

_WITHOUT = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What a file system answers that has no locks."""

_lacking: set[int] = set()
"""Devices that have no locks, as far as this process has met them."""


@contextmanager
def locked(
    path: Path, *, wait: bool = True, needed: bool = True, mend: str = "choose another folder"
) -> Iterator[bool]:
    """Hold a lock during the block.

    Parameters
    ----------
    path
        Names the lock: a path that ends in ``.lock``; its folder is made. The file stays, empty.
    wait
        Whether to wait for another holder; waiting long is said once.
    needed
        False: where the lock cannot be made (no room, no permission) the block is done without it.
    mend
        What to do where it cannot be made, as a sentence without its full stop.

    Yields
    ------
    bool
        False where the lock is another's and `wait` is False; the block then does not hold it.

    Raises
    ------
    CannotWrite
        The lock cannot be made and is needed.
    """
    try:
        held = _taken(path, wait=wait)
    except OSError as error:
        if needed:
            raise CannotWrite(path.parent, error, mend) from error
        yield True
        return
    if held is None:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            held.release()


def forget_locks(folder: Path) -> int:
    """Remove the files of locks in a folder that nobody holds, and return how many there were."""
    gone = 0
    with suppress(OSError):
        for path in sorted(folder.glob("*.lock")):
            gone += _forgotten(path)
    return gone


def _forgotten(path: Path) -> bool:
    with suppress(OSError):
        held = _taken(path, wait=False)
        if held is not None:
            path.unlink(missing_ok=True)
            held.release()
            return True
    return False


class _Native:
    """The system's own lock of a file."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self._lock = FileLock(path)

    def acquire(self, timeout_s: float) -> bool:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=timeout_s)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._lock.release()


def _taken(path: Path, *, wait: bool) -> _Native | Lease | None:
    """Return a lock that is held now, or None where it is another's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _Native(path) if _has_locks(path) else Lease(path.with_name(f".{path.stem}.lease"))
    if not wait:
        return lock if lock.acquire(0) else None
    began = time.monotonic()
    if not lock.acquire(TOLD_AFTER_S):
        note(
            f"Waiting for {str(path)!r}, which another process holds, for {span(time.monotonic() - began)} so far."
        )
        while not lock.acquire(TOLD_AFTER_S):
            pass
    return lock


def _has_locks(path: Path) -> bool:
    """Tell whether the file system of a path knows locks; asked once for each device."""
    if os.environ.get(LOCKS_VARIABLE) == "lease":
        return False
    try:
        import fcntl
    except ImportError:  # no POSIX: the system locks in its own way
        return True
    device = path.parent.stat().st_dev
    if device in _lacking:
        return False
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
        _lacking.add(device)
        return False
    finally:
        os.close(handle)
    return True
