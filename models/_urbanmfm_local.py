"""Local scale: a POI's neighbourhood in texts, and the same with texts replaced by shapes, belong together (Eqs. 15 and 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm_stars import Stars, StarTable, draw_drops, draw_modalities
from urbanbench.toolkit.contrastive import info_nce, same_row
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm_features import Shapes, TextSource
    from urbanbench.models._urbanmfm_net import UrbanNet

SHAPE = 1
"""Modality that stands for a node's polygon; 0 is its text."""


class LocalObjective:
    """L_local. An anchor is a POI with its nearest neighbours.

    Parameters
    ----------
    net
        Its projections and local graph encoder are trained.
    texts
        Frozen features of distinct texts.
    shapes
        Frozen features of footprints, or None without polygons.
    text_of_place, shape_of_place
        int64 (n,): distinct text and footprint (-1 for none) of every POI.
    stars
        Neighbours of every POI.
    drop_share
        Share of neighbours left out of the positive graph.
    temperature, direction
        Of the loss.
    lr
        Learning rate.
    device
        Where the net is.
    """

    name = "local"

    def __init__(
        self,
        net: UrbanNet,
        texts: TextSource,
        shapes: Shapes | None,
        text_of_place: np.ndarray,
        shape_of_place: np.ndarray,
        stars: StarTable,
        *,
        drop_share: float,
        temperature: float,
        direction: str,
        lr: float,
        device: str,
    ) -> None:
        self.net, self.texts, self.shapes, self.stars = net, texts, shapes, stars
        self.text_of_place, self.shape_of_place = text_of_place, shape_of_place
        self.drop_share, self.temperature, self.direction = drop_share, temperature, direction
        self.lr, self.device = lr, device
        self.n_anchors = len(text_of_place)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the projections and the graph encoder."""
        return [{"params": [one for module in self.modules() for one in module.parameters()], "lr": self.lr}]

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained; without polygons their projections are not."""
        shaped = (self.net.image, self.net.surface) if self.shapes is not None else ()
        return (self.net.text, *shaped, self.net.local_graph)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_local of some POIs; candidates around a POI with the same text are left out."""
        stars = self.stars.take(anchors, self.device)
        positive, replaced = self.positives(stars, rng)
        text = self.text_vectors(stars)
        labels = torch.from_numpy(self.text_of_place[anchors]).to(self.device)
        return info_nce(
            self.net.local_graph(stars, text),
            self.net.local_graph(positive, self.mixed(positive, text, replaced)),
            temperature=self.temperature,
            exclude=same_row(labels),
            direction=self.direction,
        )

    def positives(self, stars: Stars, rng: np.random.Generator) -> tuple[Stars, Tensor]:
        """Drop neighbours and draw modalities; return the graphs and bool (b, k + 1), True where the shape replaces the text."""
        dropped = draw_drops(stars.present.cpu().numpy(), rng, share=self.drop_share)
        positive = stars.without(torch.from_numpy(dropped).to(self.device))
        has_shape = (
            self.shape_of_place[stars.node.cpu().numpy()] >= 0
            if self.shapes is not None
            else np.zeros(dropped.shape, dtype=bool)
        )
        available = np.stack([np.ones_like(has_shape), has_shape], axis=2)
        chosen = draw_modalities(available, positive.present.cpu().numpy(), rng)
        return positive, torch.from_numpy(chosen == SHAPE).to(self.device)

    def text_vectors(self, stars: Stars) -> Tensor:
        """Return E_t of every slot, (b, k + 1, d); each distinct text is projected once."""
        rows = self.text_of_place[stars.node.cpu().numpy()]
        distinct, place = np.unique(rows, return_inverse=True)
        vectors = self.net.encode_text(self.texts.rows(torch.from_numpy(distinct).to(self.device)))
        return take_rows(vectors, torch.from_numpy(place.reshape(rows.shape)).to(self.device))

    def mixed(self, stars: Stars, text: Tensor, replaced: Tensor) -> Tensor:
        """Return the vectors of all slots, (b, k + 1, d), with texts replaced by footprints where `replaced` says so."""
        if self.shapes is None:
            return text
        rows = self.shape_of_place[stars.node[replaced].cpu().numpy()]
        distinct, place = np.unique(rows, return_inverse=True)
        chosen = torch.from_numpy(distinct).to(self.device)
        shape = self.net.encode_shape(self.shapes.features[chosen], self.shapes.surface[chosen])
        return text.masked_scatter(
            replaced[..., None], take_rows(shape, torch.from_numpy(place).to(self.device))
        )
