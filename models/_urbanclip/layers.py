"""Transformer layers, and the pooling of a picture into a few vectors by learned questions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn


class Attention(nn.Module):
    """Attention of queries to keys that are values too.

    Parameters
    ----------
    dim, heads
        Length of vectors; heads, which divide it.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask, self.tell, self.out = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)

    def forward(self, query: Tensor, seen: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (b, q, dim) of queries (b, q, dim) and what they see (b, k, dim); `mask` is bool (b or 1, q, k), True where allowed."""
        key, value = self.tell(seen).chunk(2, dim=-1)
        allowed = None if mask is None else mask[:, None]
        made = F.scaled_dot_product_attention(
            self._split(self.ask(query)), self._split(key), self._split(value), attn_mask=allowed
        )
        joined: Tensor = self.out(made.transpose(1, 2).flatten(2))
        return joined

    def _split(self, one: Tensor) -> Tensor:
        return one.reshape(*one.shape[:2], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """Self-attention, attention to something else where `crossed`, and a feed-forward part; normalised before each.

    Parameters
    ----------
    dim, heads
        Of the attention.
    crossed
        Whether it also attends to what `forward` is given as `seen`.
    """

    def __init__(self, dim: int, heads: int, *, crossed: bool = False) -> None:
        super().__init__()
        self.own_norm, self.own = nn.LayerNorm(dim), Attention(dim, heads)
        self.cross_norm = nn.LayerNorm(dim) if crossed else None
        self.cross = Attention(dim, heads) if crossed else None
        self.wide = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        )

    def forward(self, states: Tensor, mask: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """Return states (b, t, dim) after the layer."""
        own = self.own_norm(states)
        states = states + self.own(own, own, mask)
        if self.cross is not None and self.cross_norm is not None and seen is not None:
            states = states + self.cross(self.cross_norm(states), seen)
        made: Tensor = states + self.wide(states)
        return made


class Pooler(nn.Module):
    """Learned queries that read a picture (attentional pooling of CoCa; Yu et al. 2022, Section 3.2).

    Parameters
    ----------
    dim, heads
        Of the attention.
    queries
        Number of queries.
    """

    def __init__(self, dim: int, heads: int, queries: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(queries, dim) * dim**-0.5)
        self.before, self.attention, self.after = nn.LayerNorm(dim), Attention(dim, heads), nn.LayerNorm(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (b, queries, dim) of tokens (b, k, dim)."""
        queries = self.queries.expand(len(tokens), -1, -1)
        made: Tensor = self.after(self.attention(queries, self.before(tokens)))
        return made


def causal_mask(length: int, device: torch.device) -> Tensor:
    """Return bool (1, t, t): True where a place may see another, itself and those before it."""
    return torch.ones(1, length, length, dtype=torch.bool, device=device).tril()
