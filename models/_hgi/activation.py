"""A PReLU whose gradient is quicker than torch's on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class PReLU(nn.PReLU):
    """As in torch: x above 0, a x below, with an `a` for each channel of rows (n, d)."""

    def forward(self, rows: Tensor) -> Tensor:
        """Return the activated rows (n, d)."""
        made: Tensor = _Bent.apply(rows, self.weight)  # type: ignore[no-untyped-call]  # autograd functions are untyped
        return made


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(rows, slope)
        return torch.prelu(rows, slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        rows, slope = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(
            gradient, rows, 0
        )  # the gradient where rows are above 0, else 0
        below = gradient - above
        return torch.addcmul(above, below, slope), (below * rows).sum(dim=0)
