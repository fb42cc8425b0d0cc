"""From POIs to regions: every POI's modalities fused into one vector, and their mean (Eqs. 23-26)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanmfm.net import mean_by_group, replaced, unit
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.fusion import Fusion
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.shapes import Shapes
    from urbanbench.toolkit.features._feature_rows import FeatureRows

Street = Callable[[np.ndarray, Tensor], Tensor]
"""Gives E_v (m, d) of POIs by their rows, int64 (m,), and their E_t (m, d)."""


class MicroEncoder:
    """Fuses the text of a POI with the streets around it and with its footprint, where it has them.

    Parameters
    ----------
    net
        Its projections and fusions are used.
    texts
        Features of distinct texts.
    shapes
        Features of footprints, or None without polygons.
    text_of_place, shape_of_place
        int64 (n,): distinct text and footprint (-1 for none) of every POI.
    street, has_street
        Street vectors, and bool (n,): POIs that have one. Both None without street views.
    device
        Where the net is.
    """

    def __init__(
        self,
        net: UrbanNet,
        texts: FeatureRows,
        shapes: Shapes | None,
        text_of_place: np.ndarray,
        shape_of_place: np.ndarray,
        *,
        street: Street | None = None,
        has_street: np.ndarray | None = None,
        device: str,
    ) -> None:
        self.net, self.texts, self.shapes, self.street = net, texts, shapes, street
        self.text_of_place, self.shape_of_place = text_of_place, shape_of_place
        self.has_street = np.zeros(len(text_of_place), dtype=bool) if has_street is None else has_street
        self.device = device

    def modules(self) -> Sequence[nn.Module]:
        """Return what has a part in the vectors, and so is trained by a loss on them."""
        made: list[nn.Module] = [self.net.text]
        if self.street is not None and self.has_street.any():
            made += [self.net.image, self.net.street_gate, self.net.fuse_street]
        if self.shapes is not None and (self.shape_of_place >= 0).any():
            made += [self.net.image, self.net.surface, self.net.fuse_shape]
        return list(dict.fromkeys(made))

    def vectors(self, rows: np.ndarray, *, raw: bool = False) -> Tensor:
        """Return E_j of the POIs in `rows` (m,) at length 1, or with `raw` at the length the fusion gives them, (m, d).

        A POI without a modality goes past its fusion. Length 1 gives those that were fused, whose vectors are as long as a
        LayerNorm makes them, no more weight in a mean than those that were not.
        """
        made = text = self._texts(rows)
        if self.street is not None:
            chosen = np.flatnonzero(self.has_street[rows])
            if len(chosen):
                query = take_rows(text, self._index(chosen))
                made = self._fused(self.net.fuse_street, made, chosen, self.street(rows[chosen], query))
        if self.shapes is not None:
            chosen = np.flatnonzero(self.shape_of_place[rows] >= 0)
            if len(chosen):
                shape = self._shapes(self.shapes, self.shape_of_place[rows[chosen]])
                made = self._fused(self.net.fuse_shape, made, chosen, shape)
        return made if raw else unit(made)

    def means(self, rows: np.ndarray, owner: np.ndarray, n: int) -> Tensor:
        """Return E_micro (n, d), the mean of E_j over the POIs `rows` (m,) by the region `owner` (m,) each belongs to; Eq. 26."""
        return mean_by_group(self.vectors(rows), self._index(owner), n)

    def _texts(self, rows: np.ndarray) -> Tensor:
        distinct, place = np.unique(self.text_of_place[rows], return_inverse=True)
        return take_rows(
            self.net.encode_text(self.texts.rows(torch.from_numpy(distinct))), self._index(place)
        )

    def _shapes(self, shapes: Shapes, rows: np.ndarray) -> Tensor:
        distinct, place = np.unique(rows, return_inverse=True)
        chosen = self._index(distinct)
        vectors = self.net.encode_shape(shapes.features[chosen], shapes.surface[chosen])
        return take_rows(vectors, self._index(place))

    def _fused(self, fusion: Fusion, made: Tensor, chosen: np.ndarray, other: Tensor) -> Tensor:
        """Return `made` with the rows in `chosen` (m,) fused with `other` (m, d)."""
        fused = fusion(take_rows(made, self._index(chosen)), other)
        inside = np.zeros(len(made), dtype=bool)
        inside[chosen] = True
        return replaced(made.to(fused.dtype), inside, fused)  # mixed precision gives the two different types

    def _index(self, rows: np.ndarray) -> Tensor:
        return on_device(rows, self.device)


def pois_by_region(region: np.ndarray, n_regions: int) -> Groups:
    """Return the POIs of every region from the region of every POI, int64 (n,), -1 outside of all."""
    inside = np.flatnonzero(region >= 0)
    return Groups.from_pairs(region[inside], inside, n_regions)


def draw_pois(
    groups: Groups, regions: np.ndarray, rng: np.random.Generator, *, cap: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw at most `cap` POIs of each region, uniformly and without repetition.

    Returns
    -------
    place, owner
        int64 (m,): POIs, and the position in `regions` each belongs to.
    """
    member, owner = groups.take(regions)
    order = np.lexsort((rng.random(len(member)), owner))
    sizes = groups.sizes[regions]
    rank = np.arange(len(member)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = order[rank < cap]
    return member[kept], owner[kept]
