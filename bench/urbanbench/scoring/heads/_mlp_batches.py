"""Batches of row numbers for seeds that train side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["Batches", "padded", "steps_per_epoch"]

_USUAL_SHARE = 0.6


def steps_per_epoch(n_units: int, batch_size: int) -> int:
    """Return the steps of an epoch: 60 % of all labelled units over the batch size, rounded up.

    It depends on the number of units only, not on the length of one seed's training part, so that all seeds step together
    and a seed trained alone makes the same steps.
    """
    return max(1, -(-int(_USUAL_SHARE * n_units) // batch_size))


class Batches:
    """Row numbers and weights of the steps of an epoch.

    Every seed deals its training rows to the steps as evenly as possible, so no batch is a small remainder; batches are
    padded with weight 0 to the longest.

    Parameters
    ----------
    rows
        Training rows per seed, int64 arrays that may differ in length.
    steps
        Steps of an epoch.
    generators
        Per seed the generator of the order of rows.
    """

    def __init__(
        self, rows: Sequence[np.ndarray], steps: int, generators: Sequence[np.random.Generator]
    ) -> None:
        self._rows, self._generators = rows, generators
        size = max(-(-len(part) // steps) for part in rows)
        ends = np.stack([np.arange(steps + 1) * len(part) // steps for part in rows])
        place = ends[:, :-1, None] + np.arange(size)
        inside = place < ends[:, 1:, None]
        self._place = np.where(inside, place, 0)
        self._weight = inside / np.maximum(np.diff(ends, axis=1), 1)[:, :, None]

    def weights(self, seeds: Sequence[int]) -> np.ndarray:
        """Return float32 (steps, seeds, size, 1): 1 / rows of the batch, and 0 in the padding."""
        return np.ascontiguousarray(self._weight[list(seeds)].swapaxes(0, 1)[..., None], dtype=np.float32)

    def shuffled(self, seeds: Sequence[int]) -> np.ndarray:
        """Return row numbers int64 (steps, seeds, size) of a new epoch."""
        dealt = [self._generators[s].permutation(self._rows[s])[self._place[s]] for s in seeds]
        return np.stack(dealt, axis=1)


def padded(rows: Sequence[np.ndarray], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return row numbers (seeds, m) padded with row 0, and weights (seeds, m, 1): 1 / rows, and 0 in the padding."""
    size = max(len(part) for part in rows)
    index = np.zeros((len(rows), size), dtype=np.int64)
    weight = np.zeros((len(rows), size, 1), dtype=np.float32)
    for k, part in enumerate(rows):
        index[k, : len(part)] = part
        weight[k, : len(part)] = 1 / max(len(part), 1)
    return torch.from_numpy(index).to(device), torch.from_numpy(weight).to(device)
