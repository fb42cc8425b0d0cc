"""UGE-lite's graph tower: node vectors, read out as one vector of each graph."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.graphs._node_net import GraphSizes, NodeEncoder, softmax_within
from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["GraphEncoder"]


class GraphEncoder(nn.Module):
    """Encodes all graphs of a batch at once.

    A graph is read out as its first node, the mean of its nodes, and what a question attends to.
    """

    def __init__(self, sizes: GraphSizes, asked_dim: int) -> None:
        super().__init__()
        dim = sizes.dim
        self.nodes = NodeEncoder(sizes)
        self.ask, self.answer = nn.Linear(asked_dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.read = nn.Linear(3 * dim, dim)

    def forward(self, batch: Batch, texts: Tensor, asked: Tensor) -> Tensor:
        """Return vectors (g, dim) of graphs.

        Parameters
        ----------
        batch
            The g graphs.
        texts
            (k, text_dim): frozen vectors of the distinct texts.
        asked
            (g, asked_dim): the text that stands beside each graph, zeros where there is none.
        """
        nodes = self.nodes(batch, texts)
        graph_of = on_device(batch.graph_of, nodes.device)
        sizes = np.bincount(batch.graph_of, minlength=len(batch))
        start = on_device(np.cumsum(sizes) - sizes, nodes.device)
        share = on_device((1.0 / sizes[batch.graph_of]).astype(np.float32), nodes.device)
        mean = _summed(nodes, share, start)
        score = (take_rows(self.ask(asked), graph_of) * self.answer(nodes)).sum(dim=1) / nodes.shape[1] ** 0.5
        attended = _summed(nodes, softmax_within(score[:, None], graph_of, len(batch))[:, 0], start)
        first = take_rows(nodes, on_device(batch.first, nodes.device))
        made: Tensor = self.read(torch.cat([first, mean, attended], dim=1))
        return made


def _summed(nodes: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """Return weighted sums of consecutive runs of nodes, (g, dim)."""
    rows = torch.arange(len(nodes), device=nodes.device)
    return F.embedding_bag(rows, nodes, start, mode="sum", per_sample_weights=weight)
