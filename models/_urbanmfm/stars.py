"""Star graphs: a centre joined to its neighbours, weighted by inverse distance; sampling of their positive graphs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from urbanbench.toolkit.training.transfer import on_device


@dataclass(frozen=True, eq=False)
class Stars:
    """b graphs of up to k + 1 nodes in slots, slot 0 the centre.

    Parameters
    ----------
    node
        int64 (b, k + 1): row of the unit in each slot.
    present
        bool (b, k + 1): slots in use; the centre always is.
    distance_m
        float32 (b, k): metres from the centre to each neighbour.
    """

    node: Tensor
    present: Tensor
    distance_m: Tensor

    def __len__(self) -> int:
        return len(self.node)

    def weights(self) -> Tensor:
        """Inverse distances (no distance counts as less than 1 m), scaled to sum 1 per graph; 0 in empty slots. (b, k)."""
        raw = self.present[:, 1:] / self.distance_m.clamp(min=1.0)
        return raw / raw.sum(dim=1, keepdim=True).clamp(min=torch.finfo(raw.dtype).tiny)

    def to(self, device: str) -> Stars:
        """Return the graphs on a device, where graph encoders take them."""
        return Stars(*(on_device(one, device) for one in (self.node, self.present, self.distance_m)))

    def without(self, dropped: Tensor) -> Stars:
        """Return the graphs without the nodes marked in `dropped`, bool (b, k + 1)."""
        return Stars(self.node, self.present & ~dropped, self.distance_m)


@dataclass(frozen=True, eq=False)
class StarTable:
    """The star of every unit of a city: its nearest neighbours and their distances.

    Parameters
    ----------
    neighbour
        int64 (n, k), -1 where there is none.
    distance_m
        float32 (n, k).
    """

    neighbour: np.ndarray
    distance_m: np.ndarray

    def take(self, rows: np.ndarray, device: str) -> Stars:
        """Return the stars of some units; whoever draws from them takes them on the CPU."""
        node = np.column_stack([rows, self.neighbour[rows]])
        parts = (np.maximum(node, 0), node >= 0, self.distance_m[rows])
        return Stars(*(on_device(one, device) for one in parts))


def draw_drops(present: np.ndarray, rng: np.random.Generator, *, share: float) -> np.ndarray:
    """Choose neighbours to leave out: ⌊share · neighbours⌋ of each graph, uniformly; never the centre.

    Parameters
    ----------
    present
        bool (b, k + 1).
    rng
        Source of randomness.
    share
        For example 0.1.

    Returns
    -------
    numpy.ndarray
        bool (b, k + 1).
    """
    score = np.where(present[:, 1:], rng.random(present[:, 1:].shape), np.inf)
    rank = score.argsort(axis=1).argsort(axis=1)
    # The small term keeps 0.1 · 30 = 3.0000000000000004 and its like on the right side of the floor.
    count = np.floor(present[:, 1:].sum(axis=1) * share + 1e-9)
    return np.column_stack([np.zeros(len(present), dtype=bool), rank < count[:, None]])


def draw_modalities(available: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw for every node of the positive graphs which of its modalities stands for it, uniformly; 0 keeps the text.

    Where a graph would keep all its texts although a node of it could be replaced, one such node, drawn uniformly, is replaced.

    Parameters
    ----------
    available
        bool (b, k + 1, m): modalities a node has; modality 0 (text) always.
    present
        bool (b, k + 1).
    rng
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        int64 (b, k + 1).
    """
    usable = available & present[..., None]
    usable[..., 0] = True
    chosen = np.where(usable, rng.random(usable.shape), -1.0).argmax(axis=2)
    other = np.where(usable[..., 1:], rng.random(usable[..., 1:].shape), -1.0)
    replaceable = usable[..., 1:].any(axis=2)
    lacking = np.flatnonzero(~chosen.any(axis=1) & replaceable.any(axis=1))
    score = np.where(replaceable, rng.random(replaceable.shape), -1.0)
    slot = score[lacking].argmax(axis=1)
    chosen[lacking, slot] = 1 + other[lacking, slot].argmax(axis=1)
    return np.asarray(chosen, dtype=np.int64)
