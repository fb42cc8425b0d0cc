"""Limits of a process that is watched: seconds for one answer, and memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from urbanbench.errors import BadInput

__all__ = ["Limits", "memory_of_machine_mb"]

_MB = 1e6
_SHARE = 0.9
_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Limits:
    """What a process may use.

    Parameters
    ----------
    seconds
        Most wall time for one answer; None for no limit.
    memory_mb
        Most resident memory of the process and all it has started, in 10^6 bytes; None for nine tenths of the machine's.

    Raises
    ------
    BadInput
        A limit that is not above 0.
    """

    seconds: float | None = None
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        for option, value in (("--time-limit", self.seconds), ("--memory-limit", self.memory_mb)):
            if value is not None and not value > 0:
                msg = f"{option} got {value:g}. Expected a number above 0. Leave it out for no limit of your own."
                raise BadInput(msg)

    @property
    def most_mb(self) -> float:
        """The memory limit in force."""
        return _SHARE * memory_of_machine_mb() if self.memory_mb is None else self.memory_mb


def memory_of_machine_mb() -> float:
    """Return the memory this process and its children can have, in 10^6 bytes: the machine's, or its container's where that is less."""
    import psutil

    found = [float(psutil.virtual_memory().total)]
    for path in map(Path, _GROUP_LIMITS):
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        found += [float(text)] if text.isdecimal() else []
    return min(found) / _MB
