"""Fusion of two modalities of one thing: attention from each to the other, then a gate (Eqs. 23-25)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.errors import BadInput


class OneKeyAttention(nn.Module):
    """Multi-head attention to a single key.

    The softmax over one key is 1 whatever query and key say, so neither needs weights: what is left of
    ``nn.MultiheadAttention(dim, heads, dropout)`` is its value and output projection, to which this layer is equal.

    Parameters
    ----------
    dim
        Length of the vectors.
    heads
        Parts of a value that dropout leaves out as a whole; divides `dim`.
    dropout
        On attention, in training only.
    """

    def __init__(self, dim: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        if dim % heads:
            msg = f"Fusion of vectors of length {dim} has {heads} attention heads. Expected a number that divides {dim}."
            raise BadInput(msg)
        self.heads, self.dropout = heads, dropout
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.value.weight)
        nn.init.zeros_(self.value.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, key: Tensor) -> Tensor:
        """Return what a query takes from its only key, (n, dim)."""
        value: Tensor = self.value(key)
        if self.training and self.dropout:
            share = F.dropout(value.new_ones(len(value), self.heads, 1), self.dropout)
            value = (value.view(len(value), self.heads, -1) * share).flatten(1)
        out: Tensor = self.out(value)
        return out


class Fusion(nn.Module):
    """Residual attention of two vectors to one another and a gate between them.

    With x and y the inputs, each through its own linear layer, ReLU, LayerNorm and dropout::

        x' = x + attention(x → y);   y' = y + attention(y → x)     (Eq. 23)
        g  = sigmoid(W [x', y'] + b)                               (Eq. 24)
        E  = g · x' + (1 - g) · y'                                 (Eq. 25)

    Parameters
    ----------
    dim
        Length d of both vectors and of the result.
    heads, dropout
        Attention heads; dropout on inputs and attention, in training only.
    gate_relu
        Put ReLU before the sigmoid, as Eq. 24 is printed. Then g is at least 1/2, so the first vector always has the larger part.

    Raises
    ------
    BadInput
        `heads` does not divide `dim`.
    """

    def __init__(self, dim: int, *, heads: int, dropout: float, gate_relu: bool = False) -> None:
        super().__init__()
        self.gate_relu = gate_relu
        self.first = _entry(dim, dropout)
        self.second = _entry(dim, dropout)
        self.to_second = OneKeyAttention(dim, heads=heads, dropout=dropout)
        self.to_first = OneKeyAttention(dim, heads=heads, dropout=dropout)
        self.gate = nn.Linear(2 * dim, dim)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the fused vectors (n, d) of `first` and `second`, both (n, d); things without a second vector go past it."""
        x, y = self.first(first), self.second(second)
        x, y = x + self.to_second(y), y + self.to_first(x)
        logit = self.gate(torch.cat([x, y], dim=1))
        share = torch.sigmoid(F.relu(logit) if self.gate_relu else logit)
        fused: Tensor = share * x + (1 - share) * y
        return fused


def _entry(dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.LayerNorm(dim), nn.Dropout(dropout))
