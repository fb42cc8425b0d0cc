"""Sums and softmax over runs of rows, one run per region, without a loop; gradients are the same bits every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from urbanbench.models._hgi.propagation import as_tensor


class Segments:
    """m rows that lie in g runs one after the other.

    Parameters
    ----------
    sizes
        int64 (g,): rows of each run; runs may be empty.
    device
        Where the rows are.
    """

    def __init__(self, sizes: np.ndarray, device: str) -> None:
        self.sizes = torch.from_numpy(np.asarray(sizes, dtype=np.int64)).to(device)
        self.owner = torch.repeat_interleave(torch.arange(len(sizes), device=device), self.sizes)
        self._ones = as_tensor(_ones(sizes), device)

    def sum(self, rows: Tensor) -> Tensor:
        """Add up the rows (m, d) of each run, (g, d); zeros for an empty run."""
        made: Tensor = _Sum.apply(rows, self)  # type: ignore[no-untyped-call]  # autograd functions are untyped
        return made

    def spread(self, runs: Tensor) -> Tensor:
        """Repeat the vector (g, d) of each run for its rows, (m, d)."""
        made: Tensor = _Spread.apply(runs, self)  # type: ignore[no-untyped-call]  # as above
        return made

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the softmax of (m, h) over the rows of each run, one for each of h columns."""
        with torch.no_grad():
            top = self._tops(logits)[self.owner]
        grown = torch.exp(logits - top)
        return grown / self.spread(self.sum(grown))

    def add_up(self, rows: Tensor) -> Tensor:
        """Sum without a gradient, as a product with the sparse matrix of which rows are in which run: quicker than torch's sums of runs."""
        made: Tensor = self._ones.to(rows.dtype) @ rows
        return made

    def _tops(self, rows: Tensor) -> Tensor:
        if not rows.numel():  # which torch refuses
            return rows.new_full((len(self.sizes), *rows.shape[1:]), float("-inf"))
        return torch.segment_reduce(
            rows.contiguous(), "max", lengths=self.sizes, axis=0, initial=float("-inf")
        )


def _ones(sizes: np.ndarray) -> sparse.csr_array:
    """Return which rows are in which run, float32 (g, m)."""
    end = np.concatenate([[0], np.cumsum(sizes)])
    count = int(end[-1])
    return sparse.csr_array(
        (np.ones(count, dtype=np.float32), np.arange(count), end), shape=(len(sizes), count)
    )


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, segments: Segments) -> Tensor:
        ctx.segments = segments
        return segments.add_up(rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.index_select(0, ctx.segments.owner), None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, runs: Tensor, segments: Segments) -> Tensor:
        ctx.segments = segments
        return runs.index_select(0, segments.owner)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.segments.add_up(gradient), None
