"""The image tower: street views through an encoder that is frozen, or trained along, and two trained layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.toolkit.features.frozen_pictures import frozen_encoder, street_features
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.pictures.table import PictureTable, normalise
from urbanbench.toolkit.texts.place_texts import distinct_texts
from urbanbench.toolkit.training.transfer import on_device
from urbanbench.units import Units

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["FrozenViews", "ImageTower", "TunedViews", "Views"]


class Views(ABC):
    """Street views by row, as vectors of an encoder.

    Attributes
    ----------
    dim
        Length of a vector.
    ok
        bool (v,): which views have a picture that can be opened.
    """

    dim: int
    ok: np.ndarray

    @abstractmethod
    def vectors(self, rows: np.ndarray) -> Tensor:
        """Return (n, dim) of views that are ok."""


class FrozenViews(Views):
    """Vectors that were computed before: the mean over a view's pictures."""

    def __init__(self, view: View, ids: Sequence[str], encoder: ImageEncoder, size: int, device: str) -> None:
        units = Units("street_view", tuple(ids))
        table = street_features(view, units, frozen_encoder(view, encoder, size, device)).reindex(list(ids))
        features = np.ascontiguousarray(table.to_numpy(dtype=np.float32))
        self.dim, self.ok = encoder.dim, np.isfinite(features).all(axis=1)
        self._features = torch.from_numpy(np.nan_to_num(features)).to(device)

    def vectors(self, rows: np.ndarray) -> Tensor:
        """Return (n, dim) as they were computed."""
        return self._features[on_device(rows, self._features.device)]


class TunedViews(Views):
    """Vectors of an encoder that is trained along: the mean over a view's pictures, read anew each time.

    The encoder stays as in use, so that normalisation over a batch is that of its published weights.
    """

    def __init__(self, view: View, ids: Sequence[str], encoder: ImageEncoder, size: int, device: str) -> None:
        self.encoder, self.dim, self._device = encoder.eval().to(device), encoder.dim, device
        frame = view.street_views.reindex(list(ids))
        sides = frame[["image", *DIRECTIONS]].to_numpy(dtype=object)
        pairs = sorted({(k, one) for k, row in enumerate(sides) for one in row if isinstance(one, str)})
        paths, picture = distinct_texts([path for _, path in pairs])
        self._table = PictureTable(view.open_image, paths, size)
        owner = np.fromiter((k for k, _ in pairs), dtype=np.int64, count=len(pairs))
        known = self._table.ok[picture]
        self._pictures = Groups.from_pairs(owner[known], picture[known], len(ids))
        self.ok = self._pictures.sizes > 0

    def vectors(self, rows: np.ndarray) -> Tensor:
        """Return (n, dim) by the encoder as it is now."""
        member, owner = self._pictures.take(rows)
        pixels, _ = self._table.pixels(member)
        self.encoder.eval()
        made = self.encoder(normalise(on_device(pixels, self._device), self.encoder.mean, self.encoder.std))
        sizes = np.bincount(owner, minlength=len(rows))
        start, each = np.cumsum(sizes) - sizes, torch.arange(len(member), device=made.device)
        return F.embedding_bag(each, made, on_device(start, made.device), mode="mean")


class ImageTower(nn.Module):
    """Two layers over the encoder's vectors, brought to mean 0 and spread 1 over the pictures it learns from."""

    centre: Tensor
    spread: Tensor

    def __init__(self, given: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(given))
        self.register_buffer("spread", torch.ones(given))
        self.layers = nn.Sequential(
            nn.Linear(given, dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(dim, dim), nn.LayerNorm(dim)
        )

    @torch.no_grad()
    def fit(self, vectors: Tensor) -> None:
        """Take mean and spread of vectors (n, given)."""
        self.centre.copy_(vectors.mean(dim=0))
        self.spread.copy_(vectors.std(dim=0, correction=0).clamp_min(1e-4))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return (n, dim) of vectors (n, given)."""
        made: Tensor = self.layers((vectors - self.centre) / self.spread)
        return made
