"""The text tower: a text is the clauses it consists of, each read by a frozen encoder and then by two trained layers; numbers are read apart."""

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

__all__ = [
    "BUMPS",
    "MOST_CLAUSES",
    "NUMBERS_LONG",
    "TextTower",
    "bumps",
    "clauses_of",
    "frozen_means",
    "most_alike",
    "number_waves",
    "phrases_of",
    "worded",
    "words_of",
]

MOST_CLAUSES = 64
"""Clauses that are read of a text."""

MOST_NUMBERS = 3
"""Numbers that are read of a clause."""

BUMPS = np.linspace(0.0, np.log(10_000.0), 24)
"""Where the bumps lie that stand for a number, on the scale of ln(1 + number)."""

NUMBERS_LONG = MOST_NUMBERS * len(BUMPS)
"""How much of a frozen vector numbers take, at its end."""

_BETWEEN = re.compile(r"(?<=[.!?,;:])\s+|(?<!about)(?<!than)\s+(?=(?:less than )?\d+ m (?:[a-z-]+ )?to )")
_PHRASE = re.compile(r"\s+(?=(?:the|an?)\s)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class TextTower(nn.Module):
    """Reads texts by their rows: the mean over the vectors of their clauses, each of which knows the how manieth it is."""

    def __init__(self, given: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.first, self.place = nn.Linear(given, dim), nn.Embedding(MOST_CLAUSES, dim)
        nn.init.normal_(self.place.weight, std=0.1)
        self.second, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: np.ndarray, clauses: Groups, vectors: Tensor) -> Tensor:
        """Return (n, dim).

        Parameters
        ----------
        rows
            int64 (n,): texts.
        clauses
            Rows of `vectors` by text, in the order in which they stand.
        vectors
            (s, given): frozen vectors of the distinct clauses.
        """
        member, owner = clauses.take(rows)
        sizes = np.bincount(owner, minlength=len(rows))
        start = np.cumsum(sizes) - sizes
        place = on_device(np.arange(len(member)) - start[owner], vectors.device)
        states = self.first(vectors[on_device(member, vectors.device)]) + F.embedding(
            place, self.place.weight
        )
        mean = F.embedding_bag(
            torch.arange(len(member), device=vectors.device),
            self.bent(states),
            on_device(start, vectors.device),
            mode="mean",
        )
        return self.whole(mean)

    def bent(self, states: Tensor) -> Tensor:
        """Return what a mean is taken of, of clauses behind the first layer, both (c, dim)."""
        made: Tensor = self.dropout(F.gelu(states))
        return made

    def whole(self, mean: Tensor) -> Tensor:
        """Return texts (n, dim) of the means over their clauses, (n, dim)."""
        made: Tensor = self.norm(self.second(mean))
        return made


def frozen_means(rows: np.ndarray, clauses: Groups, vectors: Tensor) -> Tensor:
    """Return the mean of the frozen vectors of texts' clauses, (n, given); zeros for -1. Parameters as of `TextTower.forward`."""
    there = np.flatnonzero(rows >= 0)
    member, owner = clauses.take(rows[there])
    sizes = np.zeros(len(rows), dtype=np.int64)
    sizes[there] = np.bincount(owner, minlength=len(there))
    start = on_device(np.cumsum(sizes) - sizes, vectors.device)
    return F.embedding_bag(on_device(member, vectors.device), vectors, start, mode="mean")


@torch.no_grad()
def most_alike(rows: np.ndarray, phrases: Groups, vectors: Tensor, told: Tensor) -> Tensor:
    """Return how alike each text and each of some clauses are: the largest cosine of the words of one of its phrases, (n, k).

    Parameters
    ----------
    rows
        int64 (n,): texts, -1 for none, which is like nothing.
    phrases
        Rows of `vectors` by text.
    vectors
        (s, given): frozen vectors.
    told
        int64 (k,): rows of the clauses.
    """
    there = np.flatnonzero(rows >= 0)
    made = torch.zeros((len(rows), len(told)), device=vectors.device)
    if len(there):
        words = F.normalize(vectors[:, :-NUMBERS_LONG], dim=1)
        member, owner = phrases.take(rows[there])
        cosine = words[on_device(member, vectors.device)] @ words[told].T
        found = torch.full((len(there), len(told)), -1.0, device=vectors.device)
        index = on_device(owner, vectors.device)[:, None].expand_as(cosine)
        made[on_device(there, vectors.device)] = found.scatter_reduce(0, index, cosine, reduce="amax")
    return made


def words_of(item: Item) -> str:
    """Return what the text tower reads of an item: what is wanted, then its text."""
    return " ".join(one for one in (item.instruction, item.text) if one)


def clauses_of(text: str) -> list[str]:
    """Return the clauses of a text, at most `MOST_CLAUSES`: cut at points and commas, and before a distance that leads somewhere.

    Examples
    --------
    >>> clauses_of("From a cafe 30 m north to a park, which is near it.")
    ['From a cafe', '30 m north to a park,', 'which is near it.']
    """
    return _BETWEEN.split(text)[:MOST_CLAUSES]


def phrases_of(text: str) -> list[str]:
    """Return the clauses of a text cut before articles, so that what is asked for stands by itself.

    Examples
    --------
    >>> phrases_of("How far from the picture is the nearest park?")
    ['How far from', 'the picture is', 'the nearest park?']
    """
    return [one for clause in clauses_of(text) for one in _PHRASE.split(clause) if one]


def worded(clause: str) -> str:
    """Return a clause with a sign in place of each number, which the frozen encoder would read as a name.

    Examples
    --------
    >>> worded("1.5 km north of 2 parks")
    '# km north of # parks'
    """
    return _NUMBER.sub("#", clause)


def number_waves(clauses: Sequence[str]) -> np.ndarray:
    """Return the first numbers of clauses as bumps over ln(1 + number), float32 (n, `MOST_NUMBERS` * bumps); zeros where there is none."""
    made = np.zeros((len(clauses), MOST_NUMBERS, len(BUMPS)), dtype=np.float32)
    for row, clause in enumerate(clauses):
        found = [float(one) for one in _NUMBER.findall(clause)[:MOST_NUMBERS]]
        made[row, : len(found)] = bumps(np.array(found))
    return made.reshape(len(clauses), NUMBERS_LONG)


def bumps(numbers: np.ndarray) -> np.ndarray:
    """Return numbers (n,) of 0 and more as bumps over ln(1 + number), float64 (n, bumps)."""
    width = BUMPS[1] - BUMPS[0]
    return np.asarray(np.exp(-(((np.log1p(numbers)[:, None] - BUMPS) / width) ** 2) / 2))
