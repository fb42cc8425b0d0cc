"""What the backbones say of texts, pictures and shapes: computed once per distinct input, or trained along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import shapely
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from urbanbench.progress import tracking
from urbanbench.toolkit.pictures import normalise, pictures_at_once
from urbanbench.toolkit.polygon import rasterise, surface_share
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.toolkit._image_nets import ImageEncoder
    from urbanbench.toolkit._text_nets import TextEncoder
    from urbanbench.toolkit.pictures import PictureTable

CHUNK, CHUNK_ON_GPU = 64, 512
"""Texts that go through a trained encoder at once. A GPU would wait for the next operation to be started if there were fewer; of 512 short
texts bert-base keeps about 5 GB."""


class TextSource(Protocol):
    """Gives the features of distinct texts by row."""

    dim: int

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim) of the texts in `index` (n,)."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""


class FrozenTexts:
    """Features (t, dim) computed beforehand."""

    def __init__(self, features: Tensor) -> None:
        self.features, self.dim = features, int(features.shape[1])

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        return self.features[index]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


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
        if not torch.is_grad_enabled():
            return self.encoder(tokens)  # type: ignore[no-any-return]  # modules are called through an untyped method
        return checkpoint(self.encoder, tokens, use_reentrant=False)  # type: ignore[no-any-return]


class PictureSource(Protocol):
    """Gives the features of distinct pictures by row.

    `ok`, bool (p,), tells which pictures could be opened; those that could not have no features, and nobody may ask for them.
    """

    dim: int

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim) of the pictures in `index` (n,)."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""


class FrozenPictures:
    """Features (p, dim) computed beforehand; rows that are not finite belong to pictures that could not be opened."""

    def __init__(self, features: Tensor) -> None:
        finite = torch.isfinite(features).all(dim=1)
        self.features = torch.where(finite[:, None], features, 0.0)
        self.dim = int(features.shape[1])
        self._ok: np.ndarray = finite.cpu().numpy()

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""
        return self._ok

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        return self.features[index]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


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
        for module in self.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch has no public common base
                module.eval()
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
        if single or not torch.is_grad_enabled():
            return self._encode(there)
        return checkpoint(self._encode, there, use_reentrant=False)  # type: ignore[no-any-return]

    def _encode(self, pixels: Tensor) -> Tensor:
        made: Tensor = self.encoder(normalise(pixels, self.encoder.mean, self.encoder.std))
        return made


class Shapes:
    """Raster features (p, image_dim) and surface shares (p,) of footprints."""

    def __init__(self, features: Tensor, surface: Tensor) -> None:
        self.features, self.surface = features, surface

    def __len__(self) -> int:
        return len(self.features)


def shape_features(encoder: ImageEncoder, polygons: np.ndarray, *, size: int, device: str) -> np.ndarray:
    """Rasterise footprints and encode the pictures, some at a time.

    Parameters
    ----------
    encoder
        Frozen image encoder.
    polygons
        Shapely geometries (p,).
    size
        Pixels per side.
    device
        Where to compute.

    Returns
    -------
    numpy.ndarray
        float32 (p, dim).
    """
    features = np.empty((len(polygons), encoder.dim), dtype=np.float32)
    encoder.eval().to(device)
    step = max(1, 128 * 64 * 64 // size**2) if device == "cpu" else pictures_at_once(size, device)
    with torch.inference_mode(), tracking(f"encode {len(polygons)} shapes", len(polygons)) as bar:
        for start in range(0, len(polygons), step):
            drawn = torch.from_numpy(rasterise(polygons[start : start + step], size)).to(
                device, torch.float32
            )
            features[start : start + step] = encoder(drawn[:, None].expand(-1, 3, -1, -1)).cpu().numpy()
            bar.advance(len(drawn))
    return features


def shape_surface(polygons: np.ndarray, a_max_m2: float, device: str) -> Tensor:
    """Return the surface shares (p,) of footprints; `a_max_m2` counts as 1."""
    return torch.from_numpy(surface_share(shapely.area(polygons), a_max_m2=a_max_m2)).to(device)
