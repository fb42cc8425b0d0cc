"""AdamW (Loshchilov and Hutter 2019) of stacked perceptrons.

PyTorch's own function does each step. Its class ``torch.optim.AdamW`` does the same step, and loads PyTorch's compiler when it is built: more of the processor's time
than an embedding of some hundred regions takes to be scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.optim.adamw import adamw

__all__ = ["Adam"]

_MEAN_DECAY, _SQUARE_DECAY, _LEAST = 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class Adam:
    """The optimiser's memory of all layers, and its step.

    Parameters
    ----------
    learning_rate, weight_decay
        Of AdamW.
    means, squares
        Running means of gradients and of their squares, one of each layer's shape.
    steps
        float32 (), one per layer: steps done.
    """

    learning_rate: float
    weight_decay: float
    means: list[torch.Tensor]
    squares: list[torch.Tensor]
    steps: list[torch.Tensor]

    @classmethod
    def of(cls, layers: Sequence[torch.Tensor], learning_rate: float, weight_decay: float) -> Adam:
        """Return an optimiser that has done no step."""
        means, squares = ([torch.zeros_like(layer) for layer in layers] for _ in range(2))
        steps = [torch.zeros((), dtype=torch.float32, device=layer.device) for layer in layers]
        return cls(learning_rate, weight_decay, means, squares, steps)

    def step(self, layers: Sequence[torch.Tensor]) -> None:
        """Move layers along their gradients, all in one call."""
        gradients = [layer.grad for layer in layers if layer.grad is not None]
        adamw(
            list(layers),
            gradients,
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=_MEAN_DECAY,
            beta2=_SQUARE_DECAY,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=_LEAST,
            maximize=False,
        )

    def keep(self, seeds: torch.Tensor) -> Adam:
        """Return the memory of some of the seeds."""
        means, squares = ([part[seeds] for part in parts] for parts in (self.means, self.squares))
        return Adam(self.learning_rate, self.weight_decay, means, squares, self.steps)
