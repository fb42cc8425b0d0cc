"""Leases: locks for file systems without any, made of nothing but new files.

A lease is a folder in which each holder has a file with the next number; making a file that must not be there yet is the one step
that only one process can do, on network file systems too. Who holds it touches the file again and again. It is free when the file has been
renamed, when its process of this machine is gone, or when nobody has touched it for long by the clock of the one who waits: clocks of
two machines are never compared.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["BEAT_S", "DEAD_S", "Lease"]

BEAT_S = 10.0
"""Seconds between two touches of a held lease."""

DEAD_S = 180.0
"""Seconds without a touch after which a holder counts as dead; network file systems may show a touch a minute late."""

_LOOKS_S = 0.05
_FREE = ".free"


@dataclass(frozen=True)
class _Seen:
    """A holder's file as it was when it was looked at first."""

    name: str
    touched: int
    since: float


class Lease:
    """A lock of this process in a folder.

    Parameters
    ----------
    folder
        Names the lock; it is made, and keeps one small file.
    machine
        What names the machine and its numbering of processes; that of this process when left out.
    """

    def __init__(self, folder: Path, machine: str = "") -> None:
        self.folder, self.machine = folder, machine or this_machine()
        self._mine: Path | None = None
        self._seen: _Seen | None = None

    def acquire(self, timeout_s: float) -> bool:
        """Take the lease, waiting at most so many seconds for its holder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        end = time.monotonic() + timeout_s
        while not self._take():
            if time.monotonic() >= end:
                return False
            time.sleep(_LOOKS_S)
        return True

    def release(self) -> None:
        """Give the lease back, unless another process has taken it for dead meanwhile."""
        mine, self._mine = self._mine, None
        if mine is not None:
            _beating.discard(mine)
            with suppress(FileNotFoundError):
                mine.rename(mine.with_name(mine.name + _FREE))

    def _take(self) -> bool:
        before = self._holders()
        last, free = before[-1] if before else (0, True)
        if not free and not self._is_dead(self.folder / _name(last)):
            return False
        mine = self.folder / _name(last + 1)
        try:
            handle = os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as told, suppress(OSError):
            json.dump({"machine": self.machine, "process": os.getpid()}, told)
        if self._holders()[-1][0] > last + 1:  # it looked at the folder long ago
            mine.unlink(missing_ok=True)
            return False
        for number, _ in before:
            for name in (_name(number), _name(number) + _FREE):
                (self.folder / name).unlink(missing_ok=True)
        self._mine = mine
        _beating.add(mine)
        return True

    def _holders(self) -> list[tuple[int, bool]]:
        """Return number and whether it is free of all files, the last holder last."""
        names = [one.name for one in self.folder.iterdir() if one.name.removesuffix(_FREE).isdecimal()]
        return sorted((int(name.removesuffix(_FREE)), name.endswith(_FREE)) for name in names)

    def _is_dead(self, holder: Path) -> bool:
        try:
            touched, told = holder.stat().st_mtime_ns, holder.read_text(encoding="utf-8")
        except OSError:
            return False  # it is being renamed: look again
        seen = self._seen
        if seen is None or (seen.name, seen.touched) != (holder.name, touched):
            seen = self._seen = _Seen(holder.name, touched, time.monotonic())
        return self._has_ended(told) or time.monotonic() - seen.since > DEAD_S

    def _has_ended(self, told: str) -> bool:
        """Tell whether a holder was a process of this machine that is not there any more."""
        try:
            holder = json.loads(told)
            machine, process = holder["machine"], int(holder["process"])
        except (ValueError, KeyError, TypeError):
            return False
        if machine != self.machine or process == os.getpid():
            return False
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def _name(number: int) -> str:
    return f"{number:08d}"


@cache
def this_machine() -> str:
    """Name the machine, its start and its numbering of processes: the same words mean the same processes."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


class _Beating:
    """Touches the files of all leases that this process holds, in a thread that lives as long as there are some."""

    def __init__(self) -> None:
        self._files: set[Path] = set()
        self._guard = threading.Lock()
        self._over = threading.Event()

    def add(self, file: Path) -> None:
        with self._guard:
            if not self._files:
                self._over = threading.Event()
                threading.Thread(target=self._beat, args=(self._over,), name="leases", daemon=True).start()
            self._files.add(file)

    def discard(self, file: Path) -> None:
        with self._guard:
            self._files.discard(file)
            if not self._files:
                self._over.set()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(BEAT_S):
            with self._guard:
                files = list(self._files)
            for file in files:
                with suppress(OSError):
                    os.utime(file)


_beating = _Beating()
