"""Street-view memory: what a POI sees of the streets around it, as attention over nearby sampling points (Eqs. 10 to 14)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DirectionGate(nn.Module):
    """Mix the picture that looks at a POI with those that look elsewhere (Eq. 12): two weights that sum to 1.

    Parameters
    ----------
    dim
        d, length of the vectors.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(2 * dim, 2)

    def forward(self, anchor: Tensor, context: Tensor, has_anchor: Tensor, has_context: Tensor) -> Tensor:
        """Return E_sv (m, d); where one of the two is missing it is the other.

        Parameters
        ----------
        anchor, context
            E_a and E_c of Eq. 11, (m, d); finite where they are missing too, zeros say.
        has_anchor, has_context
            bool (m,); every row has at least one of them.
        """
        known = torch.stack([has_anchor, has_context], dim=1)
        logits = self.weigh(torch.cat([anchor, context], dim=1))
        share = logits.masked_fill(~known, float("-inf")).softmax(dim=1)
        mixed: Tensor = share[:, :1] * anchor + share[:, 1:] * context
        return mixed
