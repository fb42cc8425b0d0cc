"""Objective: what a loss brings to the training loop, the contract between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

__all__ = ["Objective"]


class Objective(Protocol):
    """One contrastive objective: what it samples, what it trains and its loss.

    An objective whose candidates are not the anchors of a batch also has ``chance``: the loss that vectors which tell nothing would
    have had in the last call of `loss`. One whose anchors overlap, such as pairs of the same things, has ``held_out``: the anchors,
    int64 (k,), that are kept away from training, in place of the schedule's share. One that has things to fetch has ``expect(anchors,
    rng)``: it hears what `loss` will be called with next, while a GPU still computes.
    """

    name: str
    n_anchors: int

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return what this stage trains, as groups for the optimiser: ``{"params": [...], "lr": ...}``."""

    def modules(self) -> Sequence[nn.Module]:
        """Return the modules that this stage trains, to be switched between training and evaluation."""

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of a batch of anchors, int64 (b,), whose other samples are drawn with `rng`."""
