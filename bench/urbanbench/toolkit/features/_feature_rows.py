"""Features of texts, pictures and footprints by row: computed once, or anew at every step behind an encoder that is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.toolkit.features._inner_values import InnerValues
from urbanbench.toolkit.pictures._pixel_feed import PixelFeed
from urbanbench.toolkit.pictures._small_convolutions import safe_to_train
from urbanbench.toolkit.pictures.image_encoders import draw_shapes
from urbanbench.toolkit.pictures.table import normalise, pictures_at_once
from urbanbench.toolkit.texts._token_store import TokenStore, parts_by_length
from urbanbench.toolkit.training.repeatable import take_rows
from urbanbench.toolkit.training.transfer import on_device, runs_behind

if TYPE_CHECKING:
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.toolkit.pictures.table import PictureTable
    from urbanbench.toolkit.texts._text_nets import TextEncoder

__all__ = [
    "FeatureRows",
    "Frozen",
    "FrozenPictures",
    "PictureRows",
    "TunedPictures",
    "TunedShapes",
    "TunedTexts",
]

CHUNK = 64
"""Texts that go through a trained encoder at once on the CPU."""

MOST_TOKENS, TOKENS_TO_START = 16_384, 4096
"""Of parts on a GPU: most tokens, of which bert-base keeps about 7 GB; and how many tokens it computes in the time that the host takes to
start the operations of one more part."""


class FeatureRows(Protocol):
    """Gives features by row."""

    dim: int

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim) of the things in `index`, int64 (n,), best on the CPU: a GPU would have to be waited for."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""


class PictureRows(FeatureRows, Protocol):
    """Gives the features of distinct pictures by row.

    `ok`, bool (p,), tells which pictures could be opened; those that could not have no features, and nobody may ask for them.
    """

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""

    def expect(self, rows: np.ndarray) -> None:
        """Hear which distinct pictures the next step will ask for, sorted int64 (n,)."""


class Frozen:
    """Features (n, dim) computed beforehand."""

    def __init__(self, features: Tensor) -> None:
        self.features, self.dim = features, int(features.shape[1])

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        return self.features[on_device(index, self.features.device)]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


class FrozenPictures(Frozen):
    """Features (p, dim) computed beforehand; rows that are not finite belong to pictures that could not be opened."""

    def __init__(self, features: Tensor) -> None:
        finite = torch.isfinite(features).all(dim=1)
        whole = bool(finite.all())  # then a copy, as large as all features, would say the same
        super().__init__(features if whole else torch.where(finite[:, None], features, 0.0))
        self.ok: np.ndarray = finite.cpu().numpy()

    def expect(self, rows: np.ndarray) -> None:
        """Nothing has to be fetched."""


class TunedTexts:
    """Features computed anew at every step by an encoder that is trained.

    Texts become tokens once. They go through in parts, so that a batch with thousands of texts fits into memory and all its candidates
    still share one loss; `InnerValues` says which parts keep what their backward pass needs. Texts of similar length share a part, so that
    little is spent on padding: on the CPU by letters, some at a time; on a GPU by tokens, in the few parts that cost least.

    Parameters
    ----------
    encoder
        Text encoder, moved to `device`.
    texts
        The n texts.
    device
        Where to compute.
    by_tokens
        Whether parts are made as on a GPU; None for what the device is.
    """

    def __init__(
        self, encoder: TextEncoder, texts: Sequence[str], device: str, *, by_tokens: bool | None = None
    ) -> None:
        self.encoder, self.texts, self.device, self.dim = encoder.to(device), texts, device, encoder.dim
        self.by_tokens = runs_behind(device) if by_tokens is None else by_tokens
        self._tokens = TokenStore(encoder, texts, device)
        self._inner = InnerValues(encoder, device)

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        rows = index.cpu().numpy()
        parts = self._parts(rows)
        self._inner.begin()
        made = torch.cat([self._part(rows[part]) for part in parts])
        return take_rows(made, on_device(np.concatenate(parts).argsort(), self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _parts(self, rows: np.ndarray) -> list[np.ndarray]:
        """Share the texts out, as positions in `rows`."""
        if self.by_tokens:
            length = np.maximum(self._tokens.length[rows], 1)
            return parts_by_length(length, most=MOST_TOKENS, start=TOKENS_TO_START)
        letters = np.array([len(self.texts[row]) for row in rows.tolist()], dtype=np.int64)
        order = np.argsort(letters, kind="stable")
        return [order[start : start + CHUNK] for start in range(0, len(order), CHUNK)]

    def _part(self, rows: np.ndarray) -> Tensor:
        size = len(rows) * int(self._tokens.length[rows].max(initial=1))
        return self._inner.through(self.encoder, self._tokens.batch(rows), size)


class TunedPictures:
    """Features computed anew at every step by an image encoder that is trained.

    Each distinct picture of a call is decoded and encoded once; the threads that decode work ahead of the encoder, on a GPU ahead of the
    step. `InnerValues` says which parts keep what their backward pass needs. Batch normalisation keeps the
    statistics it was pretrained with, so a picture's features do not depend on the others of its part.

    Parameters
    ----------
    encoder
        Image encoder, moved to `device`.
    pictures
        The p pictures.
    device
        Where to compute.
    fed
        Whether pixels come through a `PixelFeed`, as on a GPU; None for what the device is.
    """

    def __init__(
        self, encoder: ImageEncoder, pictures: PictureTable, device: str, *, fed: bool | None = None
    ) -> None:
        self.encoder, self.pictures, self.device, self.dim = encoder.to(device), pictures, device, encoder.dim
        safe_to_train(encoder)
        self._feed = PixelFeed(pictures, device) if (runs_behind(device) if fed is None else fed) else None
        self._inner = InnerValues(encoder, device)

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""
        return self.pictures.ok

    def expect(self, rows: np.ndarray) -> None:
        """Hear which distinct pictures the next step will ask for, sorted int64 (n,): their pixels are fetched meanwhile."""
        if self._feed is not None:
            self._feed.expect(rows)

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        distinct, place = np.unique(index.cpu().numpy(), return_inverse=True)
        _keep_statistics(self.encoder)
        self._inner.begin()
        made = torch.cat([self._part(pixels) for pixels in self._pixels(distinct)])
        return take_rows(made, on_device(place.reshape(index.shape), self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _pixels(self, distinct: np.ndarray) -> Iterable[Tensor]:
        """Give the pixels of pictures on the device, some at a time."""
        step = pictures_at_once(self.pictures.size, self.device)
        if self._feed is not None:
            return torch.split(self._feed.pixels(distinct), step)
        return (on_device(pixels, self.device) for pixels, _ in self.pictures.batches(distinct, step))

    def _part(self, pixels: Tensor) -> Tensor:
        return self._inner.through(self._encode, pixels, len(pixels))

    def _encode(self, pixels: Tensor) -> Tensor:
        made: Tensor = self.encoder(normalise(pixels, self.encoder.mean, self.encoder.std))
        return made


class TunedShapes:
    """Footprints, Shapely geometries (p,), behind an encoder that is trained; each is drawn when it is asked for.

    Batch normalisation keeps the statistics it was pretrained with, so that a footprint's features do not depend on the others.
    """

    def __init__(self, encoder: ImageEncoder, polygons: np.ndarray, *, size: int, device: str) -> None:
        self.encoder, self.polygons, self.dim = encoder.to(device), polygons, encoder.dim
        self.size, self.device = size, device
        safe_to_train(encoder)
        self._inner = InnerValues(encoder, device)

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        _keep_statistics(self.encoder)
        self._inner.begin()
        parts = torch.split(index.cpu(), pictures_at_once(self.size, self.device))
        return torch.cat([self._inner.through(self.encoder, self._drawn(one), len(one)) for one in parts])

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _drawn(self, index: Tensor) -> Tensor:
        return draw_shapes(self.polygons[index.numpy()], self.size, self.device)


def _keep_statistics(encoder: nn.Module) -> None:
    """Switch batch normalisation to the statistics it was pretrained with."""
    for module in encoder.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch has no public common base
            module.eval()
