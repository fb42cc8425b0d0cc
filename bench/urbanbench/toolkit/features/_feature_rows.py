"""Features of texts, pictures and footprints by row: computed once, or anew at every step behind an encoder that is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from urbanbench.toolkit.pictures.image_encoders import draw_shapes
from urbanbench.toolkit.pictures.table import normalise, pictures_at_once
from urbanbench.toolkit.training.repeatable import take_rows

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

CHUNK, CHUNK_ON_GPU = 64, 512
"""Texts that go through a trained encoder at once. A GPU would wait for the next operation to be started if there were fewer; of 512 short
texts bert-base keeps about 5 GB."""


class FeatureRows(Protocol):
    """Gives features by row."""

    dim: int

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim) of the things in `index`, int64 (n,)."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""


class PictureRows(FeatureRows, Protocol):
    """Gives the features of distinct pictures by row.

    `ok`, bool (p,), tells which pictures could be opened; those that could not have no features, and nobody may ask for them.
    """

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""


class Frozen:
    """Features (n, dim) computed beforehand."""

    def __init__(self, features: Tensor) -> None:
        self.features, self.dim = features, int(features.shape[1])

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        return self.features[index]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


class FrozenPictures(Frozen):
    """Features (p, dim) computed beforehand; rows that are not finite belong to pictures that could not be opened."""

    def __init__(self, features: Tensor) -> None:
        finite = torch.isfinite(features).all(dim=1)
        super().__init__(torch.where(finite[:, None], features, 0.0))
        self.ok: np.ndarray = finite.cpu().numpy()


class TunedTexts:
    """Features computed anew at every step by an encoder that is trained.

    Texts go through in chunks whose inner values are computed again in the backward pass, so that a batch with thousands of
    texts fits into memory and all its candidates still share one loss. Texts of similar length share a chunk, so that little is
    spent on padding.
    """

    def __init__(self, encoder: TextEncoder, texts: Sequence[str], device: str) -> None:
        self.encoder, self.texts, self.device, self.dim = encoder.to(device), texts, device, encoder.dim

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        chosen = [self.texts[row] for row in index.tolist()]
        order = sorted(range(len(chosen)), key=lambda place: len(chosen[place]))
        step = CHUNK_ON_GPU if self.device.startswith("cuda") else CHUNK
        chunks = [order[start : start + step] for start in range(0, len(order), step)]
        made = torch.cat([self._chunk([chosen[place] for place in chunk]) for chunk in chunks])
        return take_rows(made, torch.tensor(order).argsort().to(self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _chunk(self, texts: Sequence[str]) -> Tensor:
        tokens = {name: one.to(self.device) for name, one in self.encoder.tokenize(texts).items()}
        return _forgetful(self.encoder, tokens)


class TunedPictures:
    """Features computed anew at every step by an image encoder that is trained.

    Each distinct picture of a call is decoded and encoded once; the threads that decode work ahead of the encoder. Chunks keep
    their inner values only until the next one and compute them again in the backward pass. Batch normalisation keeps the
    statistics it was pretrained with, so a picture's features do not depend on the others of its chunk.

    Parameters
    ----------
    encoder
        Image encoder, moved to `device`.
    pictures
        The p pictures.
    device
        Where to compute.
    """

    def __init__(self, encoder: ImageEncoder, pictures: PictureTable, device: str) -> None:
        self.encoder, self.pictures, self.device, self.dim = encoder.to(device), pictures, device, encoder.dim

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""
        return self.pictures.ok

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        distinct, place = torch.unique(index.cpu(), return_inverse=True)
        _keep_statistics(self.encoder)
        step = pictures_at_once(self.pictures.size, self.device)
        single = len(distinct) <= step
        chunks = self.pictures.batches(distinct.numpy(), step)
        made = torch.cat([self._chunk(torch.from_numpy(pixels), single) for pixels, _ in chunks])
        return take_rows(made, place.to(self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _chunk(self, pixels: Tensor, single: bool) -> Tensor:
        there = pixels.to(self.device)
        return self._encode(there) if single else _forgetful(self._encode, there)

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

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        _keep_statistics(self.encoder)
        parts = torch.split(index.cpu(), pictures_at_once(self.size, self.device))
        return torch.cat([_forgetful(self.encoder, self._drawn(part)) for part in parts])

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


def _forgetful(encode: Callable[[Any], Tensor], inputs: Any) -> Tensor:
    """Encode without keeping inner values, where there will be a backward pass."""
    if not torch.is_grad_enabled():
        return encode(inputs)
    return checkpoint(encode, inputs, use_reentrant=False)  # type: ignore[no-any-return]
