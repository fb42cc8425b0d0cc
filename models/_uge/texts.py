"""The text tower: a text is the sentences it consists of, each read by a frozen encoder and then by two trained layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.items import Item
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["MOST_SENTENCES", "TextTower", "sentences_of", "words_of"]

MOST_SENTENCES = 32
"""Sentences that are read of a text."""

_BETWEEN = re.compile(r"(?<=[.!?])\s+")


class TextTower(nn.Module):
    """Reads texts by their rows: the mean over the vectors of their sentences, each of which knows which one in order it is."""

    def __init__(self, given: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.first, self.place = nn.Linear(given, dim), nn.Embedding(MOST_SENTENCES, dim)
        nn.init.normal_(self.place.weight, std=0.1)
        self.second, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: np.ndarray, sentences: Groups, vectors: Tensor) -> Tensor:
        """Return (n, dim).

        Parameters
        ----------
        rows
            int64 (n,): texts.
        sentences
            Rows of `vectors` by text, in the order in which they stand.
        vectors
            (s, given): frozen vectors of the distinct sentences.
        """
        member, owner = sentences.take(rows)
        sizes = np.bincount(owner, minlength=len(rows))
        start = np.cumsum(sizes) - sizes
        place = on_device(np.arange(len(member)) - start[owner], vectors.device)
        states = self.first(vectors[on_device(member, vectors.device)]) + F.embedding(
            place, self.place.weight
        )
        states = self.second(self.dropout(F.gelu(states)))
        mean = F.embedding_bag(
            torch.arange(len(member), device=vectors.device),
            states,
            on_device(start, vectors.device),
            mode="mean",
        )
        made: Tensor = self.norm(mean)
        return made


def words_of(item: Item) -> str:
    """Return what the text tower reads of an item: what is wanted, then its text."""
    return " ".join(one for one in (item.instruction, item.text) if one)


def sentences_of(text: str) -> Sequence[str]:
    """Return the sentences of a text, at most `MOST_SENTENCES`.

    Examples
    --------
    >>> sentences_of("Find the place. 30 m north to a cafe.")
    ['Find the place.', '30 m north to a cafe.']
    """
    return _BETWEEN.split(text)[:MOST_SENTENCES]
