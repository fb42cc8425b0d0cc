"""Strings to token numbers: a Hugging Face tokenizer, or hashed words that need no vocabulary."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from urbanbench.toolkit.ground.neighbours import Groups


class Tokenizer(Protocol):
    """Splits strings; `cls`, `sep`, `pad`, `mask` and `unknown` are the numbers of the special tokens, `size` is that of all."""

    cls: int
    sep: int
    pad: int
    mask: int
    unknown: int
    size: int

    def split(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return the first `longest` token numbers of each text, special tokens not among them."""


class PretrainedTokenizer:
    """A Hugging Face tokenizer of the BERT kind."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.cls, self.sep, self.pad = (
            int(tokenizer.cls_token_id),
            int(tokenizer.sep_token_id),
            int(tokenizer.pad_token_id),
        )
        self.mask, self.unknown = int(tokenizer.mask_token_id), int(tokenizer.unk_token_id)
        self.size = len(tokenizer)

    def split(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return token numbers."""
        made = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            split_special_tokens=True,  # a place called "[MASK]" is a name like any other
            truncation=True,
            max_length=longest,
        )
        return [list(one) for one in made["input_ids"]]


class HashedTokenizer:
    """Every word is a token whose number is a hash of it.

    Parameters
    ----------
    buckets
        How many numbers there are for words.
    """

    def __init__(self, buckets: int) -> None:
        self.pad, self.unknown, self.cls, self.sep, self.mask = range(5)
        self.size = buckets + 5

    def split(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return token numbers."""
        return [[self._number(word) for word in re.findall(r"\w+", one.lower())[:longest]] for one in texts]

    def _number(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        return 5 + int.from_bytes(digest, "big") % (self.size - 5)


@dataclass(frozen=True, eq=False)
class Words:
    """Tokens of distinct strings.

    Parameters
    ----------
    tokens
        One group per string, each of at least one token; its members are token numbers, in the order of the string.
    tokenizer
        What made them.
    """

    tokens: Groups
    tokenizer: Tokenizer

    @classmethod
    def of(cls, names: Sequence[str], tokenizer: Tokenizer, *, longest: int) -> Words:
        """Split strings; one that leaves nothing becomes the unknown token."""
        split = [one or [tokenizer.unknown] for one in tokenizer.split(names, longest)]
        start = np.concatenate([[0], np.cumsum([len(one) for one in split])]).astype(np.int64)
        return cls(
            Groups(start, np.array([one for part in split for one in part], dtype=np.int64)), tokenizer
        )

    def frequency(self, names: np.ndarray) -> np.ndarray:
        """Return how often each token number stands in the strings `names` int64 (n,), as shares, float64 (size,).

        One more token, spread evenly over all numbers, keeps every share above 0.
        """
        member, _ = self.tokens.take(names)
        counts = np.bincount(member, minlength=self.tokenizer.size) + 1 / self.tokenizer.size
        return np.asarray(counts / (len(member) + 1))
