"""Second stage: a footprint and the text of what is inside belong together; texts stay as they are (vision and language)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._cityfm.net import CityNet, paired_loss
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training.distributed import gathered, own_part

if TYPE_CHECKING:
    from urbanbench.toolkit.features._feature_rows import FeatureRows

__all__ = ["ShapeObjective", "draw_footprints", "footprints_by_text"]


class ShapeObjective:
    """L_shape. An anchor is a distinct text that some footprint has, so that no two of a batch have the same.

    Parameters
    ----------
    net
        Its image and surface projections are trained.
    shapes
        Features of footprints; an encoder inside is trained along.
    surface
        float32 (p,): surface shares of the footprints.
    text_vectors
        float32 (s, dim): vectors of the anchors' texts, without gradient.
    footprints
        Rows of the footprints that have each of the s texts.
    chunk, temperature
        Of the loss.
    lr, lr_backbone
        Learning rates of the projections and of the image encoder.
    device
        Where the net is.
    """

    name = "shape"

    def __init__(
        self,
        net: CityNet,
        shapes: FeatureRows,
        surface: Tensor,
        text_vectors: Tensor,
        footprints: Groups,
        *,
        chunk: int,
        temperature: float,
        lr: float,
        lr_backbone: float,
        device: str,
    ) -> None:
        self.net, self.shapes, self.surface, self.text_vectors = net, shapes, surface, text_vectors
        self.footprints, self.chunk, self.temperature = footprints, chunk, temperature
        self.lr, self.lr_backbone, self.device = lr, lr_backbone, device
        self.n_anchors, self.chance = len(footprints), 0.0

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the projections and, if it is trained, the image encoder."""
        own = [*self.net.image.parameters(), *self.net.surface.parameters()]
        tuned = [one for module in self.shapes.modules() for one in module.parameters() if one.requires_grad]
        groups: list[Mapping[str, Any]] = [{"params": own, "lr": self.lr}]
        return [*groups, {"params": tuned, "lr": self.lr_backbone}] if tuned else groups

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net.image, self.net.surface, *self.shapes.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return NT-Xent of one footprint per text and the text's vector."""
        drawn = draw_footprints(self.footprints, anchors, rng)[own_part(len(anchors))]
        rows = torch.from_numpy(drawn).to(self.device)
        shape = self.net.encode_shape(self.shapes.rows(rows), self.surface[rows])
        text = self.text_vectors[torch.from_numpy(anchors).to(self.device)]
        loss, self.chance = paired_loss(gathered(shape), text, chunk=self.chunk, temperature=self.temperature)
        return loss


def draw_footprints(footprints: Groups, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one footprint of every anchor, each with the same chance; int64 (b,)."""
    within = np.floor(rng.random(len(anchors)) * footprints.sizes[anchors]).astype(np.int64)
    return np.asarray(footprints.member[footprints.start[anchors] + within])


def footprints_by_text(text: np.ndarray, footprint: np.ndarray) -> tuple[np.ndarray, Groups]:
    """Group footprints by the texts they have.

    Parameters
    ----------
    text, footprint
        int64 (n,): text and footprint of every POI, footprint -1 for none.

    Returns
    -------
    texts, groups
        int64 (s,): the texts that some footprint has; their footprints, each once.
    """
    pairs = np.unique(np.column_stack([text, footprint])[footprint >= 0], axis=0)
    texts, group = np.unique(pairs[:, 0], return_inverse=True)
    return texts, Groups.from_pairs(group, pairs[:, 1], len(texts))
