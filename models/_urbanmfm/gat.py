"""Graph attention on star graphs (Eq. 5), computed densely: in a star every node's neighbours are known by its slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.errors import UnknownName

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.stars import Stars

READOUTS = ("mean", "center")


class StarAttention(nn.Module):
    """One layer of graph attention (Velickovic et al. 2018) with edge weights, on stars.

    Each node attends to itself and its neighbours: a leaf to the centre, the centre to all leaves. The logit of an edge is
    ``leaky_relu(a_from · W x_from + a_to · W x_to + a_edge · W_edge w)``; the weight of a node's edge to itself is the mean of the
    weights of the edges that lead to it, as in PyTorch Geometric's ``GATConv(edge_dim=1)``, to which this layer is equal.

    Parameters
    ----------
    inner
        Length of the node vectors.
    outer
        Length of a head's output; heads are joined end to end.
    heads
        Number of heads.
    dropout
        On attention, in training only.
    """

    def __init__(self, inner: int, outer: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.outer, self.dropout = heads, outer, dropout
        self.linear = nn.Linear(inner, heads * outer, bias=False)
        self.edge = nn.Linear(1, heads * outer, bias=False)
        self.sender = nn.Parameter(torch.empty(heads, outer))
        self.receiver = nn.Parameter(torch.empty(heads, outer))
        self.edge_attention = nn.Parameter(torch.empty(heads, outer))
        self.bias = nn.Parameter(torch.zeros(heads * outer))
        for one in (self.linear.weight, self.edge.weight, self.sender, self.receiver, self.edge_attention):
            nn.init.xavier_uniform_(one)

    def forward(self, nodes: Tensor, present: Tensor, weights: Tensor) -> Tensor:
        """Return new node vectors.

        Parameters
        ----------
        nodes
            (b, k + 1, inner); slot 0 is the centre.
        present
            bool (b, k + 1).
        weights
            (b, k): weight of the edge between each leaf and the centre; 0 for empty slots.

        Returns
        -------
        torch.Tensor
            (b, k + 1, heads · outer); rows of empty slots mean nothing.
        """
        made = self.linear(nodes).unflatten(2, (self.heads, self.outer))
        sent, received = (made * self.sender).sum(-1), (made * self.receiver).sum(-1)
        own_weight = torch.cat(
            [weights.sum(1, keepdim=True) / present[:, 1:].sum(1, keepdim=True).clamp(min=1), weights], dim=1
        )
        per_weight = (self.edge.weight.view(self.heads, self.outer) * self.edge_attention).sum(-1)
        itself = F.leaky_relu(sent + received + own_weight[..., None] * per_weight, 0.2)
        edge = weights[..., None] * per_weight
        outward = F.leaky_relu(sent[:, :1] + received[:, 1:] + edge, 0.2)
        inward = F.leaky_relu(sent[:, 1:] + received[:, :1] + edge, 0.2)
        leaves = self._leaves(made, itself[:, 1:], outward)
        centre = self._centre(made, torch.cat([itself[:, :1], inward], dim=1), present)
        return torch.cat([centre, leaves], dim=1).flatten(2) + self.bias

    def _leaves(self, made: Tensor, itself: Tensor, outward: Tensor) -> Tensor:
        """Let the leaves attend to themselves and to the centre, (b, k, heads, outer)."""
        share = self._drop(torch.stack([itself, outward]).softmax(0))
        return share[0].unsqueeze(-1) * made[:, 1:] + share[1].unsqueeze(-1) * made[:, :1]

    def _centre(self, made: Tensor, logits: Tensor, present: Tensor) -> Tensor:
        """Let the centre attend to itself and all leaves, (b, 1, heads, outer)."""
        share = self._drop(logits.masked_fill(~present[..., None], float("-inf")).softmax(1))
        return torch.einsum("bkh,bkhc->bhc", share, made).unsqueeze(1)

    def _drop(self, share: Tensor) -> Tensor:
        return F.dropout(share, self.dropout, training=self.training)


class GraphEncoder(nn.Module):
    """Two layers of attention over stars, several heads in the first, one in the second, and a readout.

    Parameters
    ----------
    dim
        Length of node and graph vectors.
    heads
        Heads of the first layer.
    head_dim
        Length of each head's output.
    dropout
        On features and on attention, in training only.
    readout
        "mean" over the nodes of a graph, or its "center".
    """

    def __init__(self, dim: int, *, heads: int, head_dim: int, dropout: float, readout: str) -> None:
        super().__init__()
        if readout not in READOUTS:
            raise UnknownName("readout", readout, READOUTS)
        self.dropout, self.readout = dropout, readout
        self.first = StarAttention(dim, head_dim, heads=heads, dropout=dropout)
        self.second = StarAttention(heads * head_dim, dim, heads=1, dropout=dropout)

    def nodes(self, stars: Stars, vectors: Tensor) -> Tensor:
        """Return the vectors of all slots after both layers, (b, k + 1, dim), from initial ones of the same shape."""
        weights = stars.weights()
        made = F.dropout(vectors, self.dropout, training=self.training)
        made = F.elu(self.first(made, stars.present, weights))
        made = F.dropout(made, self.dropout, training=self.training)
        out: Tensor = self.second(made, stars.present, weights)
        return out

    def forward(self, stars: Stars, vectors: Tensor) -> Tensor:
        """Return one vector per graph, (b, dim)."""
        made = self.nodes(stars, vectors)
        if self.readout == "center":
            return made[:, 0]
        share = stars.present / stars.present.sum(dim=1, keepdim=True)
        return torch.einsum("bk,bkd->bd", share, made)
