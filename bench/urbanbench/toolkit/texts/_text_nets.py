"""Text encoders as torch modules: a Hugging Face model with pooling, and hashed words that need no weights."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.toolkit.training.transfer import on_device, runs_behind

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

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of every text, without any padding."""
        raise NotImplementedError

    def joined(self, flat: Tensor, start: np.ndarray, length: np.ndarray) -> dict[str, Tensor]:
        """Return what `forward` takes of n texts, put together where their tokens are.

        Parameters
        ----------
        flat
            int64: tokens of many texts behind one another.
        start, length
            int64 (n,): where each text begins, and its tokens.
        """
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
        self._wide_masks = _takes_wide_masks(model)

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return token ids and the attention mask, padded to the longest text."""
        made = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        return {"input_ids": made["input_ids"], "attention_mask": made["attention_mask"]}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids, at most `LONGEST` of a text."""
        made: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]
        return made

    def joined(self, flat: Tensor, start: np.ndarray, length: np.ndarray) -> dict[str, Tensor]:
        """Return token ids and the attention mask, as `tokenize` would, padded to the longest text."""
        width = int(length.max(initial=0))
        before = (width - length if self.tokenizer.padding_side == "left" else np.zeros_like(length))[:, None]
        column = np.arange(width) - before
        real = (column >= 0) & (column < length[:, None])
        mask = on_device(real, flat.device)
        place = on_device(np.where(real, start[:, None] + column, 0), flat.device)
        ids = flat[place].masked_fill(~mask, int(self.tokenizer.pad_token_id))
        return {"input_ids": ids, "attention_mask": mask.long()}

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Return float32 (n, dim)."""
        mask = tokens["attention_mask"]
        # Transformers looks whether a mask of two dimensions hides anything, for which a GPU would have to be waited for.
        shown = mask[:, None, None].bool() if self._wide_masks and runs_behind(mask.device) else mask
        hidden: Tensor = self.model(input_ids=tokens["input_ids"], attention_mask=shown).last_hidden_state
        if self.pool == "cls":
            return hidden[:, 0]
        mask = mask.unsqueeze(-1).to(hidden.dtype)
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
        words = self.ids(texts)
        sizes = torch.tensor([0, *map(len, words)])
        return {
            "input": torch.tensor([one for part in words for one in part]).long(),
            "offsets": sizes.cumsum(0)[:-1],
        }

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the buckets of every text's words."""
        return [[self._bucket(word) for word in re.findall(r"\w+", text.lower())] for text in texts]

    def joined(self, flat: Tensor, start: np.ndarray, length: np.ndarray) -> dict[str, Tensor]:
        """Return the buckets of all words in a row, and where each text begins."""
        offsets = np.cumsum(length) - length
        place = np.arange(int(length.sum())) + np.repeat(start - offsets, length)
        return {"input": flat[on_device(place, flat.device)], "offsets": on_device(offsets, flat.device)}

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Return float32 (n, dim)."""
        made: Tensor = self.bag(tokens["input"], tokens["offsets"])
        return made

    def _bucket(self, word: str) -> int:
        return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % self.buckets


def _takes_wide_masks(model: nn.Module) -> bool:
    """Tell whether a model leaves masks of four dimensions as they are: those whose masks transformers' own function makes, for torch's attention."""
    makes = hasattr(sys.modules.get(type(model).__module__), "create_bidirectional_mask")
    return makes and getattr(model.config, "_attn_implementation", "") == "sdpa"


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
