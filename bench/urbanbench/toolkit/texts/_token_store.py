"""Texts as tokens: made once, kept on the device end to end, put together into batches of similar length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.toolkit.texts._text_nets import TextEncoder

__all__ = ["TokenStore", "parts_by_length"]


class TokenStore:
    """The tokens of some texts.

    Parameters
    ----------
    encoder
        Knows how texts become tokens, when they are first asked for.
    texts
        The n texts.
    device
        Where batches are put together.
    """

    def __init__(self, encoder: TextEncoder, texts: Sequence[str], device: str) -> None:
        self.encoder, self.texts, self.device = encoder, texts, device

    @cached_property
    def length(self) -> np.ndarray:
        """Tokens of every text, int64 (n,)."""
        return np.array([len(one) for one in self._ids], dtype=np.int64)

    @cached_property
    def _ids(self) -> list[list[int]]:
        return self.encoder.ids(self.texts)

    @cached_property
    def _flat(self) -> tuple[Tensor, np.ndarray]:
        """The tokens of all texts behind one another, on the device, and where each text begins."""
        flat = np.array([one for part in self._ids for one in part], dtype=np.int64)
        return on_device(flat, self.device), np.cumsum(self.length) - self.length

    def batch(self, rows: np.ndarray) -> Mapping[str, Tensor]:
        """Return what the encoder's `forward` takes of the texts in `rows`, int64 (m,), on the device."""
        flat, start = self._flat
        return self.encoder.joined(flat, start[rows], self.length[rows])


def parts_by_length(length: np.ndarray, *, most: int, start: int) -> list[np.ndarray]:
    """Share things out so that those of a part have similar lengths: the least padding, where every part costs something to start.

    Parameters
    ----------
    length
        int64 (n,): at least 1.
    most
        Most numbers in a part, padding included; one thing alone may be longer.
    start
        What a part costs, in numbers.

    Returns
    -------
    list[numpy.ndarray]
        Positions, int64, by rising length; all n of them together.

    Examples
    --------
    >>> [part.tolist() for part in parts_by_length(np.array([9, 2, 2, 1]), most=100, start=3)]
    [[3, 1, 2], [0]]
    """
    order = np.argsort(length, kind="stable")
    width, count = np.unique(length, return_counts=True)
    ends = _cheapest_ends(width, count, start)
    parts = []
    for begin, end in pairwise([0, *ends]):
        fit = max(1, most // int(length[order[end - 1]]))
        parts += np.array_split(order[begin:end], -(-(end - begin) // fit))
    return parts


def _cheapest_ends(width: np.ndarray, count: np.ndarray, start: int) -> list[int]:
    """Return how many things stand before the end of each part, so that padding and starts cost least together."""
    below = np.concatenate([[0], np.cumsum(count)])
    cost, came = [0.0], [0]
    for end in range(1, len(below)):
        costs = [cost[k] + start + (below[end] - below[k]) * width[end - 1] for k in range(end)]
        came.append(int(np.argmin(costs)))
        cost.append(costs[came[-1]])
    ends, end = [], len(below) - 1
    while end:
        ends.append(int(below[end]))
        end = came[end]
    return ends[::-1]
