"""What reads sentences: a small transformer from scratch, a frozen sentence encoder, or CLIP's text tower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanclip.layers import Layer, causal_mask

if TYPE_CHECKING:
    from urbanbench.models._urbanclip.words import Sentences
    from urbanbench.toolkit.pictures._clip_nets import Clip

STD = 0.02
"""Spread of first word and place vectors."""


class TextTower(nn.Module):
    """Reads the sentences of a city by their rows.

    The states of a sentence may depend on earlier words only: the decoder predicts the next one from them.

    Attributes
    ----------
    width, out, n_words
        Length of states and of sentence vectors; numbers of words there are.
    """

    width: int
    out: int
    n_words: int

    def __init__(self, ids: np.ndarray, length: np.ndarray, n_words: int, device: str) -> None:
        super().__init__()
        # No buffers: they would be copied and compared with the weights at every check.
        self._ids, self._length = torch.from_numpy(ids).to(device), torch.from_numpy(length).to(device)
        self.n_words = n_words

    def words(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return numbers int64 (b, t) cut to the longest of these sentences, and bool (b, t): which are no padding."""
        length = self._length[rows]
        longest = int(length.max())
        ids = self._ids[rows, :longest]
        return ids, torch.arange(longest, device=ids.device) < length[:, None]

    def forward(self, ids: Tensor, real: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return sentence vectors (b, out) and states (b, t, width) of what `words` gave for `rows`."""
        raise NotImplementedError


class ScratchText(TextTower):
    """A causal transformer with a learned last token that reads the whole sentence (CoCa's unimodal decoder).

    Parameters
    ----------
    sentences
        The city's sentences.
    dim, heads, layers
        Of the transformer.
    device
        Where the sentences are.
    """

    def __init__(self, sentences: Sentences, *, dim: int, heads: int, layers: int, device: str) -> None:
        super().__init__(sentences.ids, sentences.length, sentences.n_words, device)
        self.width = self.out = dim
        self.word = nn.Embedding(self.n_words, dim)
        self.place = nn.Parameter(torch.randn(sentences.ids.shape[1], dim) * STD)
        self.summary = nn.Parameter(torch.randn(dim) * STD)
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(layers))
        self.norm, self.sentence_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        nn.init.normal_(self.word.weight, std=STD)

    def forward(self, ids: Tensor, real: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return sentence vectors (b, dim) and states (b, t, dim)."""
        del rows
        states = self.word(ids) + self.place[: ids.shape[1]]
        states = torch.cat([states, self.summary.expand(len(ids), 1, -1)], dim=1)
        # Words see no padding, which comes after them; the last token must be told.
        allowed = causal_mask(states.shape[1], ids.device).repeat(len(ids), 1, 1)
        allowed[:, -1, :-1] = real
        for layer in self.layers:
            states = layer(states, allowed)
        return self.sentence_norm(states[:, -1]), self.norm(states[:, :-1])


class FrozenText(TextTower):
    """Vectors of a frozen sentence encoder; the decoder starts from word vectors of its own.

    Parameters
    ----------
    sentences
        The city's sentences.
    features
        float32 (s, out): what the encoder says of them.
    dim
        Length of word vectors.
    device
        Where the sentences are.
    """

    def __init__(self, sentences: Sentences, features: np.ndarray, *, dim: int, device: str) -> None:
        super().__init__(sentences.ids, sentences.length, sentences.n_words, device)
        self.width, self.out = dim, features.shape[1]
        self._features = torch.from_numpy(features).to(device)
        self.word = nn.Embedding(self.n_words, dim)
        self.place = nn.Parameter(torch.randn(sentences.ids.shape[1], dim) * STD)
        nn.init.normal_(self.word.weight, std=STD)

    def forward(self, ids: Tensor, real: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the encoder's vectors (b, out) and word vectors (b, t, dim)."""
        del real
        return self._features[rows], self.word(ids) + self.place[: ids.shape[1]]


class ClipText(TextTower):
    """CLIP's text tower, causal by itself.

    Parameters
    ----------
    clip
        The model; its text part is trained where `trained`.
    sentences
        Distinct sentences.
    most
        Tokens of the longest one.
    trained
        Whether its weights change.
    device
        Where the sentences are.
    """

    def __init__(
        self, clip: Clip, sentences: tuple[str, ...], *, most: int, trained: bool, device: str
    ) -> None:
        model: Any = clip.model
        config = model.config.text_config
        longest = min(most, int(config.max_position_embeddings))
        made = clip.tokenizer(
            list(sentences), padding=True, truncation=True, max_length=longest, return_tensors="np"
        )
        length = made["attention_mask"].sum(axis=1).astype(np.int64)
        super().__init__(made["input_ids"].astype(np.int64), length, int(config.vocab_size), device)
        self.width, self.out, self.trained = (
            int(config.hidden_size),
            int(model.config.projection_dim),
            trained,
        )
        self.model, self.project = model.text_model, model.text_projection
        self.requires_grad_(trained)

    def forward(self, ids: Tensor, real: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return CLIP's sentence vectors (b, out) and states (b, t, width)."""
        del rows
        with torch.set_grad_enabled(self.trained and torch.is_grad_enabled()):
            made = self.model(input_ids=ids, attention_mask=real.long())
            return self.project(made.pooler_output), made.last_hidden_state
