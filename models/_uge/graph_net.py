"""UGE-lite's graph tower: node vectors, read out as one vector of each graph."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._uge.texts import BUMPS, bumps
from urbanbench.toolkit.graphs._node_net import SCALES, GraphSizes, NodeEncoder, place_waves, softmax_within
from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["Asked", "GraphEncoder", "place_from_centre", "places_of"]

ASKED_HEADS, ASKED_DIM = 4, 32
"""Heads by which a text attends to nodes, and the length of a key."""
FIRST_LIKENESS = 10.0
"""What the cosine of two texts counts at first."""


class GraphEncoder(nn.Module):
    """Encodes all graphs of a batch at once.

    A node is the vector of its text beside that of its place; layers of attention along edges follow, each with a residual and a
    normalisation, then two layers of output. A graph is read out as its first node, the mean of its nodes, and what the text beside it attends to.
    """

    def __init__(self, sizes: GraphSizes) -> None:
        super().__init__()
        dim = sizes.dim
        self.nodes = NodeEncoder(sizes, dim, places=places_of, place_inputs=4 * SCALES + len(BUMPS) + 2)
        self.asked = Asked(sizes.text_dim, dim)
        self.read = nn.Linear((2 + ASKED_HEADS) * dim, sizes.out)

    def forward(self, batch: Batch, texts: Tensor, asked: Tensor) -> Tensor:
        """Return vectors (g, dim) of graphs.

        Parameters
        ----------
        batch
            The g graphs.
        texts
            (k, text_dim): frozen vectors of the distinct texts.
        asked
            (g, text_dim): the frozen vector of the text beside each graph, zeros where there is none.
        """
        nodes = self.nodes(batch, texts)
        sizes = np.bincount(batch.graph_of, minlength=len(batch))
        start = on_device(np.cumsum(sizes) - sizes, nodes.device)
        share = on_device((1.0 / sizes[batch.graph_of]).astype(np.float32), nodes.device)
        graph_of = on_device(batch.graph_of, nodes.device)
        weights = self.asked(nodes, texts[on_device(batch.text, nodes.device)], asked, graph_of)
        parts = [take_rows(nodes, on_device(batch.first, nodes.device)), _summed(nodes, share, start)]
        parts += [_summed(nodes, one, start) for one in weights]
        made: Tensor = self.read(torch.cat(parts, dim=1))
        return made


class Asked(nn.Module):
    """How much a text attends to each node of the graph beside it: by how alike the frozen vectors of the two texts are, and by learned keys.

    Without a text the weights are equal at first, and learned keys alone tell nodes apart.
    """

    def __init__(self, text_dim: int, dim: int) -> None:
        super().__init__()
        self.likeness = nn.Parameter(torch.full((ASKED_HEADS,), FIRST_LIKENESS))
        self.query = nn.Linear(text_dim, ASKED_HEADS * ASKED_DIM)
        self.key = nn.Linear(dim, ASKED_HEADS * ASKED_DIM, bias=False)

    def forward(self, nodes: Tensor, texts: Tensor, asked: Tensor, graph_of: Tensor) -> list[Tensor]:
        """Return the weights (n,) of every head, which sum to 1 in every graph.

        Parameters
        ----------
        nodes, texts
            (n, dim) and (n, text_dim): vectors of nodes, and the frozen ones of their texts.
        asked
            (g, text_dim).
        graph_of
            int64 (n,).
        """
        alike = (F.normalize(texts, dim=1) * take_rows(F.normalize(asked, dim=1), graph_of)).sum(dim=1)
        query = take_rows(self.query(asked), graph_of).view(-1, ASKED_HEADS, ASKED_DIM)
        key = self.key(nodes).view(-1, ASKED_HEADS, ASKED_DIM)
        score = (query * key).sum(dim=2) / ASKED_DIM**0.5 + alike[:, None] * self.likeness
        return [softmax_within(score[:, [k]], graph_of, len(asked))[:, 0] for k in range(ASKED_HEADS)]


def places_of(offset_m: np.ndarray) -> np.ndarray:
    """Return what is read of offsets (n, 2), metres, float32 (n, 4 * SCALES + bumps + 2): waves, and `place_from_centre`."""
    return np.hstack([place_waves(offset_m), place_from_centre(offset_m)])


def place_from_centre(offset_m: np.ndarray) -> np.ndarray:
    """Return how far off and in which direction places (n, 2) lie, float32 (n, bumps + 2): the distance as texts' numbers are read, sine and cosine of the bearing."""
    away = np.hypot(*offset_m.T.astype(np.float64))
    toward = offset_m / np.maximum(away, 1e-9)[:, None]
    return np.hstack([bumps(away), toward]).astype(np.float32)


def _summed(nodes: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """Return weighted sums of consecutive runs of nodes, (g, dim)."""
    rows = torch.arange(len(nodes), device=nodes.device)
    return F.embedding_bag(rows, nodes, start, mode="sum", per_sample_weights=weight)
