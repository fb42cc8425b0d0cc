"""Pixels of pictures for a device that does not wait: kept there where they all fit, else decoded ahead of the step that wants them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.toolkit.pictures.table import PictureTable, Pixels

__all__ = ["PixelFeed"]

MOST_KEPT = 3 << 29
"""Bytes of pixels that are kept on a device: 10,000 pictures of 224 pixels per side. What does not fit comes as fast as it is used."""

WAITING = 2
"""Batches that were told of and have not come."""


class PixelFeed:
    """Gives batches of a table's pictures on a device.

    Parameters
    ----------
    table
        The p pictures.
    device
        Where their pixels go.
    most_kept
        Bytes of pixels that may stay there.
    """

    def __init__(self, table: PictureTable, device: str, *, most_kept: int = MOST_KEPT) -> None:
        self.table, self.device, self.most_kept = table, device, most_kept
        self._kept: Tensor | None = None
        self._begun: dict[bytes, tuple[Tensor, Pixels]] = {}

    @property
    def keeps(self) -> bool:
        """Whether all pictures fit on the device."""
        return len(self.table) * 3 * self.table.size**2 <= self.most_kept

    def expect(self, rows: np.ndarray) -> None:
        """Begin to decode pictures, int64 (n,), that will be asked for soon."""
        if not self.keeps:
            if len(self._begun) >= WAITING:
                self._begun.pop(next(iter(self._begun)))
            self._begun[rows.tobytes()] = self._begin(rows)

    def pixels(self, rows: np.ndarray) -> Tensor:
        """Return pictures, int64 (n,), as uint8 (n, 3, size, size) on the device; zeros where one cannot be opened."""
        if self.keeps:
            return self._all()[on_device(rows, self.device)]
        told = rows.tobytes()
        memory, wait = self._begun.pop(told) if told in self._begun else self._begin(rows)
        wait()
        return memory.to(self.device, non_blocking=memory.is_pinned())

    def _begin(self, rows: np.ndarray) -> tuple[Tensor, Pixels]:
        """Let the threads decode into memory that a GPU copies from behind its other work."""
        pinned = torch.device(self.device).type == "cuda"
        size = self.table.size
        memory = torch.empty((len(rows), 3, size, size), dtype=torch.uint8, pin_memory=pinned)
        return memory, self.table.begin(rows, memory.numpy())

    def _all(self) -> Tensor:
        if self._kept is None:
            self._kept = torch.cat([*self._parts()])
        return self._kept

    def _parts(self) -> Iterator[Tensor]:
        for pixels, _ in self.table.batches(np.arange(len(self.table)), 256):
            yield on_device(pixels, self.device)
