"""Nodes of a graph read as the text tower reads clauses, so that a graph lies near the texts that tell of it from the start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._uge.texts import BUMPS, NUMBERS_LONG, TextTower, bumps
from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["Spoken", "place_from_centre", "summed"]


class Spoken(nn.Module):
    """Reads nodes through the layers of the text tower: the words of a node, its distance from the picture as their first number, and its direction.

    Parameters
    ----------
    dim, parts
        Length of vectors; how many sums of nodes are read, which first enter alike.
    place
        Whether distance and direction are read.
    """

    def __init__(self, dim: int, parts: int, *, place: bool) -> None:
        super().__init__()
        self.toward = nn.Linear(2, dim, bias=False) if place else None
        self.mix = nn.Linear(parts * dim, dim)
        with torch.no_grad():
            self.mix.weight.copy_(torch.eye(dim).repeat(1, parts) / parts)
            self.mix.bias.zero_()

    def forward(
        self, batch: Batch, texts: Tensor, tower: TextTower, weights: Sequence[Tensor], start: Tensor
    ) -> Tensor:
        """Return vectors (g, dim) of graphs.

        Parameters
        ----------
        batch, texts
            The g graphs of n nodes together, and frozen vectors (k, given) of the distinct texts.
        tower
            Whose layers read.
        weights
            For each part (n,): how much a node counts.
        start
            int64 (g,): where the nodes of each graph begin.
        """
        nodes = tower.bent(self._clauses(batch, texts, tower.first))
        sums = [tower.whole(summed(nodes, one, start)) for one in weights]
        made: Tensor = self.mix(torch.cat(sums, dim=1))
        return made

    def _clauses(self, batch: Batch, texts: Tensor, first: nn.Linear) -> Tensor:
        """Return nodes (n, dim) behind the tower's first layer."""
        told, place = np.unique(batch.text, return_inverse=True)
        given = texts[on_device(told, texts.device)]
        row = on_device(place.reshape(-1), texts.device)
        if self.toward is None:
            return take_rows(first(given), row)
        words, wide = given.shape[1] - NUMBERS_LONG, len(BUMPS)
        moved = torch.cat([given[:, :words], torch.zeros_like(given[:, :wide]), given[:, words:-wide]], dim=1)
        lies = on_device(place_from_centre(batch.offset_m), texts.device)
        far = F.linear(lies[:, :wide], first.weight[:, words : words + wide])
        states: Tensor = take_rows(first(moved), row) + far + self.toward(lies[:, wide:])
        return states


def place_from_centre(offset_m: np.ndarray) -> np.ndarray:
    """Return how far off and in which direction places (n, 2) lie, float32 (n, bumps + 2): the distance as texts' numbers are read, sine and cosine of the bearing."""
    away = np.hypot(*offset_m.T.astype(np.float64))
    toward = offset_m / np.maximum(away, 1e-9)[:, None]
    return np.hstack([bumps(away), toward]).astype(np.float32)


def summed(nodes: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """Return weighted sums of consecutive runs of nodes, (g, dim)."""
    rows = torch.arange(len(nodes), device=nodes.device)
    return F.embedding_bag(rows, nodes, start, mode="sum", per_sample_weights=weight)
