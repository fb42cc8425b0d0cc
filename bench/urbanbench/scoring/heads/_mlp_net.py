"""Perceptrons of many seeds stacked along a leading dimension, with a handwritten backward pass.

A network of one seed is too small to keep a processor busy: most of its time goes into starting operations. Stacked
weights (seeds, in, out) turn the same arithmetic into few batched matrix products and one fused Adam call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from urbanbench.scoring.features import CLIP_DEVIATIONS

__all__ = ["Inputs", "StackedMlp"]


@dataclass
class Inputs:
    """Rows of one shared matrix, standardised per seed when they are gathered.

    Parameters
    ----------
    matrix
        float32 (n, width), shared by all seeds.
    inverse, shift
        float32 (seeds, 1, width): standardised = row * inverse + shift, clipped to ±`clip`.
    covered
        float32 (n, 1), 0 where a unit has no data; None if all have. Such a row is 0 (the training mean) but for its
        last column, the indicator.
    clip
        Largest standardised value; infinite for none.
    """

    matrix: torch.Tensor
    inverse: torch.Tensor
    shift: torch.Tensor
    covered: torch.Tensor | None
    clip: float = CLIP_DEVIATIONS
    _buffer: torch.Tensor | None = None

    def gather(self, index: torch.Tensor) -> torch.Tensor:
        """Return standardised rows (seeds, m, width) for row numbers (seeds, m); valid until the next call."""
        seeds, m = index.shape
        width = self.matrix.shape[1]
        if self._buffer is None or self._buffer.shape[0] < seeds * m:
            self._buffer = self.matrix.new_empty(seeds * m, width)
        flat = self._buffer[: seeds * m]
        torch.index_select(self.matrix, 0, index.reshape(-1), out=flat)
        rows = flat.view(seeds, m, width)
        torch.addcmul(self.shift, rows, self.inverse, out=rows).clamp_(-self.clip, self.clip)
        if self.covered is not None:
            rows[:, :, :-1].mul_(self.covered[index])
        return rows

    def keep(self, seeds: torch.Tensor) -> Inputs:
        """Return the inputs of some of the seeds."""
        return Inputs(self.matrix, self.inverse[seeds], self.shift[seeds], self.covered, self.clip)


class StackedMlp:
    """ReLU perceptrons of several seeds.

    Parameters
    ----------
    layers
        For each layer its weight (seeds, in, out) and bias (seeds, 1, out), flat: [w1, b1, w2, b2, ...].
    """

    def __init__(self, layers: Sequence[torch.Tensor]) -> None:
        self.layers = [layer.detach().clone().requires_grad_() for layer in layers]

    @classmethod
    def drawn(cls, sizes: Sequence[int], generators: Sequence[torch.Generator], device: str) -> StackedMlp:
        """Draw weights and biases from U(-1/sqrt(in), 1/sqrt(in)) as ``torch.nn.Linear`` does, one generator per seed."""
        layers: list[torch.Tensor] = []
        for fan_in, fan_out in pairwise(sizes):
            bound = fan_in**-0.5
            for rows in (fan_in, 1):
                drawn = [torch.rand(rows, fan_out, generator=generator) for generator in generators]
                layers.append(((torch.stack(drawn) * 2 - 1) * bound).to(device))
        return cls(layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return each layer's output (seeds, m, out): hidden ones after ReLU, the last one raw."""
        outputs: list[torch.Tensor] = []
        last = len(self.layers) // 2 - 1
        for k in range(last + 1):
            x = torch.baddbmm(self.layers[2 * k + 1], x, self.layers[2 * k])
            outputs.append(x.relu_() if k < last else x)
        return outputs

    def backward(self, x: torch.Tensor, outputs: Sequence[torch.Tensor], slope: torch.Tensor) -> None:
        """Write the gradients of all layers for a loss whose slope at the last output is `slope` (seeds, m, out)."""
        for k in reversed(range(len(outputs))):
            weight, bias = self.layers[2 * k], self.layers[2 * k + 1]
            below = outputs[k - 1] if k else x
            if weight.grad is None:
                weight.grad, bias.grad = torch.empty_like(weight), torch.empty_like(bias)
            torch.bmm(below.transpose(1, 2), slope, out=weight.grad)
            torch.sum(slope, dim=1, keepdim=True, out=bias.grad)
            if k:
                slope = torch.bmm(slope, weight.transpose(1, 2))
                slope = torch.ops.aten.threshold_backward(slope, below, 0)

    def keep(self, seeds: torch.Tensor) -> StackedMlp:
        """Return the networks of some of the seeds."""
        return StackedMlp([layer[seeds] for layer in self.layers])

    def put(self, seeds: torch.Tensor, source: StackedMlp, places: torch.Tensor) -> None:
        """Copy the networks at `places` of another stack over those of `seeds`."""
        for own, other in zip(self.layers, source.layers, strict=True):
            own[seeds.to(own.device)] = other[places.to(own.device)]
