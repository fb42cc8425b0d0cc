"""How much an archive may unfold to: counted while it is read, whatever it says of itself."""

from __future__ import annotations

from urbanbench.city.folder.limits import (
    FREE_BYTES,
    MAX_PACK_RATIO,
    MAX_PACKED_BYTES,
    MAX_PACKED_FILES,
    MIB,
)
from urbanbench.errors import DataCorrupt

__all__ = ["Budget"]


class Budget:
    """Files and bytes that are left.

    Parameters
    ----------
    where
        The archive's name, for errors.
    packed
        Its size in bytes.
    """

    def __init__(self, where: str, packed: int) -> None:
        self._where, self._packed = where, packed
        self._most = min(MAX_PACKED_BYTES, FREE_BYTES + MAX_PACK_RATIO * packed)
        self._bytes = self._files = 0

    def file(self) -> None:
        """Count one more entry.

        Raises
        ------
        DataCorrupt
            It is one too many.
        """
        self._files += 1
        if self._files > MAX_PACKED_FILES:
            msg = f"{self._where} holds more than {MAX_PACKED_FILES:,} files. Expected fewer."
            raise DataCorrupt(msg)

    def take(self, count: int) -> None:
        """Count some more bytes.

        Raises
        ------
        DataCorrupt
            They are too many for an archive of this size.
        """
        self._bytes += count
        if self._bytes > self._most:
            msg = f"{self._where} unfolds from {self._packed:,} bytes to more than {self._most // MIB:,} MiB. Expected at most that: an archive that grows so much is taken for a trap."
            raise DataCorrupt(msg)
