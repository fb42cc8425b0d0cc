"""How far into a file a library has read that does not tell by itself."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Position"]

_HANDLES = Path("/proc/self/fd")
_FACTS = Path("/proc/self/fdinfo")
"""Where Linux tells the files that a process has open, and how far each is read."""


class Position:
    """The share of a file that this process has read, in percent; it stands still where the system does not tell.

    Parameters
    ----------
    path
        The file, which something in this process reads from its start to its end.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._size = path.resolve(), max(path.stat().st_size, 1)
        self._last = 0.0

    def moved(self) -> float:
        """Return by how many percent reading went on since the last call."""
        now = max(self._last, min(100.0, 100.0 * self._offset() / self._size))
        step, self._last = now - self._last, now
        return step

    def _offset(self) -> int:
        """Return the furthest place at which the file is read now, in bytes; 0 where it is not known."""
        found = 0
        for handle in sorted(_HANDLES.glob("*")):
            try:
                if handle.resolve() == self._path:
                    line = (_FACTS / handle.name).read_text(encoding="ascii").split(maxsplit=2)
                    found = max(found, int(line[1]))
            except (OSError, ValueError, IndexError):  # handles come and go meanwhile
                continue
        return found
