"""Local scale: a POI's neighbourhood in texts belongs to the same one in texts, shapes and street views (Eqs. 15 and 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm.memory import street_vectors
from urbanbench.models._urbanmfm.net import rated, replaced
from urbanbench.models._urbanmfm.stars import Stars, StarTable, draw_drops, draw_modalities
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance, same_row
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.memory import StreetMemory
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.shapes import Shapes
    from urbanbench.toolkit.features._feature_rows import FeatureRows, PictureRows

TEXT, SHAPE, STREET = 0, 1, 2
"""What may stand for a node: its text, its polygon, what it sees of the streets around it."""


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
    lr, lr_new
        Learning rates of the projections, and of gates, fusions and graph encoders.
    device
        Where the net is.
    memory
        Sampling points near every POI; None without street views.
    pictures
        Features of the street pictures, taken as they are: an encoder inside is not trained. Needed with `memory`.
    prior
        How nearness enters the attention over sampling points, see `street_vectors`.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing in the latest batch: the mean logarithm of the number of candidates. NaN before any.
    """

    name = "local"

    def __init__(
        self,
        net: UrbanNet,
        texts: FeatureRows,
        shapes: Shapes | None,
        text_of_place: np.ndarray,
        shape_of_place: np.ndarray,
        stars: StarTable,
        *,
        drop_share: float,
        temperature: float,
        direction: str,
        lr: float,
        lr_new: float,
        device: str,
        memory: StreetMemory | None = None,
        pictures: PictureRows | None = None,
        prior: str = "literal",
    ) -> None:
        self.net, self.texts, self.shapes, self.stars = net, texts, shapes, stars
        self.text_of_place, self.shape_of_place = text_of_place, shape_of_place
        self.drop_share, self.temperature, self.direction = drop_share, temperature, direction
        self.lr, self.lr_new, self.device = lr, lr_new, device
        self.n_anchors = len(text_of_place)
        self.prior, self.chance = prior, nan
        self.sight = (memory, pictures) if memory is not None and pictures and memory.has.any() else None

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the projections and the graph encoder."""
        return rated(self.modules(), lr=self.lr, lr_new=self.lr_new)

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained; what is never drawn is not."""
        parts: list[nn.Module] = [self.net.text]
        if self.shapes is not None or self.sight is not None:
            parts.append(self.net.image)
        if self.shapes is not None:
            parts.append(self.net.surface)
        if self.sight is not None:
            parts.append(self.net.street_gate)
        return (*parts, self.net.local_graph)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_local of some POIs; candidates around a POI with the same text are left out."""
        exclude = same_row(torch.from_numpy(self.text_of_place[anchors]))
        self.chance = info_nce_chance(exclude, direction=self.direction)
        stars = self.stars.take(anchors, "cpu")
        positive, chosen = self.positives(stars, rng)
        mine = own_part(len(anchors))
        stars, positive, chosen = part(stars, mine), part(positive, mine), chosen[mine]
        text = self.text_vectors(stars)
        mixed = self.mixed(positive, text, chosen)
        return info_nce(
            gathered(self.net.local_graph(stars.to(self.device), text)),
            gathered(self.net.local_graph(positive.to(self.device), mixed)),
            temperature=self.temperature,
            exclude=on_device(exclude, self.device),
            direction=self.direction,
        )

    def positives(self, stars: Stars, rng: np.random.Generator) -> tuple[Stars, Tensor]:
        """Drop neighbours and draw modalities, all on the CPU.

        Returns
        -------
        positive, chosen
            The graphs; int64 (b, k + 1): what stands for the node in each slot.
        """
        dropped = draw_drops(stars.present.numpy(), rng, share=self.drop_share)
        positive = stars.without(torch.from_numpy(dropped))
        available = self.modalities(stars.node.numpy())
        return positive, torch.from_numpy(draw_modalities(available, positive.present.numpy(), rng))

    def modalities(self, places: np.ndarray) -> np.ndarray:
        """Tell what POIs have: bool (..., 2) for text and shape, (..., 3) where there are street views."""
        shaped = self.shape_of_place[places] >= 0 if self.shapes is not None else np.zeros_like(places, bool)
        found = [np.ones_like(shaped), shaped]
        return np.stack(found if self.sight is None else [*found, self.sight[0].has[places]], axis=-1)

    def text_vectors(self, stars: Stars) -> Tensor:
        """Return E_t of every slot, (b, k + 1, d); each distinct text is projected once."""
        rows = self.text_of_place[stars.node.numpy()]
        distinct, place = np.unique(rows, return_inverse=True)
        vectors = self.net.encode_text(self.texts.rows(torch.from_numpy(distinct)))
        return take_rows(vectors, on_device(place.reshape(rows.shape), self.device))

    def mixed(self, stars: Stars, text: Tensor, chosen: Tensor) -> Tensor:
        """Return the vectors of all slots, (b, k + 1, d): of text, or of what `chosen` puts in its place."""
        made, node = text, stars.node.numpy()
        if self.shapes is not None:
            slots = chosen.numpy() == SHAPE
            made = replaced(made, slots, self._shape_vectors(self.shapes, node[slots]))
        if self.sight is not None:
            slots = chosen.numpy() == STREET
            made = replaced(made, slots, self._street_vectors(*self.sight, node[slots], text, slots))
        return made

    def _shape_vectors(self, shapes: Shapes, nodes: np.ndarray) -> Tensor:
        """Return E_p of POIs (m,), (m, d); each distinct footprint is encoded once."""
        distinct, place = np.unique(self.shape_of_place[nodes], return_inverse=True)
        rows = on_device(distinct, self.device)
        vectors = self.net.encode_shape(shapes.features[rows], shapes.surface[rows])
        return take_rows(vectors, on_device(place, self.device))

    def _street_vectors(
        self, memory: StreetMemory, pictures: PictureRows, nodes: np.ndarray, text: Tensor, slots: np.ndarray
    ) -> Tensor:
        """Return E_v of the POIs (m,) in some slots, (m, d); each distinct POI looks around once."""
        distinct, first, place = np.unique(nodes, return_index=True, return_inverse=True)
        where = on_device(np.flatnonzero(slots)[first], self.device)
        vectors = street_vectors(
            self.net,
            pictures,
            memory,
            distinct,
            take_rows(text.flatten(0, 1), where),
            prior=self.prior,
            temperature=self.temperature,
        )
        return take_rows(vectors, on_device(place, self.device))


def part(stars: Stars, rows: slice) -> Stars:
    """Return some of the graphs."""
    return Stars(stars.node[rows], stars.present[rows], stars.distance_m[rows])
