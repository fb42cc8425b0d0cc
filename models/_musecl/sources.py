"""Features of pictures: computed once by a frozen encoder, or anew at every step by one that is trained, on changed pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.toolkit.feature_store import cached_features, encoder_digest
from urbanbench.toolkit.image_encoders import encode_pictures
from urbanbench.toolkit.pictures import pictures_at_once
from urbanbench.toolkit.trained_pictures import encode_with_gradient

if TYPE_CHECKING:
    from urbanbench.models._musecl.pictures import Pictures
    from urbanbench.toolkit._image_nets import ImageEncoder

Change = Callable[[Tensor, np.random.Generator], Tensor]
"""Changes pixels (n, 3, size, size), each picture on its own."""


class Source(Protocol):
    """Gives features of pictures by row."""

    dim: int

    @property
    def ok(self) -> np.ndarray:
        """Return which pictures can be opened, bool (p,)."""

    def rows(self, index: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """Return features (n, dim) of pictures int64 (n,); with `rng` of changed ones, where the encoder is trained."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along."""


class FrozenSource:
    """Features of an encoder that is not trained; they are kept on disk, and of the pictures as they are.

    Parameters
    ----------
    encoder
        Image encoder.
    pictures
        What it encodes.
    device
        Where to compute.
    """

    def __init__(self, encoder: ImageEncoder, pictures: Pictures, device: str) -> None:
        made = cached_features(
            "picture",
            encoder_digest(encoder, device),
            pictures.digest,
            lambda: encode_pictures(encoder, pictures.source, device=device),
        )
        self._ok: np.ndarray = np.isfinite(made).all(axis=1)
        self.features = torch.from_numpy(np.where(self._ok[:, None], made, np.float32(0))).to(device)
        self.dim = int(self.features.shape[1])

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,)."""
        return self._ok

    def rows(self, index: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """Return features (n, dim); nothing is changed."""
        del rng
        return self.features[torch.from_numpy(index).to(self.features.device)]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


class TrainedSource:
    """Features of an encoder that is trained along.

    Parameters
    ----------
    encoder
        Image encoder, moved to `device`.
    pictures
        What it encodes.
    change
        What is done to pictures in training.
    device
        Where to compute.
    """

    def __init__(self, encoder: ImageEncoder, pictures: Pictures, change: Change, device: str) -> None:
        self.encoder, self.pixels, self.change = encoder.to(device), pictures.source, change
        self.device, self.dim = device, encoder.dim

    @property
    def ok(self) -> np.ndarray:
        """Return bool (p,); the first call opens all pictures."""
        return self.pixels.ok

    def rows(self, index: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """Return features (n, dim); with `rng` each picture is changed on its own, also one that is asked for twice."""
        step = pictures_at_once(self.pixels.size, self.device)
        read = self.pixels.batches(index, step)
        chunks = (torch.from_numpy(pixels) for pixels, _ in read)
        seen = (one if rng is None else self.change(one, rng) for one in chunks)
        return encode_with_gradient(
            self.encoder, (one.to(self.device) for one in seen), single=len(index) <= step
        )

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)


def flipped(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirror each picture left to right with chance 1/2."""
    mirrored = torch.from_numpy(rng.random(len(pixels)) < 0.5)
    return torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)


def turned(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn each picture by 0, 90, 180 or 270 degrees, each as likely; the authors turn a whole batch alike."""
    turns = rng.integers(0, 4, len(pixels)).tolist()
    return torch.stack([one.rot90(k, (1, 2)) for one, k in zip(pixels, turns, strict=True)])
