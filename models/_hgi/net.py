"""HGI's trainable parts: POIs from their neighbours, regions from their POIs and from one another, and the two discriminators."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn

from urbanbench.models._hgi.activation import PReLU
from urbanbench.models._hgi.propagation import propagate
from urbanbench.models._hgi.segments import Segments


class Pooling(nn.Module):
    """Multi-head attention of one learned seed over the POIs of each region, all regions at once (Set Transformer's PMA).

    With seed s, q = s W_q + b_q and head h: o_h = q_h + Σ_i softmax_i(q_h · k_ih / √dim) v_ih over the region's POIs i; the pooled
    vector is o + relu(o W_o + b_o). Keys are never formed: q_h · k_ih = x_i · (W_k,h q_h), and a bias of the keys would cancel in the
    softmax. A region without POIs has o = q.

    Parameters
    ----------
    dim
        Length of all vectors, a multiple of `heads`.
    heads
        Number of heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, dim // heads
        self.seed = nn.Parameter(torch.empty(1, dim))
        nn.init.xavier_uniform_(self.seed)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, vectors: Tensor, segments: Segments) -> Tensor:
        """Return the pooled vectors (g, dim) of POIs (m, dim) that lie in runs, one run per region."""
        share = segments.softmax(self.logits(vectors))
        value = self.value(vectors).view(-1, self.heads, self.width)
        pooled = segments.sum((share[:, :, None] * value).view(len(vectors), -1))
        total = self.query(self.seed) + pooled
        made: Tensor = total + torch.relu(self.out(total))
        return made

    def logits(self, vectors: Tensor) -> Tensor:
        """Return the attention of each head before the softmax, (m, heads)."""
        query = self.query(self.seed).view(self.heads, 1, self.width)
        folded = (query @ self.key.weight.view(self.heads, self.width, -1)).squeeze(1)
        made: Tensor = vectors @ folded.T / sqrt(self.heads * self.width)
        return made


class HGINet(nn.Module):
    """The whole model.

    Parameters
    ----------
    features
        Length of a POI's features.
    dim
        Length of POI and region vectors.
    heads
        Heads of the pooling.
    """

    def __init__(self, features: int, dim: int, heads: int) -> None:
        super().__init__()
        self.poi_layer, self.poi_act = _graph_layer(features, dim), PReLU(dim)
        self.pooling = Pooling(dim, heads)
        self.region_layer, self.region_act = _graph_layer(dim, dim), PReLU(dim)
        self.poi_region = nn.Parameter(torch.empty(dim, dim).uniform_(-1 / sqrt(dim), 1 / sqrt(dim)))
        self.region_city = nn.Parameter(torch.empty(dim, dim).uniform_(-1 / sqrt(dim), 1 / sqrt(dim)))

    def encode_pois(self, smoothed: Tensor) -> Tensor:
        """Return POI vectors (n, dim) of features (n, features) that have already passed the graph.

        A graph convolution Â X W may take the product Â X first; of fixed features X it is needed once only.
        """
        made: Tensor = self.poi_act(self.poi_layer(smoothed))
        return made

    def join(self, pooled: Tensor, adjacency: Tensor) -> Tensor:
        """Return region vectors (g, dim) of pooled vectors (g, dim): a graph convolution over regions."""
        spread = propagate(adjacency, pooled @ self.region_layer.weight.T) + self.region_layer.bias
        made: Tensor = self.region_act(spread)
        return made

    def score_regions(self, regions: Tensor) -> Tensor:
        """Return what POI vectors are multiplied with, rows W r, (g, dim): the score of POI x and region r is x · (W r)."""
        return regions @ self.poi_region.T

    def score_city(self, city: Tensor) -> Tensor:
        """Return what region vectors are multiplied with, W c, (dim,)."""
        return self.region_city @ city


def summarise_city(regions: Tensor, share: Tensor) -> Tensor:
    """Return sigmoid(Σ_r a_r r) of region vectors (g, dim) and the shares of their area (g,), as (dim,)."""
    return torch.sigmoid(share @ regions)


def _graph_layer(features: int, dim: int) -> nn.Linear:
    """Weights of a graph convolution: Glorot, no bias at first."""
    layer = nn.Linear(features, dim)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
