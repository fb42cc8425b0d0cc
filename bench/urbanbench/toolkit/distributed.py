"""One batch over several processes: each encodes its part of the anchors, and all see every candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["gathered", "own_part"]


def own_part(n: int) -> slice:
    """Return which of n anchors this process encodes: all of them when it is alone."""
    return slice(0, n)


def gathered(vectors: Tensor) -> Tensor:
    """Return the vectors of all processes below one another, with gradients; `vectors` itself when there is one process.

    Parameters
    ----------
    vectors
        (own part, ...).

    Returns
    -------
    torch.Tensor
        (n, ...), in the order of the anchors.
    """
    return vectors
