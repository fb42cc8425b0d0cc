"""Pictures to pixels: decoded by threads ahead of whoever uses them, all at one size, once per run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import CityFaults
from urbanbench.progress import tracking
from urbanbench.toolkit.training.transfer import on_device, runs_behind

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from urbanbench.toolkit.pictures.pixel_store import PixelStore

__all__ = ["PictureTable", "Pixels", "normalise", "pictures_at_once", "without_broken"]

AHEAD = 2
"""Batches that are being decoded while one is used."""

MOST_THREADS = 16

TOGETHER = 8
"""Pictures that a thread takes at once: few enough to share a batch among all threads."""

Pixels = Callable[[], "tuple[np.ndarray, np.ndarray]"]
"""Waits for pictures that are being decoded."""


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
        return self.begin(rows)()

    def batches(self, rows: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give what `pixels` gives for consecutive parts of `rows`, while the next parts are already being decoded."""
        parts = deque(rows[start : start + batch] for start in range(0, len(rows), batch))
        begun: deque[Pixels] = deque()
        while parts or begun:
            while parts and len(begun) <= AHEAD:
                begun.append(self.begin(parts.popleft()))
            yield begun.popleft()()

    def begin(self, rows: np.ndarray, into: np.ndarray | None = None) -> Pixels:
        """Let the threads decode pictures, and return what waits for them and gives what `pixels` gives.

        Parameters
        ----------
        rows
            int64 (n,).
        into
            uint8 (n, 3, size, size) to write the pixels into; None for new memory.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="pictures")
        pixels = np.empty((len(rows), 3, self.size, self.size), dtype=np.uint8) if into is None else into
        ok = np.ones(len(rows), dtype=bool)
        jobs = [
            self._pool.submit(self._fill, rows[part], pixels[part], ok[part])
            for part in (slice(start, start + TOGETHER) for start in range(0, len(rows), TOGETHER))
        ]

        def wait() -> tuple[np.ndarray, np.ndarray]:
            for job in jobs:
                job.result()
            return pixels, ok

        return wait

    def _fill(self, rows: np.ndarray, pixels: np.ndarray, ok: np.ndarray) -> None:
        """Write pictures into `pixels`, uint8 (n, 3, size, size), and into `ok`, bool (n,), which could be opened."""
        if self.store is None:
            for place, row in enumerate(rows.tolist()):
                made = self._opened(self.paths[row])
                ok[place], pixels[place] = made is not None, 0 if made is None else made
            return
        unkept = {}
        for row in rows[~self.store.knows(rows)].tolist():
            made = self._opened(self.paths[row])
            if not self.store.write(row, made):
                unkept[row] = made
        self.store.read(rows, pixels, ok)
        for place, row in enumerate(rows.tolist() if unkept else ()):
            if row in unkept:
                ok[place], pixels[place] = unkept[row] is not None, 0 if unkept[row] is None else unkept[row]

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

    centre, spread = (
        on_device(np.array(one, dtype=np.float32), pixels.device)[:, None, None] for one in (mean, std)
    )
    made = (pixels.float() / 255.0 - centre) / spread
    return made.contiguous(memory_format=torch.channels_last)


def pictures_at_once(size: int, device: str) -> int:
    """Return how many pictures of `size` pixels per side best go through a network together.

    On a CPU as many as its caches hold; on a GPU enough to fill it and to give it work for as long as the next ones take to start, few
    enough that the inner values of a network in training fit.
    """
    at_224 = 128 if runs_behind(device) else 16
    return int(np.clip(at_224 * 224**2 // size**2, 1, 4 * at_224))


def without_broken(picture: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """Return rows of pictures, int64 of any shape, with -1 where there is none or it cannot be opened."""
    known = np.append(ok, False)
    return np.where(known[picture], picture, -1)
