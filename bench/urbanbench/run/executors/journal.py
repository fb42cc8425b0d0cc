"""How a portion of cells goes: a line of JSON for each cell that ended, which another process reads while it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Journal"]


class Journal:
    """A file to which one process adds lines, and which others read on from where they were.

    Parameters
    ----------
    path
        The file; made with its first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line; it is on the disk when this returns."""
        import os

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def news(self) -> list[dict[str, Any]]:
        """Return the whole lines that were added since this was asked last."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._at)
                text = stream.read()
        except FileNotFoundError:
            return []
        whole, end, _ = text.rpartition(b"\n")
        self._at += len(whole) + len(end)
        found = []
        for line in whole.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # half a line of a task that was killed, and began again
                continue
        return found
