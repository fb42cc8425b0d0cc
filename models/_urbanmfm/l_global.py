"""Global scale: regions side by side seen from above, and the same with some seen from their POIs, belong together (Eq. 27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm.micro import draw_pois
from urbanbench.models._urbanmfm.net import rated, replaced, unit
from urbanbench.models._urbanmfm.nodes import (
    macro_nodes,
    only_among,
    seen_from_above,
    trip_vectors,
    with_trips,
)
from urbanbench.models._urbanmfm.stars import Stars, StarTable, draw_modalities
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance, same_row
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.flows import Flows
    from urbanbench.models._urbanmfm.micro import MicroEncoder
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.toolkit.features._feature_rows import PictureRows
    from urbanbench.toolkit.ground.neighbours import Groups

MACRO, MICRO, TRIPS = 0, 1, 2
"""What stands for a region: its picture, its POIs, its trips."""


class GlobalObjective:
    """L_global. An anchor is a region with a picture, with its neighbours that have one.

    In the positive graph every node keeps its picture or is replaced by its POIs or its trips, each with the same chance, and at
    least one is replaced. The POIs of a region with trips are fused with them first, as they are when the region is read out.

    Graphs whose centres share one picture are no negatives of each other, and where all do there are no anchors.

    Parameters
    ----------
    net
        Its projections, fusions and global graph encoder are trained.
    micro
        Makes the vectors of POIs.
    pois
        POIs of every region.
    pictures, picture_of_region
        Features of distinct pictures from above, and int64 (n_regions,): which one shows a region, -1 for none.
    stars
        Neighbours of every region.
    flows
        Trip features, or None.
    cap
        Most POIs of a region that enter its vector, drawn anew each time.
    temperature, direction
        Of the loss.
    lr, lr_new
        Learning rates of the projections, and of gates, fusions and graph encoders.
    device
        Where the net is.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing in the latest batch: the mean logarithm of the number of candidates. NaN before any.
    """

    name = "global"

    def __init__(
        self,
        net: UrbanNet,
        micro: MicroEncoder,
        pois: Groups,
        pictures: PictureRows,
        picture_of_region: np.ndarray,
        stars: StarTable,
        flows: Flows | None,
        *,
        cap: int,
        temperature: float,
        direction: str,
        lr: float,
        lr_new: float,
        device: str,
    ) -> None:
        self.net, self.micro, self.pois, self.pictures = net, micro, pois, pictures
        self.picture_of_region, self.flows, self.cap = picture_of_region, flows, cap
        self.temperature, self.direction, self.device = temperature, direction, device
        self.lr, self.lr_new = lr, lr_new
        self.seen = seen_from_above(pictures, picture_of_region)
        self.stars = only_among(stars, self.seen)
        self.other = self._other_modalities()
        self.anchors = self._anchors()
        self.n_anchors, self.chance = len(self.anchors), nan

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the parameters of all trained modules."""
        return rated(self.modules(), lr=self.lr, lr_new=self.lr_new, drawn=(self.net.flow,))

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained: what makes the vectors of POIs, regions and trips, and the graph encoder."""
        trips = (self.net.flow, self.net.fuse_flow) if self.flows is not None else ()
        return list(dict.fromkeys([*self.micro.modules(), self.net.image, *trips, self.net.global_graph]))

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_global of some anchors."""
        stars, chosen, place, owner = self.draw(anchors, rng)
        exclude = same_row(torch.from_numpy(self.picture_of_region[self.anchors[anchors]]))
        self.chance = info_nce_chance(exclude, direction=self.direction)
        own = own_part(len(anchors))
        part = Stars(stars.node[own], stars.present[own], stars.distance_m[own])
        macro = macro_nodes(self.net, self.pictures, self.picture_of_region, part)
        mixed, there = self.replaced(part, macro, chosen[own], place, owner), part.to(self.device)
        return info_nce(
            gathered(self.net.global_graph(there, macro)),
            gathered(self.net.global_graph(there, mixed)),
            temperature=self.temperature,
            exclude=on_device(exclude, self.device),
            direction=self.direction,
        )

    def draw(
        self, anchors: np.ndarray, rng: np.random.Generator
    ) -> tuple[Stars, np.ndarray, np.ndarray, np.ndarray]:
        """Draw the samples of a batch.

        Returns
        -------
        stars, chosen, place, owner
            The graphs, on the CPU; int64 (b, k + 1): what stands for each node of the positive ones; int64 (m,): POIs drawn for the regions
            that are replaced by theirs, once per region, and the region each is of.
        """
        stars = self.stars.take(self.anchors[anchors], "cpu")
        node, present = stars.node.numpy(), stars.present.numpy()
        available = np.concatenate([np.ones((*node.shape, 1), dtype=bool), self.other[node]], axis=2)
        chosen = draw_modalities(available, present, rng)
        regions = np.unique(node[chosen == MICRO])
        place, owner = draw_pois(self.pois, regions, rng, cap=self.cap)
        return stars, chosen, place, regions[owner]

    def replaced(
        self, stars: Stars, macro: Tensor, chosen: np.ndarray, place: np.ndarray, owner: np.ndarray
    ) -> Tensor:
        """Return the nodes of the positive graphs, (b, k + 1, d)."""
        node, made = stars.node.numpy(), macro
        for modality in np.unique(chosen[chosen != MACRO]):
            slots = chosen == modality
            regions, row = np.unique(node[slots], return_inverse=True)
            if modality == MICRO or self.flows is None:  # without flows nothing else is drawn
                vectors = self._micro(regions, place, owner)
            else:
                vectors = unit(trip_vectors(self.net, self.flows, regions, self.device))
            made = replaced(made, slots, take_rows(vectors, on_device(row, self.device)))
        return made

    def _micro(self, regions: np.ndarray, place: np.ndarray, owner: np.ndarray) -> Tensor:
        """Return the vectors of regions (r,), sorted, from those of the drawn POIs that lie in them, (r, d)."""
        own = np.isin(owner, regions)
        means = self.micro.means(place[own], np.searchsorted(regions, owner[own]), len(regions))
        return unit(means if self.flows is None else with_trips(self.net, self.flows, regions, means))

    def _other_modalities(self) -> np.ndarray:
        """Return bool (n_regions, 2): regions that have POIs, and trips."""
        has_pois = self.pois.sizes > 0
        return np.column_stack([has_pois, np.zeros_like(has_pois) if self.flows is None else self.flows.has])

    def _anchors(self) -> np.ndarray:
        """Return the regions with a picture in whose graph a node can be replaced, int64 (n_anchors,)."""
        replaceable = np.asarray(self.other.any(axis=1))
        neighbour = self.stars.neighbour
        around = (replaceable[np.maximum(neighbour, 0)] & (neighbour >= 0)).any(axis=1)
        anchors = np.flatnonzero(self.seen & (replaceable | around))
        return anchors if len(np.unique(self.picture_of_region[anchors])) > 1 else anchors[:0]
