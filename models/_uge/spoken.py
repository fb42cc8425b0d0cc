"""Nodes of a graph read as the text tower reads clauses, so that a graph lies near the texts that tell of it from the start."""

from __future__ import annotations

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

    def forward(self, batch: Batch, texts: Tensor, tower: TextTower, weights: Tensor) -> Tensor:
        """Return vectors (g, dim) of graphs.

        Parameters
        ----------
        batch, texts
            The g graphs of n nodes together, and frozen vectors (k, given) of the distinct texts.
        tower
            Whose layers read.
        weights
            (n, parts): how much a node counts in each.
        """
        nodes = tower.bent(self._clauses(batch, texts, tower.first))
        sums = tower.whole(summed(nodes, weights, batch.graph_of))
        made: Tensor = self.mix(sums.flatten(start_dim=1))
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


def summed(nodes: Tensor, weights: Tensor, graph_of: np.ndarray) -> Tensor:
    """Return weighted sums of the nodes of each graph, (g, k, dim), as one product of matrices a graph.

    Parameters
    ----------
    nodes
        (n, dim): of graphs behind one another.
    weights
        (n, k): how much a node counts in each sum.
    graph_of
        int64 (n,): which graph a node belongs to; rising, none left out.
    """
    sizes = np.bincount(graph_of)
    place = np.arange(len(graph_of)) - (np.cumsum(sizes) - sizes)[graph_of]
    row = on_device(graph_of * sizes.max() + place, nodes.device)
    parts = [
        one.new_zeros((len(sizes) * int(sizes.max()), one.shape[1]))
        .index_copy(0, row, one)
        .view(len(sizes), -1, one.shape[1])
        for one in (weights, nodes)
    ]
    made: Tensor = parts[0].transpose(1, 2) @ parts[1]
    return made
