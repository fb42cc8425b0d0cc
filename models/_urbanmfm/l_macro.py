"""Macro scale: pictures from above of regions whose POIs and roads are spread alike belong together (Eqs. 21 and 22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm.pairs import CANDIDATES, TILE
from urbanbench.toolkit.pictures.table import without_broken
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.overheads import Overheads
    from urbanbench.models._urbanmfm.pairs import Similarity
    from urbanbench.toolkit.features._feature_rows import PictureRows
    from urbanbench.toolkit.ground.neighbours import Groups


class MacroObjective:
    """L_sate. An anchor is a region with a picture and a partner: a region like it, with a picture too.

    A region that every possible candidate is like, or shares the picture of, is no anchor: it has no negative, so nothing could be
    learned from it.

    Parameters
    ----------
    net
        Its image projection is trained.
    pictures
        Features of distinct pictures; an encoder inside is trained along.
    overheads
        Which picture shows which region.
    pairs
        Partners of every region, see `similar_pairs`.
    similarity
        Tells which regions are alike: candidates like the anchor are left out, whether or not they are among its partners.
    temperature, direction
        Of the loss.
    lr, lr_backbone
        Learning rates of projection and image encoder.
    device
        Where the net is.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing in the latest batch: the mean logarithm of the number of candidates. NaN before any.
    """

    name = "macro"

    def __init__(
        self,
        net: UrbanNet,
        pictures: PictureRows,
        overheads: Overheads,
        pairs: Groups,
        similarity: Similarity,
        *,
        temperature: float,
        direction: str,
        lr: float,
        lr_backbone: float,
        device: str,
    ) -> None:
        self.net, self.pictures, self.similarity = net, pictures, similarity
        self.temperature, self.direction = temperature, direction
        self.lr, self.lr_backbone, self.device = lr, lr_backbone, device
        self.picture = without_broken(overheads.picture, pictures.ok)
        self.pairs = _pictured(pairs, self.picture >= 0)
        self.regions = self._contrasted(np.flatnonzero(self.pairs.sizes))
        self.n_anchors = len(self.regions)
        self.chance = nan

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the image projection and, if it is trained, the image encoder."""
        tuned = [one for part in self.pictures.modules() for one in part.parameters() if one.requires_grad]
        groups: list[Mapping[str, Any]] = [{"params": list(self.net.image.parameters()), "lr": self.lr}]
        return [*groups, {"params": tuned, "lr": self.lr_backbone}] if tuned else groups

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net.image, *self.pictures.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_sate of some anchors, as positions in `regions`."""
        region, partner = self.draw(anchors, rng)
        exclude = torch.from_numpy(self.false_negatives(region, partner))
        self.chance = info_nce_chance(exclude, direction=self.direction)
        own = own_part(len(anchors))
        query, key = self.vectors(region[own], partner[own])
        return info_nce(
            gathered(query),
            gathered(key),
            temperature=self.temperature,
            exclude=on_device(exclude, self.device),
            direction=self.direction,
        )

    def expect(self, anchors: np.ndarray, rng: np.random.Generator) -> None:
        """Tell the pictures which of them the next loss will ask for."""
        own = own_part(len(anchors))
        self.pictures.expect(np.unique(self.picture[np.stack([one[own] for one in self.draw(anchors, rng)])]))

    def draw(self, anchors: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the anchors' regions and a random partner of each, both int64 (b,)."""
        region = self.regions[anchors]
        place = rng.integers(0, self.pairs.sizes[region])
        return region, self.pairs.member[self.pairs.start[region] + place]

    def false_negatives(self, region: np.ndarray, partner: np.ndarray) -> np.ndarray:
        """Return bool (b, b): True where candidate j is like anchor i or has the picture of anchor i or of its partner."""
        own, other = self.picture[region], self.picture[partner]
        same = (own[:, None] == other) | (other[:, None] == other)
        exclude = self.similarity.between(region, partner) | same
        np.fill_diagonal(exclude, val=False)
        return np.asarray(exclude)

    def _contrasted(self, regions: np.ndarray) -> np.ndarray:
        """Keep the regions with a possible negative: a partner of any region, unlike it and with another picture.

        In a large city as many partners are looked at as `similar_pairs` compares a region with, evenly spread over all.
        """
        candidates = np.unique(self.pairs.member)
        candidates = candidates[:: max(1, -(-len(candidates) // CANDIDATES))]
        contrasted = np.zeros(len(regions), dtype=bool)
        while len(candidates) and not contrasted.all():
            rest = np.flatnonzero(~contrasted)
            step = max(1, min(TILE // len(rest), 64))
            some, candidates = candidates[:step], candidates[step:]
            same = self.picture[regions[rest]][:, None] == self.picture[some]
            contrasted[rest] = ~(self.similarity.between(regions[rest], some) | same).all(axis=1)
        return regions[contrasted]

    def vectors(self, region: np.ndarray, partner: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return E_s of regions and of their partners, each (b, d); each distinct picture is encoded once."""
        rows = self.picture[np.stack([region, partner])]
        distinct, place = np.unique(rows, return_inverse=True)
        made = self.net.image(self.pictures.rows(torch.from_numpy(distinct)))
        query, key = take_rows(made, on_device(place.reshape(rows.shape), self.device))
        return query, key


def _pictured(pairs: Groups, present: np.ndarray) -> Groups:
    """Keep the pairs in which both regions have a picture."""
    owner = np.repeat(np.arange(len(pairs)), pairs.sizes)
    kept = present[owner] & present[pairs.member]
    return type(pairs).from_pairs(owner[kept], pairs.member[kept], len(pairs))
