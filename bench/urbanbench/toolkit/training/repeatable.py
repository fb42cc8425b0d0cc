"""Torch that gives the same bits every time: seeded layers, and rows whose gradient does not depend on threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from urbanbench.seeds import integer_seed

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["seeded_torch", "take_rows"]


@contextmanager
def seeded_torch(seed: int, *purpose: str | int, device: str = "cpu") -> Iterator[None]:
    """Give torch's own random state a seed inside the block and put the old state back after it.

    Layers draw their first weights and dropout from that state and take no generator.
    """
    import torch

    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(integer_seed(seed, *purpose))
        yield


def take_rows(vectors: Tensor, rows: Tensor) -> Tensor:
    """Return ``vectors[rows]`` with a gradient that is the same bits every time.

    The gradient of plain indexing adds the rows that are taken more than once in any order where there are several threads.

    Parameters
    ----------
    vectors
        (n, dim).
    rows
        int64 of any shape; the result has that shape and dim behind it.
    """
    import torch.nn.functional as F  # noqa: N812  # the library's own customary name

    return F.embedding(rows, vectors)
