"""Sentences as numbers of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PAD, BEGIN, END, RARE = range(4)
SPECIAL = 4
MOST_WORDS = 8192

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[.,;:!?]")


@dataclass(frozen=True, eq=False)
class Sentences:
    """s sentences in numbers.

    Parameters
    ----------
    ids
        int64 (s, t): begin, words, end, then padding.
    length
        int64 (s,): numbers of a sentence without padding.
    n_words
        Numbers that occur at most.
    """

    ids: np.ndarray
    length: np.ndarray
    n_words: int


def read_sentences(sentences: Sequence[str], most: int) -> tuple[Sentences, tuple[str, ...]]:
    """Give the words of sentences numbers, in lower case and with punctuation; return them and the words.

    Parameters
    ----------
    sentences
        Distinct sentences. The 8,192 words in most of them get numbers of their own, the others share one.
    most
        Longest sentence in numbers, begin and end among them; the rest is cut off.
    """
    split = [_WORD.findall(one.lower())[: most - 2] for one in sentences]
    count = Counter(word for one in split for word in one)
    words = tuple(sorted(count, key=lambda one: (-count[one], one))[:MOST_WORDS])
    number = {word: SPECIAL + place for place, word in enumerate(words)}
    length = np.array([len(one) + 2 for one in split], dtype=np.int64)
    ids = np.full((len(split), int(length.max(initial=2))), PAD, dtype=np.int64)
    for row, one in enumerate(split):
        ids[row, : len(one) + 2] = [BEGIN, *(number.get(word, RARE) for word in one), END]
    return Sentences(ids, length, SPECIAL + len(words)), words
