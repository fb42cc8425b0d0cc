"""Micro scale, POIs: a POI's text and the mean of the others at its road belong together (Eqs. 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm.net import UrbanNet, mean_by_group
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance, same_row
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.toolkit.features._feature_rows import FeatureRows
    from urbanbench.toolkit.ground.neighbours import Groups


class PoiObjective:
    """L_poi. An anchor is a road (or another group) with at least two POIs.

    Parameters
    ----------
    net
        Its text projection is trained.
    texts
        Features of distinct texts; an encoder inside is trained along.
    text_of_place
        int64 (n,): distinct text of every POI.
    groups
        POIs per road, each group of size >= 2.
    cap
        Most POIs of a road that enter its mean, drawn anew each time; None for all.
    include_self
        Whether the mean includes the sampled POI (Eq. 6 as printed), which makes the pair partly trivial.
    temperature, direction
        Of the loss.
    lr, lr_backbone
        Learning rates of projection and text encoder.
    device
        Where the net is.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing in the latest batch: the mean logarithm of the number of candidates. NaN before any.
    """

    name = "poi"

    def __init__(
        self,
        net: UrbanNet,
        texts: FeatureRows,
        text_of_place: np.ndarray,
        groups: Groups,
        *,
        cap: int | None,
        include_self: bool,
        temperature: float,
        direction: str,
        lr: float,
        lr_backbone: float,
        device: str,
    ) -> None:
        self.net, self.texts, self.groups, self.text_of_place = net, texts, groups, text_of_place
        self.cap, self.include_self, self.temperature, self.direction = (
            cap,
            include_self,
            temperature,
            direction,
        )
        self.lr, self.lr_backbone, self.device = lr, lr_backbone, device
        self.n_anchors, self.chance = len(groups), nan

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the text projection and, if it is trained, the text encoder."""
        tuned = [one for module in self.texts.modules() for one in module.parameters() if one.requires_grad]
        groups: list[Mapping[str, Any]] = [{"params": list(self.net.text.parameters()), "lr": self.lr}]
        return [*groups, {"params": tuned, "lr": self.lr_backbone}] if tuned else groups

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net.text, *self.texts.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_poi of some roads; candidates whose sampled POI has the same text are left out."""
        query, member, owner = sample_roads(
            self.groups, anchors, rng, cap=self.cap, include_self=self.include_self
        )
        own = own_part(len(anchors))
        mine = (owner >= own.start) & (owner < own.stop)
        labels = self.text_of_place[query]
        exclude = same_row(torch.from_numpy(labels))
        self.chance = info_nce_chance(exclude, direction=self.direction)
        query_text, member_text = labels[own], self.text_of_place[member[mine]]
        distinct, place = np.unique(np.concatenate([query_text, member_text]), return_inverse=True)
        vectors = self.net.encode_text(self.texts.rows(torch.from_numpy(distinct)))
        places = on_device(place, self.device)
        road = on_device(owner[mine] - own.start, self.device)
        mean = mean_by_group(take_rows(vectors, places[len(query_text) :]), road, len(query_text))
        return info_nce(
            gathered(take_rows(vectors, places[: len(query_text)])),
            gathered(mean),
            temperature=self.temperature,
            exclude=on_device(exclude, self.device),
            direction=self.direction,
        )


def sample_roads(
    groups: Groups, anchors: np.ndarray, rng: np.random.Generator, *, cap: int | None, include_self: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one POI per road, and those that make the road's mean.

    Parameters
    ----------
    groups
        POIs per road, each group of size >= 2.
    anchors
        int64 (b,): roads.
    rng
        Source of randomness.
    cap
        Most POIs in a mean; None for all.
    include_self
        Whether the drawn POI is among them.

    Returns
    -------
    query, member, owner
        int64 (b,): the drawn POIs; int64 (m,): POIs of the means, and the position in `anchors` each belongs to.
    """
    member, owner = groups.take(anchors)
    order = np.lexsort((rng.random(len(member)), owner))
    member, owner = member[order], owner[order]
    sizes = groups.sizes[anchors]
    first = np.cumsum(sizes) - sizes
    rank = np.arange(len(member)) - first[owner]
    skipped = 0 if include_self else 1
    kept = (rank >= skipped) & (rank < (skipped + cap if cap else np.inf))
    return member[first], member[kept], owner[kept]
