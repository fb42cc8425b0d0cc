"""Pictures to pixels: decoded by threads ahead of whoever uses them, all at one size, once per run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import CityFaults
from urbanbench.progress import tracking

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from urbanbench.toolkit.pictures.pixel_store import PixelStore

__all__ = ["PictureTable", "normalise", "pictures_at_once", "without_broken"]

AHEAD = 2
"""Batches that are being decoded while one is used."""

MOST_THREADS = 16


class PictureTable:
    """p distinct pictures as pixels, by row.

    Parameters
    ----------
    open_image
        Opens a path as an RGB picture, from several threads at once; `CityFaults` or FileNotFoundError where it cannot.
    paths
        The p paths.
    size
        Pixels per side. Pictures of other sizes are scaled, whatever their proportions (bilinear, antialiased).
    store
        Keeps decoded pixels on disk; None decodes a picture every time it is asked for.
    threads
        Threads that decode; None for one per processor, at most 16.
    """

    def __init__(
        self,
        open_image: Callable[[str], Image],
        paths: Sequence[str],
        size: int,
        *,
        store: PixelStore | None = None,
        threads: int | None = None,
    ) -> None:
        self.open_image, self.paths, self.size, self.store = open_image, tuple(paths), size, store
        self.threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._ok: np.ndarray | None = None
        self._pool: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def ok(self) -> np.ndarray:
        """Which pictures can be opened, bool (p,); the first call decodes them all."""
        if self._ok is None:
            rows = np.arange(len(self))
            with tracking(f"open {len(self)} pictures", len(self)) as bar:
                found = np.ones(len(self), dtype=bool)
                for start, (_, ok) in enumerate(self.batches(rows, 64)):
                    found[start * 64 : start * 64 + len(ok)] = ok
                    bar.advance(len(ok))
            self._ok = found
        return self._ok

    def pixels(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decode pictures.

        Returns
        -------
        pixels
            uint8 (n, 3, size, size) in the order of `rows`; zeros where a picture cannot be opened.
        ok
            bool (n,): which could be opened.
        """
        return self._collect(self._begin(rows))

    def batches(self, rows: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give what `pixels` gives for consecutive parts of `rows`, while the next parts are already being decoded."""
        parts = deque(rows[start : start + batch] for start in range(0, len(rows), batch))
        begun: deque[list[Future[np.ndarray | None]]] = deque()
        while parts or begun:
            while parts and len(begun) <= AHEAD:
                begun.append(self._begin(parts.popleft()))
            yield self._collect(begun.popleft())

    def _begin(self, rows: np.ndarray) -> list[Future[np.ndarray | None]]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="pictures")
        return [self._pool.submit(self._decoded, row) for row in rows.tolist()]

    def _collect(self, begun: Sequence[Future[np.ndarray | None]]) -> tuple[np.ndarray, np.ndarray]:
        pixels = np.zeros((len(begun), 3, self.size, self.size), dtype=np.uint8)
        ok = np.ones(len(begun), dtype=bool)
        for place, one in enumerate(begun):
            made = one.result()
            if made is None:
                ok[place] = False
            else:
                pixels[place] = made
        return pixels, ok

    def _decoded(self, row: int) -> np.ndarray | None:
        """Return uint8 (3, size, size), or None for a picture that cannot be opened."""
        if self.store is None:
            return self._opened(self.paths[row])
        if not self.store.knows(row):
            self.store.write(row, self._opened(self.paths[row]))
        return self.store.read(row)

    def _opened(self, path: str) -> np.ndarray | None:
        from PIL.Image import Resampling

        try:
            picture = self.open_image(path)
        except (CityFaults, FileNotFoundError):
            return None
        scaled = picture.convert("RGB").resize((self.size, self.size), Resampling.BILINEAR)
        return np.asarray(scaled).transpose(2, 0, 1)


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Scale pixels uint8 (n, 3, size, size) to [0, 1], take `mean` of each channel off and divide by `std`; float32.

    The channels of a pixel lie together in memory (torch's channels_last), in which convolutions are faster.
    """
    import torch

    centre, spread = (torch.tensor(one, device=pixels.device)[:, None, None] for one in (mean, std))
    made = (pixels.float() / 255.0 - centre) / spread
    return made.contiguous(memory_format=torch.channels_last)


def pictures_at_once(size: int, device: str) -> int:
    """Return how many pictures of `size` pixels per side best go through a network together.

    On a CPU as many as its caches hold; on a GPU enough to fill it, few enough that the inner values of a network in training fit.
    """
    at_224 = 64 if device.startswith("cuda") else 16
    return int(np.clip(at_224 * 224**2 // size**2, 1, 4 * at_224))


def without_broken(picture: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """Return rows of pictures, int64 of any shape, with -1 where there is none or it cannot be opened."""
    known = np.append(ok, False)
    return np.where(known[picture], picture, -1)
