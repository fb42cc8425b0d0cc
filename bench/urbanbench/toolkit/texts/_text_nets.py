"""Text encoders as torch modules: a Hugging Face model with pooling, and hashed words that need no weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["HashedWords", "PooledTransformer", "TextEncoder", "load_transformer", "quiet_transformers"]

LONGEST = 64
"""Tokens kept of a text; POI texts are a name and a few tags."""


class TextEncoder(nn.Module):
    """Turns texts into vectors (n, dim) in two steps, so that the tokens can be made once."""

    name: str
    dim: int

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return what `forward` takes, on the CPU."""
        raise NotImplementedError

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Return float32 (n, dim)."""
        raise NotImplementedError


class PooledTransformer(TextEncoder):
    """A transformer whose token vectors are averaged over the real tokens, or whose first token is taken.

    Parameters
    ----------
    name
        Name for results.
    model, tokenizer
        A Hugging Face encoder and its tokenizer.
    pool
        "mean" (over tokens that are not padding) or "cls" (UrbanMFM Eq. 3 as printed).
    """

    def __init__(self, name: str, model: nn.Module, tokenizer: Any, pool: str) -> None:
        super().__init__()
        self.name, self.model, self.tokenizer, self.pool = name, model, tokenizer, pool
        self.dim = int(model.config.hidden_size)  # type: ignore[union-attr, arg-type]  # every transformers config has it

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return token ids and the attention mask, padded to the longest text."""
        made = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        return {"input_ids": made["input_ids"], "attention_mask": made["attention_mask"]}

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Return float32 (n, dim)."""
        hidden: Tensor = self.model(**tokens).last_hidden_state
        if self.pool == "cls":
            return hidden[:, 0]
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


class HashedWords(TextEncoder):
    """Mean of one vector per word, the vectors drawn at random for hash buckets; trainable, no weights to load.

    Parameters
    ----------
    dim
        Length of a vector.
    buckets
        Number of different word vectors.
    """

    def __init__(self, dim: int, buckets: int = 1 << 15) -> None:
        super().__init__()
        self.name, self.dim, self.buckets = f"hashed-words-{dim}", dim, buckets
        self.bag = nn.EmbeddingBag(buckets, dim, mode="mean")

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return the buckets of all words in a row, and where each text begins."""
        words = [[self._bucket(word) for word in re.findall(r"\w+", text.lower())] for text in texts]
        sizes = torch.tensor([0, *map(len, words)])
        return {
            "input": torch.tensor([one for part in words for one in part]).long(),
            "offsets": sizes.cumsum(0)[:-1],
        }

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Return float32 (n, dim)."""
        made: Tensor = self.bag(tokens["input"], tokens["offsets"])
        return made

    def _bucket(self, word: str) -> int:
        return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % self.buckets


def load_transformer(name: str, place: str, pool: str, *, local_only: bool) -> PooledTransformer:
    """Load a Hugging Face encoder from a folder or by its hub name; OSError when it is not there."""
    from transformers import AutoModel, AutoTokenizer

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local_only)
        model = AutoModel.from_pretrained(place, local_files_only=local_only, dtype=torch.float32)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # never used: its weights would get no gradient
    return PooledTransformer(name, model, tokenizer, pool)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' own progress bars off stderr while weights load."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
