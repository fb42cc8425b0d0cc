"""Micro scale, street views: two pictures taken at one place in different directions belong together (Eq. 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.pictures.table import without_broken
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.contrastive import cosines
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.streets import Streets
    from urbanbench.toolkit.features._feature_rows import PictureRows


class SviObjective:
    """L_svi. An anchor is a sampling point with pictures in at least two directions.

    Two different directions are drawn for each anchor, one to ask from and one to find. The candidates are all pictures of all
    points of the batch; of the anchor's own point only the one to find counts, because the one asked from would be a trivial
    candidate and the others are true neighbours. A picture's vector mixes it with the text of its point's scene, where that is
    known.

    Parameters
    ----------
    net
        Its image projection and scene mixing are trained.
    pictures
        Features of the street pictures; an encoder inside is trained along.
    streets
        Sampling points.
    scene
        int64 (g,): scene of every sampling point, row of `scene_text`, -1 where it is not known; None without scenes.
    scene_text
        Text features of the scenes, (s, text_dim); None without scenes. The text projection gets no gradient from here.
    literal
        Whether nothing is masked, as Eq. 9 is printed.
    temperature
        Of the loss.
    lr, lr_backbone
        Learning rates of projection and mixing, and of the image encoder.
    device
        Where the net is.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing in the latest batch: the mean logarithm of the number of candidates. NaN before any.
    """

    name = "svi"

    def __init__(
        self,
        net: UrbanNet,
        pictures: PictureRows,
        streets: Streets,
        scene: np.ndarray | None,
        scene_text: Tensor | None,
        *,
        literal: bool,
        temperature: float,
        lr: float,
        lr_backbone: float,
        device: str,
    ) -> None:
        self.net, self.pictures, self.scene_text, self.literal = net, pictures, scene_text, literal
        self.temperature, self.lr, self.lr_backbone, self.device = temperature, lr, lr_backbone, device
        table = without_broken(streets.picture, pictures.ok)
        usable = np.flatnonzero((table >= 0).sum(axis=1) >= 2)
        self.picture = table[usable]
        known = scene is not None and scene_text is not None and bool((scene[usable] >= 0).any())
        self.scene = scene[usable] if known and scene is not None else None
        self.n_anchors = len(usable)
        self.chance = nan

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return image projection and scene mixing and, if it is trained, the image encoder."""
        own = [self.net.image, self.net.scene] if self.scene is not None else [self.net.image]
        tuned = [one for part in self.pictures.modules() for one in part.parameters() if one.requires_grad]
        groups: list[Mapping[str, Any]] = [
            {"params": [one for part in own for one in part.parameters()], "lr": self.lr}
        ]
        return [*groups, {"params": tuned, "lr": self.lr_backbone}] if tuned else groups

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained; without scenes nothing is mixed."""
        mixing = (self.net.scene,) if self.scene is not None else ()
        return (self.net.image, *mixing, *self.pictures.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return L_svi of some points, as positions among those with two pictures or more."""
        present = self.picture[anchors] >= 0
        pair = draw_directions(present, rng)
        views = gathered(self.view_vectors(anchors[own_part(len(anchors))]))
        views, first = views.flatten(0, 1), 4 * np.arange(len(pair))
        query = take_rows(views, on_device(first + pair[:, 0], self.device))
        logits = cosines(query, views) / self.temperature
        counts = candidates(present, pair, literal=self.literal)
        self.chance = float(np.log(counts.sum(axis=1)).mean())
        logits = logits.masked_fill(on_device(~counts, self.device), float("-inf"))
        return F.cross_entropy(logits, on_device(first + pair[:, 1], self.device))

    def expect(self, anchors: np.ndarray, rng: np.random.Generator) -> None:
        """Tell the pictures which of them the next loss will ask for."""
        del rng
        table = self.picture[anchors[own_part(len(anchors))]]
        self.pictures.expect(np.unique(table[table >= 0]))

    def view_vectors(self, anchors: np.ndarray) -> Tensor:
        """Return the vectors of all pictures of some points, (b, 4, d); those of missing pictures mean nothing."""
        table = self.picture[anchors]
        present = table >= 0
        distinct, place = np.unique(table[present], return_inverse=True)
        vectors = self.net.encode_image(self.pictures.rows(torch.from_numpy(distinct)))
        slot = np.zeros(table.shape, dtype=np.int64)
        slot[present] = place
        views = take_rows(vectors, on_device(slot, self.device))
        if self.scene is None or self.scene_text is None:
            return views
        return self._with_scene(views, self.scene[anchors], self.scene_text)

    def _with_scene(self, views: Tensor, scene: np.ndarray, scene_text: Tensor) -> Tensor:
        """Mix the pictures (b, 4, d) with their scenes (b,); pictures without one stay what they are."""
        rows = on_device(scene, self.device)
        with torch.no_grad():
            told = self.net.encode_text(scene_text)[rows.clamp(min=0)]
        mixed = self.net.scene(torch.cat([views, told[:, None].expand_as(views)], dim=2))
        return torch.where((rows >= 0)[:, None, None], mixed, views)


def draw_directions(present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw two different directions of every point, uniformly.

    Parameters
    ----------
    present
        bool (b, 4), at least two per row.
    rng
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        int64 (b, 2): the direction to ask from and the one to find.
    """
    score = np.where(present, rng.random(present.shape), np.inf)
    return np.asarray(score.argsort(axis=1)[:, :2], dtype=np.int64)


def candidates(present: np.ndarray, pair: np.ndarray, *, literal: bool) -> np.ndarray:
    """Tell which pictures of the batch stand in the denominator of Eq. 9.

    Parameters
    ----------
    present
        bool (b, 4): pictures there are.
    pair
        int64 (b, 2): the direction to ask from and the one to find, of every point.
    literal
        Whether all of them do. Otherwise only the one to find does of a point's own pictures.

    Returns
    -------
    numpy.ndarray
        bool (b, 4 b), the pictures of a point beside one another.
    """
    counts = np.repeat(present[None], len(present), axis=0)
    if not literal:
        rows = np.arange(len(present))
        counts[rows, rows] = False
        counts[rows, rows, pair[:, 1]] = True
    return counts.reshape(len(present), -1)
