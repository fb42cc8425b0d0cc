"""HGI's objective: POIs know their region, and regions know their city (mutual information by two discriminators)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the library's own customary name

from urbanbench.models._hgi.net import HGINet, summarise_city
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.models._hgi.material import Material


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
        inside = city.n_inside
        pois = net.encode_pois(city.smoothed)[:inside]
        regions = net.encode_regions(pois, city.segments, city.region_matrix)
        shuffled = net.encode_pois(self.shuffled_features(rng))[:inside]
        wrong = net.encode_regions(shuffled, city.segments, city.region_matrix)
        first = self.poi_region(pois, regions, city.negatives.draw(rng))
        second = self.region_city(take_rows(regions, city.filled), take_rows(wrong, city.filled))
        return self.alpha * first + (1 - self.alpha) * second

    def shuffled_features(self, rng: np.random.Generator) -> Tensor:
        """Return what POIs' features would be after the graph if the POIs had exchanged theirs, (n, features)."""
        city = self.material
        order = torch.from_numpy(rng.permutation(len(city.category))).to(city.category.device)
        return city.poi_matrix @ city.table[city.category[order]]

    def poi_region(self, pois: Tensor, regions: Tensor, other: np.ndarray) -> Tensor:
        """Return L_poi-region.

        Parameters
        ----------
        pois, regions
            Vectors of the POIs inside (m, dim), and of all regions (g, dim).
        other
            int64 (f,): for each filled region the filled region whose POIs are its wrong ones.
        """
        city = self.material
        keys = self.net.score_regions(regions)
        right = (pois * city.segments.spread(keys)).sum(dim=1)
        member, owner = pois_of(city.start, city.sizes, other)
        drawn = torch.from_numpy(member).to(pois.device)
        region = city.filled[torch.from_numpy(owner).to(pois.device)]
        false = (take_rows(pois, drawn) * take_rows(keys, region)).sum(dim=1)
        return F.softplus(-right).mean() + F.softplus(false).mean()

    def region_city(self, regions: Tensor, wrong: Tensor) -> Tensor:
        """Return L_region-city of the filled regions' vectors, true and from shuffled POIs, both (f, dim)."""
        key = self.net.score_city(summarise_city(regions, self.material.area_share))
        return F.softplus(-(regions @ key)).mean() + F.softplus(wrong @ key).mean()


def pois_of(start: np.ndarray, sizes: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all POIs of chosen regions, and the place in `chosen` each belongs to, both int64 (sum of their sizes,).

    Parameters
    ----------
    start, sizes
        int64 (f,): first POI and number of POIs of each region.
    chosen
        int64 (k,): regions, repeated or not.
    """
    count = sizes[chosen]
    owner = np.repeat(np.arange(len(chosen)), count)
    member = np.arange(len(owner)) + np.repeat(start[chosen] - (np.cumsum(count) - count), count)
    return member, owner
