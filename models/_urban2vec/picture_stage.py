"""Step 1: pictures taken near each other are nearer than others, by a margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from urbanbench.models._urban2vec.net import triplet_loss
from urbanbench.models._urban2vec.pairs import deranged, shuffled
from urbanbench.toolkit.training.distributed import gathered, own_part

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanbench.models._urban2vec.features import SourceFeatures
    from urbanbench.models._urban2vec.net import PictureHead
    from urbanbench.models._urban2vec.pairs import Pairs


class PictureObjective:
    """Triplets of pictures. An anchor is a pair; its negative is another pair's partner in the batch.

    Parameters
    ----------
    head
        Trained.
    features
        Of the pictures; an encoder inside is trained along, and its pictures are mirrored at random while it is.
    pairs
        Pictures of every pair.
    source, point
        int64 (p,): source and sampling point of every picture.
    literal
        Whether negatives are any shuffle of the partners.
    margin
        Of the loss, which is also what vectors that tell nothing have.
    lr
        Learning rate of all that is trained.
    """

    name = "pictures"

    def __init__(
        self,
        head: PictureHead,
        features: SourceFeatures,
        pairs: Pairs,
        source: np.ndarray,
        point: np.ndarray,
        *,
        literal: bool,
        margin: float,
        lr: float,
    ) -> None:
        self.head, self.features, self.pairs = head, features, pairs
        self.source, self.point, self.literal, self.margin, self.lr = source, point, literal, margin, lr
        self.n_anchors, self.held_out = len(pairs), np.arange(pairs.n_training, len(pairs))
        self.chance = margin

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the head and, if it is trained, the encoder, at one rate."""
        trained = [one for part in self.modules() for one in part.parameters() if one.requires_grad]
        return [{"params": trained, "lr": self.lr, "amsgrad": True}]

    def modules(self) -> Sequence[nn.Module]:
        """Return the head and, if it is trained, the encoder."""
        return (self.head, *self.features.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the mean loss of some pairs; those without a usable negative count for nothing."""
        pair = self.pairs.picture[anchors]
        order, usable = shuffled(len(pair), rng) if self.literal else deranged(self.point[pair], rng)
        flipped = rng.random(pair.shape) < 0.5 if self.head.training else None
        own = own_part(len(pair))
        features = self.features.rows(self.source[pair[own]], None if flipped is None else flipped[own])
        vectors = gathered(self.head(features))
        anchor, right = vectors[:, 0], vectors[:, 1]
        rows = triplet_loss(anchor, right, right[torch.from_numpy(order).to(right.device)], self.margin)
        counts = torch.from_numpy(usable.astype(np.float32)).to(rows)
        return (rows * counts).sum() / counts.sum().clamp(min=1.0)
