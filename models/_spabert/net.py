"""BERT with distances in both axes, and the head that guesses hidden tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

if TYPE_CHECKING:
    from urbanbench.models._spabert.sentences import Batch


def waves(distance: Tensor, dim: int) -> Tensor:
    """Return the sinusoidal embedding of distances (...), shape (..., dim): all sines, then all cosines.

    Frequency k of dim / 2 is ``10000 ** (-k / (dim / 2))``.
    """
    half = dim // 2
    steps = torch.arange(half, dtype=torch.float32, device=distance.device)
    angle = distance.float()[..., None] * torch.pow(10000.0, -steps / half)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class TokenHead(nn.Module):
    """BERT's masked-language head: a dense layer, GELU, LayerNorm, and the word embeddings as output layer.

    Parameters
    ----------
    dim
        Length of hidden states.
    vocabulary
        Number of tokens.
    """

    def __init__(self, dim: int, vocabulary: int, eps: float = 1e-12) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, hidden: Tensor, words: Tensor) -> Tensor:
        """Return logits (m, vocabulary) of hidden states (m, dim), given word embeddings (vocabulary, dim)."""
        return F.linear(self.norm(F.gelu(self.dense(hidden))), words, self.bias)

    @torch.no_grad()
    def start_at(self, frequency: Tensor) -> None:
        """Make a new head guess by frequency (vocabulary,) alone, more or less.

        The bias is the logarithm of the frequency, the dense layer the identity, and the gain so small that hidden states move the
        logits little. A random head would first have to unlearn its own guesses, for which short training has no time.
        """
        nn.init.eye_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        nn.init.constant_(self.norm.weight, self.dense.in_features**-0.5)
        self.bias.copy_(frequency.log())


class SpatialBert(nn.Module):
    """BERT whose token embedding has the distances of the token's entity from the pivot in it.

    A token's embedding is ``word + scale * S(east) + scale * S(north) + position``, then LayerNorm and dropout. Token types have no
    part in it.

    Parameters
    ----------
    bert
        A transformers BertModel.
    head
        Guesses tokens.
    scale
        Weight of the distance embeddings.
    """

    def __init__(self, bert: Any, head: TokenHead, scale: float) -> None:
        super().__init__()
        bert.pooler = None  # never used: its weights would get no gradient
        types = bert.embeddings.token_type_embeddings.weight
        types.requires_grad_(requires_grad=False)
        types.data.zero_()
        self.bert, self.head, self.scale = bert, head, scale
        self.dim = int(bert.config.hidden_size)

    def forward(self, token: Tensor, offset: Tensor, seen: Tensor) -> Tensor:
        """Return the last hidden states (b, l, dim) of tokens (b, l) at offsets (b, l, 2), where attention reaches what is seen."""
        east, north = offset.unbind(dim=-1)
        where = waves(east, self.dim) + waves(north, self.dim)
        made = self.words(token) + self.scale * where
        hidden: Tensor = self.bert(inputs_embeds=made, attention_mask=seen.long()).last_hidden_state
        return hidden

    def words(self, token: Tensor) -> Tensor:
        """Return the word embeddings of tokens."""
        made: Tensor = self.bert.embeddings.word_embeddings(token)
        return made

    def logits(self, hidden: Tensor) -> Tensor:
        """Return what the head guesses from hidden states (m, dim), (m, vocabulary)."""
        made: Tensor = self.head(hidden, self.bert.embeddings.word_embeddings.weight)
        return made


def read_batch(net: SpatialBert, batch: Batch, token: Tensor, device: str) -> Tensor:
    """Return the last hidden states of a batch with these tokens in place of its own."""
    offset, seen = torch.from_numpy(batch.offset), torch.from_numpy(batch.seen)
    hidden: Tensor = net(token.to(device), offset.to(device), seen.to(device))
    return hidden


def pivot_means(hidden: Tensor, entity: Tensor) -> Tensor:
    """Return the mean hidden state of each pivot's tokens, (b, dim), given the tokens' entities (b, l)."""
    weight = (entity == 0).unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)
