"""What was fetched, noted beside the files: hash, size, address and day, so that a change is seen."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from urbanbench.atomic import write_text
from urbanbench.errors import DataCorrupt

__all__ = ["LOCK_FILE", "Lock", "Noted", "today"]

LOCK_FILE = "fetch.lock.json"
_VERSION = 1


@dataclass(frozen=True)
class Noted:
    """A file as it was when it came.

    Parameters
    ----------
    sha256, size
        Its hash and bytes.
    address
        Where it came from; "" for one that was put there by hand.
    fetched
        The day it came or was found, such as 2026-01-31.
    modified
        When its server said it had changed; "" where it did not say.
    checked
        What its bytes were compared with: "recipe", "publisher's checksum", or "" for nothing.
    """

    sha256: str
    size: int
    address: str = ""
    fetched: str = ""
    modified: str = ""
    checked: str = ""


def today() -> str:
    """Return the day, in UTC."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


class Lock:
    """The notes of a folder of fetched files.

    Parameters
    ----------
    folder
        The folder; it need not be there.

    Raises
    ------
    DataCorrupt
        The notes cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._notes: dict[str, Noted] = self._read() if self._path.is_file() else {}

    def _read(self) -> dict[str, Noted]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): Noted(**note) for name, note in told["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"{self._path}: expected the notes of fetched files, found something else. Remove it: the files are noted anew."
            raise DataCorrupt(msg) from error

    def get(self, name: str) -> Noted | None:
        """Return the note of a file; None where there is none."""
        return self._notes.get(name)

    def note(self, name: str, noted: Noted) -> None:
        """Note a file and write the notes."""
        self._notes[name] = noted
        files = {one: asdict(note) for one, note in sorted(self._notes.items())}
        write_text(self._path, json.dumps({"fetch_lock": _VERSION, "files": files}, indent=1) + "\n")
