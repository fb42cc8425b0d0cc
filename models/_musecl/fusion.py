"""Vectors from the street and from above become one, weighted by attention and brought into line with what the POIs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.training.contrastive import info_nce

LOSSES = ("infonce", "mse")


class Fusion(nn.Module):
    """e = Σ w_m x_m with w the softmax over the kinds of pictures there are of s(x) = u·tanh(x W + b), one scorer for all kinds.

    Parameters
    ----------
    dim
        Length of vectors.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, 1, bias=False)
        for part in (self.inner, self.outer):
            nn.init.xavier_uniform_(part.weight)
        nn.init.zeros_(self.inner.bias)

    def weights(self, kinds: Tensor, present: Tensor) -> Tensor:
        """Return w (b, m) of vectors (b, m, dim); 0 where a kind is missing, and everywhere where all are.

        Parameters
        ----------
        kinds
            (b, m, dim).
        present
            bool (b, m).
        """
        scores = self.outer(torch.tanh(self.inner(kinds))).squeeze(2).masked_fill(~present, float("-inf"))
        none = ~present.any(dim=1, keepdim=True)
        return torch.softmax(scores.masked_fill(none, 0.0), dim=1).masked_fill(~present, 0.0)

    def forward(self, kinds: Tensor, present: Tensor) -> Tensor:
        """Return fused vectors (b, dim); zeros where every kind is missing."""
        made: Tensor = (self.weights(kinds, present)[..., None] * kinds).sum(dim=1)
        return made


class Kinds(nn.Module):
    """Vectors of all regions by kind of pictures: a linear layer on the mean features of each kind.

    Parameters
    ----------
    features
        One (n_regions, features) per kind; zeros for regions without such pictures.
    heads
        The layers.
    present
        bool (n_regions, m): which kinds a region has.
    """

    def __init__(self, features: Sequence[Tensor], heads: Sequence[nn.Linear], present: Tensor) -> None:
        super().__init__()
        self.features, self.present = tuple(features), present
        self.heads = nn.ModuleList(heads)

    def __len__(self) -> int:
        return len(self.features)

    def forward(self, rows: Tensor) -> Tensor:
        """Return vectors (b, m, dim) of some regions; those of missing kinds mean nothing."""
        parts = zip(self.heads, self.features, strict=True)
        return torch.stack([head(features[rows]) for head, features in parts], dim=1)


class AlignObjective:
    """Fused vectors and POI vectors of the same region belong together. An anchor is a region with words and pictures to weigh.

    Parameters
    ----------
    fusion
        Is trained.
    kinds
        Vectors of the pictures.
    words
        POI vectors (n_regions, dim); zeros where a region has none.
    train_heads
        Whether the layers of `kinds` are trained along. Otherwise a region with one kind of pictures has the weight 1 whatever the
        scorer says, so nothing could be learned from it, and it is no anchor.
    loss
        "infonce": the own POI vector among those of the batch, by cosine (paper); "mse": squared error to it (code).
    temperature
        Of "infonce".
    lr
        Learning rate.

    Attributes
    ----------
    chance : float
        "infonce": ln(batch); "mse": what the zero vector would have.
    """

    name = "fusion"

    def __init__(
        self,
        fusion: Fusion,
        kinds: Kinds,
        words: Tensor,
        *,
        train_heads: bool,
        loss: str,
        temperature: float,
        lr: float,
    ) -> None:
        self.fusion, self.kinds, self.words, self.train_heads = fusion, kinds, words, train_heads
        self.kind, self.temperature, self.lr = loss, temperature, lr
        few = 1 if train_heads else 2
        anchors = (kinds.present.sum(dim=1) >= few) & words.any(dim=1)
        self.regions = torch.nonzero(anchors).squeeze(1)
        self.n_anchors, self.chance = len(self.regions), float("nan")

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the scorer, and the layers if they are trained."""
        return [{"params": [one for part in self.modules() for one in part.parameters()], "lr": self.lr}]

    def modules(self) -> Sequence[nn.Module]:
        """Return the scorer, and the layers if they are trained."""
        return (self.fusion, self.kinds) if self.train_heads else (self.fusion,)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of some anchors, as positions in `regions`."""
        del rng
        rows = self.regions[torch.from_numpy(anchors).to(self.regions.device)]
        with torch.set_grad_enabled(self.train_heads and torch.is_grad_enabled()):
            kinds = self.kinds(rows)
        fused, words = self.fusion(kinds, self.kinds.present[rows]), self.words[rows]
        if self.kind == "mse":
            self.chance = float(words.square().mean())
            return F.mse_loss(fused, words)
        self.chance = log(len(anchors))
        return info_nce(fused, words, temperature=self.temperature, direction="query_to_key")
