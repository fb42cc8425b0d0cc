"""HGI's objective: POIs know their region, and regions know their city (mutual information by two discriminators)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the library's own customary name

from urbanbench.models._hgi.blocks import Block, forgetful
from urbanbench.models._hgi.net import HGINet, summarise_city
from urbanbench.models._hgi.propagation import spread_categories
from urbanbench.models._hgi.segments import Segments
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.models._hgi.material import Material

SURE = 40.0
"""A pair that scores more is told apart as surely as single precision can say. Its gradient, below 5e-18, teaches nothing, but products of such numbers leave the range of normal ones, over which processors take many times as long."""


class MutualInformation:
    """a L_poi-region + (1 - a) L_region-city over the whole city (HGI, Section 4.4). Anchors are the regions with POIs.

    With D(x, y) = sigmoid(xᵀ W y) each part is the mean of -log D over true pairs plus the mean of -log(1 - D) over wrong ones. Wrong for a
    region are all POIs of one other region; wrong for the city are regions made of POIs whose features are shuffled over the city.

    Parameters
    ----------
    net
        What is trained.
    material
        The city.
    alpha
        Share of the part of POIs and regions.
    lr
        Learning rate.
    """

    name = "mutual-information"
    chance = 2 * log(2)
    """Loss of discriminators that always say one half."""

    def __init__(self, net: HGINet, material: Material, *, alpha: float, lr: float) -> None:
        self.net, self.material, self.alpha, self.lr = net, material, alpha, lr
        self.n_anchors = len(material.filled)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the whole net."""
        return [{"params": list(self.net.parameters()), "lr": self.lr}]

    def modules(self) -> Sequence[nn.Module]:
        """Return the whole net."""
        return (self.net,)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss over all regions: graphs are trained whole, so `anchors` has to be all of them."""
        del anchors
        city, net = self.material, self.net
        pois = encode_blocks(net, city, city.smoothed)
        regions = net.join(pool_blocks(net, city, pois), city.region_matrix)
        wrong = encode_regions(net, city, self.shuffled_features(rng))
        first = self.poi_region(pois, regions, city.negatives.draw(rng))
        second = self.region_city(take_rows(regions, city.filled), take_rows(wrong, city.filled))
        return self.alpha * first + (1 - self.alpha) * second

    def shuffled_features(self, rng: np.random.Generator) -> Tensor:
        """Return what POIs' features would be after the graph if the POIs had exchanged theirs, (n, features)."""
        city = self.material
        order = torch.from_numpy(rng.permutation(len(city.category))).to(city.category.device)
        return spread_categories(city.poi_matrix, city.category[order], city.table)

    def poi_region(self, pois: Sequence[Tensor], regions: Tensor, other: np.ndarray) -> Tensor:
        """Return L_poi-region.

        Parameters
        ----------
        pois
            Vectors (m, dim) of the POIs of each block.
        regions
            Vectors of all regions (g, dim).
        other
            int64 (f,): for each filled region the filled region whose POIs are its wrong ones.
        """
        city = self.material
        keys, order = self.net.score_regions(regions), np.argsort(other, kind="stable")
        chosen = other[order]  # rising, so that the wrong POIs lie in the same blocks as the right ones
        ends = np.searchsorted(city.start[chosen], [block.pois.stop for block in city.blocks])
        counts = np.diff(ends, prepend=0)
        asking = take_rows(keys, city.filled[torch.from_numpy(order).to(keys.device)])
        own = torch.split(keys, [block.regions.stop - block.regions.start for block in city.blocks])
        parts = [
            forgetful(city.blocks, self._block_terms)(block, inside, right, wrong, drawn)
            for block, inside, right, wrong, drawn in zip(
                city.blocks,
                pois,
                own,
                torch.split(asking, counts.tolist()),
                np.split(chosen, ends[:-1]),
                strict=True,
            )
        ]
        right, wrong = torch.stack(parts).sum(dim=0)
        total: Tensor = right / city.n_inside + wrong / int(city.sizes[other].sum())
        return total

    def _block_terms(
        self, block: Block, pois: Tensor, right: Tensor, wrong: Tensor, drawn: np.ndarray
    ) -> Tensor:
        """Return the sums of -log D over true pairs and of -log(1 - D) over wrong ones, (2,).

        Parameters
        ----------
        block
            Regions with their POIs.
        pois
            Vectors of these POIs.
        right
            W r of these regions.
        wrong, drawn
            W r of the k regions that POIs of this block are wrong for, and int64 (k,), the filled region of this block drawn for each.
        """
        city = self.material
        true = (pois * block.segments.spread(right)).sum(dim=1)
        runs = Segments(city.sizes[drawn], str(pois.device))
        member = torch.from_numpy(pois_of(city.start, city.sizes, drawn) - block.pois.start).to(pois.device)
        false = (take_rows(pois, member) * runs.spread(wrong)).sum(dim=1)
        return torch.stack([surprise(true).sum(), surprise(-false).sum()])

    def region_city(self, regions: Tensor, wrong: Tensor) -> Tensor:
        """Return L_region-city of the filled regions' vectors, true and from shuffled POIs, both (f, dim)."""
        key = self.net.score_city(summarise_city(regions, self.material.area_share))
        return surprise(regions @ key).mean() + surprise(-(wrong @ key)).mean()


def surprise(scores: Tensor) -> Tensor:
    """Return -log sigmoid of scores, those above `SURE` taken for it; they then have no gradient."""
    return F.softplus(-scores.clamp(max=SURE))


def encode_regions(net: HGINet, city: Material, smoothed: Tensor) -> Tensor:
    """Return the vectors of all regions (g, dim), from the smoothed features (n, features) of all POIs."""
    return net.join(pool_regions(net, city, smoothed), city.region_matrix)


def pool_regions(net: HGINet, city: Material, smoothed: Tensor) -> Tensor:
    """Return what the attention makes of the POIs of each region (g, dim), before the graph of regions."""
    return pool_blocks(net, city, encode_blocks(net, city, smoothed))


def encode_blocks(net: HGINet, city: Material, smoothed: Tensor) -> list[Tensor]:
    """Return the vectors (m, dim) of the POIs of each block, from the smoothed features (n, features) of all POIs."""
    encode = forgetful(city.blocks, net.encode_pois)
    return [encode(smoothed[block.pois]) for block in city.blocks]


def pool_blocks(net: HGINet, city: Material, pois: Sequence[Tensor]) -> Tensor:
    """Return what the attention makes of the POIs of each region (g, dim), from the vectors of those of each block."""
    pool = forgetful(city.blocks, net.pooling)
    return torch.cat([pool(inside, block.segments) for block, inside in zip(city.blocks, pois, strict=True)])


def pois_of(start: np.ndarray, sizes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return all POIs of chosen regions, region after region, int64 (sum of their sizes,).

    Parameters
    ----------
    start, sizes
        int64 (f,): first POI and number of POIs of each region.
    chosen
        int64 (k,): regions, repeated or not.
    """
    count = sizes[chosen]
    shift = start[chosen] - (np.cumsum(count) - count)
    return np.asarray(np.arange(int(count.sum())) + np.repeat(shift, count))
