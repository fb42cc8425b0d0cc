"""What arrived on a node: archives unpacked by their hash, each once, so that any number of cells reads the same folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from urbanbench.city.packing.unpack import extract, unpack
from urbanbench.city.packing.written import write_new
from urbanbench.errors import CannotWrite, DataCorrupt
from urbanbench.home import cache_root
from urbanbench.run.executors.errand import Shipment

__all__ = ["SHIPPED", "Shelf"]

SHIPPED = "shipped"
"""The folder below the cache's."""

_ARCHIVE, _FILES = "arrived.tar.zst", "files"


class Shelf:
    """Folders by the sha256 of the archive that they came in.

    Parameters
    ----------
    root
        Where they lie; below the cache of this machine when left out.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = cache_root() / SHIPPED if root is None else root

    def place(self, shipment: Shipment) -> Path:
        """Return where a shipment lies: of a city, the folder under which its name is found."""
        return self.root / shipment.sha256

    def folder(self, shipment: Shipment) -> Path:
        """Return the folder that a shipment is unpacked into."""
        return self.place(shipment) / (shipment.word if shipment.city else _FILES)

    def word(self, shipment: Shipment) -> str:
        """Return what the word of a spec becomes here."""
        if shipment.city:
            return shipment.word
        return f"{shipment.prefix}{self.folder(shipment) / shipment.word}"

    def receive(self, shipment: Shipment, chunks: Callable[[], Iterable[bytes]]) -> bool:
        """Unpack a shipment, unless it is there; of several processes one does, the others wait.

        Parameters
        ----------
        shipment
            What is to come.
        chunks
            Brings the archive's bytes; not called where it is there already.

        Returns
        -------
        bool
            Whether it came now.

        Raises
        ------
        DataCorrupt
            Other bytes came than were announced, or an archive that is no plain one.
        CannotWrite
            There is no room.
        """
        from filelock import FileLock

        goal = self.folder(shipment)
        if goal.is_dir():
            return False
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / f"{shipment.sha256}.lock"):
                if goal.is_dir():
                    return False
                self._unpack(shipment, goal, chunks)
        except OSError as error:
            if isinstance(error, CannotWrite):
                raise
            raise CannotWrite(goal, error) from error
        return True

    def _unpack(self, shipment: Shipment, goal: Path, chunks: Callable[[], Iterable[bytes]]) -> None:
        goal.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".arriving-") as scratch:
            archive = Path(scratch) / _ARCHIVE
            found = write_new(archive, chunks()).sha256
            if found != shipment.sha256:
                msg = f"{shipment.word!r} arrived with sha256 {found[:16]}…. Expected {shipment.sha256[:16]}…, as it was sent. Run the same command again."
                raise DataCorrupt(msg)
            part = Path(scratch) / "part"
            if shipment.city:
                unpack(archive, part)
            else:
                extract(archive, part)
            part.rename(goal)
