"""Pictures of like regions are near one another, those of unlike regions are not: the contrast that trains one kind of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.training.distributed import gathered, own_part

if TYPE_CHECKING:
    from urbanbench.models._musecl.likeness import Partners
    from urbanbench.models._musecl.sources import Source
    from urbanbench.toolkit.ground.neighbours import Groups

CHUNK = 512
"""Pictures whose features are computed at once after training."""


class TripletObjective:
    """mean max(0, ‖a - p‖ - ‖a - n‖ + margin); an anchor is a region with pictures and something to be compared by.

    For every anchor a like region and an unlike one are drawn, and one picture of each of the three.

    Parameters
    ----------
    name
        Of the stage.
    source
        Features of the pictures; an encoder inside is trained along.
    head
        Linear layer from features to vectors.
    partners
        Like and unlike regions.
    groups
        Pictures that can be opened, of every region of the view.
    margin
        By which an unlike picture shall be farther away.
    lr
        Learning rate of head and encoder.
    device
        Where they are.

    Attributes
    ----------
    chance : float
        Loss of vectors that are all the same; that of vectors that tell nothing is no smaller.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        head: nn.Linear,
        partners: Partners,
        groups: Groups,
        *,
        margin: float,
        lr: float,
        device: str,
    ) -> None:
        self.name, self.source, self.head, self.partners, self.groups = name, source, head, partners, groups
        self.margin, self.lr, self.device = margin, lr, device
        self.n_anchors, self.chance = len(partners), margin

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the head and, if it is trained, the encoder."""
        return [{"params": [one for part in self.modules() for one in part.parameters()], "lr": self.lr}]

    def modules(self) -> Sequence[nn.Module]:
        """Return the head and, if it is trained, the encoder."""
        return (self.head, *self.source.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of some anchors, as positions among the partners."""
        drawn = self.draw(anchors, rng)[own_part(len(anchors))]
        changing = rng if self.head.training else None
        features = self.source.rows(drawn.T.reshape(-1), changing)
        one, like, unlike = self.head(features).float().unflatten(0, (3, -1))
        return F.triplet_margin_loss(gathered(one), gathered(like), gathered(unlike), margin=self.margin)

    def draw(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a picture of each anchor, of a like region and of an unlike one, int64 (b, 3)."""
        like = self.partners.draw_positives(anchors, rng)
        unlike = self.partners.draw_negatives(anchors, like, rng)
        region = self.partners.regions[np.column_stack([anchors, like, unlike])]
        place = rng.integers(0, self.groups.sizes[region])
        return np.asarray(self.groups.member[self.groups.start[region] + place])


@torch.no_grad()
def region_means(source: Source, groups: Groups, device: str) -> Tensor:
    """Return the mean features of every region's pictures, (n_regions, dim); zeros for regions without.

    What a linear layer makes of them is the mean of what it makes of the pictures.
    """
    from scipy import sparse

    for module in source.modules():
        module.eval()
    owner = np.repeat(np.arange(len(groups)), groups.sizes)
    share = 1.0 / np.maximum(groups.sizes, 1)[owner]
    rows, place = np.unique(groups.member, return_inverse=True)
    holds = sparse.csc_array((share, (owner, place)), shape=(len(groups), len(rows)))
    total = np.zeros((len(groups), source.dim))
    for start in range(0, len(rows), CHUNK):
        total += holds[:, start : start + CHUNK] @ source.rows(rows[start : start + CHUNK]).cpu().numpy()
    return torch.from_numpy(total.astype(np.float32)).to(device)
