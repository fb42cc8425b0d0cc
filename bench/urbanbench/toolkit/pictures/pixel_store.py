"""Decoded pictures kept on disk and read through memory mapping, so that a run decodes each picture once."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path

import numpy as np

from urbanbench.atomic import spared
from urbanbench.errors import CannotWrite
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root
from urbanbench.locks import locked

__all__ = ["PixelStore", "open_pixel_store"]

_KEPT, _BROKEN = 1, 2
"""What the byte of a picture says; 0 where it was not written."""


class PixelStore:
    """Pixels uint8 (p, 3, size, size) in one file, behind one byte per picture that tells whether they are there.

    Several processes may fill the same file: they write the same bytes, and a picture's byte is set after its pixels.

    Parameters
    ----------
    path
        The file; made anew, without using disk space yet, if it is not there with the right length.
    count
        p, at least 1.
    size
        Pixels per side.
    """

    def __init__(self, path: Path, count: int, size: int) -> None:
        length = count * (1 + 3 * size * size)
        with locked(path.with_suffix(".lock"), needed=False):
            if path.exists() and path.stat().st_size != length:
                path.unlink()  # another process may still read it
            with path.open("ab") as file:
                file.truncate(length)
        # Written by calls, which fail where there is no room; a write to mapped memory would end the process.
        self.path, self._file = path, os.open(path, os.O_RDWR)
        weakref.finalize(self, os.close, self._file)
        whole = np.memmap(path, dtype=np.uint8, mode="r", shape=(length,))
        plain = np.asarray(whole)
        self._state, self._pixels = plain[:count], plain[count:].reshape(count, 3, size, size)

    def knows(self, rows: np.ndarray) -> np.ndarray:
        """Tell which pictures, int64 (n,), were written, bool (n,)."""
        return np.isin(self._state[rows], (_KEPT, _BROKEN))

    def read(self, rows: np.ndarray, pixels: np.ndarray, ok: np.ndarray) -> None:
        """Copy pictures that were written, int64 (n,), out of the file, all in one call that other threads may work beside.

        Parameters
        ----------
        rows
            Which.
        pixels
            uint8 (n, 3, size, size) to write into; zeros where a picture was written as impossible to open.
        ok
            bool (n,) to write into: which could be opened.
        """
        np.take(self._pixels, rows, axis=0, out=pixels, mode="clip")
        ok[:] = self._state[rows] == _KEPT
        pixels[~ok] = 0

    def write(self, row: int, pixels: np.ndarray | None) -> bool:
        """Keep a picture's pixels, or that it cannot be opened; tell whether there was room."""
        with spared("Decoded pictures are not kept"):
            if pixels is not None:
                self._put(np.ascontiguousarray(pixels).tobytes(), len(self._state) + row * pixels.nbytes)
            self._put(bytes([_BROKEN if pixels is None else _KEPT]), row)
            return True
        return False

    def _put(self, content: bytes, place: int) -> None:
        try:
            written = os.pwrite(self._file, content, place)
            if written < len(content):  # the next one tells why
                os.pwrite(self._file, content[written:], place + written)
        except OSError as error:
            raise CannotWrite(self.path, error, needed=len(content)) from error


def open_pixel_store(pictures_digest: str, count: int, size: int) -> PixelStore | None:
    """Open the store of some pictures in ``<cache>/pixels``.

    Parameters
    ----------
    pictures_digest
        Hash of the pictures' files in order.
    count
        Number of pictures.
    size
        Pixels per side.

    Returns
    -------
    PixelStore or None
        None where the pixels would take more than half of the free disk space, or the cache cannot be written.
    """
    folder = cache_root() / "pixels"
    path = folder / f"{value_digest({'pictures': pictures_digest, 'size': size})}.pixels"
    if count == 0:
        return None
    with spared("Decoded pictures are not kept"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists() or count * 3 * size**2 * 2 <= shutil.disk_usage(folder).free:
                return PixelStore(path, count, size)
        except OSError as error:
            raise CannotWrite(path, error) from error
    return None
