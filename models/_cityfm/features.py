"""What the two backbones say of texts and footprints: computed once and kept, or anew at every step while they are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import shapely
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from urbanbench.progress import tracking
from urbanbench.toolkit.feature_store import cached_features, encoder_digest, shapes_digest, texts_digest
from urbanbench.toolkit.pictures import pictures_at_once
from urbanbench.toolkit.polygon import rasterise, surface_share
from urbanbench.toolkit.text_encoders import encode_texts
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.toolkit._image_nets import ImageEncoder
    from urbanbench.toolkit._text_nets import TextEncoder

__all__ = ["Frozen", "Rows", "ShapeReader", "TextReader", "TunedShapes", "TunedTexts"]

CHUNK, CHUNK_ON_GPU = 64, 512
"""Texts that go through a trained encoder at once."""


class Rows(Protocol):
    """Gives features by row."""

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim) of the things in `index`, int64 (n,)."""

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""


class Frozen:
    """Features (t, dim) computed beforehand."""

    def __init__(self, features: Tensor) -> None:
        self.features = features

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        return self.features[index]

    def modules(self) -> Sequence[nn.Module]:
        """Nothing is trained."""
        return ()


class TunedTexts:
    """Texts behind an encoder that is trained.

    They go through in chunks of similar length, whose inner values are computed again in the backward pass: all texts of a batch
    share one loss without being in memory at once.
    """

    def __init__(self, encoder: TextEncoder, texts: Sequence[str], device: str) -> None:
        self.encoder, self.texts, self.device = encoder.to(device), texts, device

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        chosen = [self.texts[row] for row in index.tolist()]
        order = sorted(range(len(chosen)), key=lambda place: len(chosen[place]))
        step = CHUNK_ON_GPU if self.device.startswith("cuda") else CHUNK
        parts = [
            self._encode([chosen[place] for place in order[begin : begin + step]])
            for begin in range(0, len(order), step)
        ]
        return take_rows(torch.cat(parts), torch.tensor(order).argsort().to(self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _encode(self, texts: Sequence[str]) -> Tensor:
        tokens = {name: one.to(self.device) for name, one in self.encoder.tokenize(texts).items()}
        return _forgetful(self.encoder, tokens)


class TunedShapes:
    """Footprints, Shapely geometries (p,), behind an encoder that is trained; each is drawn when it is asked for.

    Batch normalisation keeps the statistics it was pretrained with, so that a footprint's features do not depend on the others.
    """

    def __init__(self, encoder: ImageEncoder, polygons: np.ndarray, *, size: int, device: str) -> None:
        self.encoder, self.polygons, self.size, self.device = encoder.to(device), polygons, size, device

    def rows(self, index: Tensor) -> Tensor:
        """Return features (n, dim)."""
        for module in self.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch has no public common base
                module.eval()
        parts = torch.split(index.cpu(), pictures_at_once(self.size, self.device))
        return torch.cat([_forgetful(self.encoder, self._drawn(part)) for part in parts])

    def modules(self) -> Sequence[nn.Module]:
        """Return the encoder."""
        return (self.encoder,)

    def _drawn(self, index: Tensor) -> Tensor:
        return drawn(self.polygons[index.numpy()], self.size, self.device)


class TextReader:
    """A text encoder and the distinct texts of a city."""

    def __init__(self, encoder: TextEncoder, texts: Sequence[str], device: str) -> None:
        self.encoder, self.texts, self.device = encoder, texts, device
        self._kept = True
        self._features: Frozen | None = None

    def frozen(self) -> Frozen:
        """Return the features of all texts, with the weights the encoder has now."""
        if self._features is None:
            made = _computed(
                "text",
                self.encoder,
                lambda: texts_digest(self.texts),
                lambda: encode_texts(self.encoder, self.texts, device=self.device),
                device=self.device,
                kept=self._kept,
            )
            self._features = Frozen(made)
        return self._features

    def tuned(self) -> TunedTexts:
        """Return the texts behind the encoder, to be trained; what it said before is forgotten."""
        self._kept, self._features = False, None
        return TunedTexts(self.encoder, self.texts, self.device)


class ShapeReader:
    """An image encoder for footprints.

    Parameters
    ----------
    encoder
        Image encoder.
    size
        Pixels per side of a drawn footprint.
    a_max_m2
        Surface that counts as 1.
    device
        Where to compute.
    """

    def __init__(self, encoder: ImageEncoder, *, size: int, a_max_m2: float, device: str) -> None:
        self.encoder, self.size, self.a_max_m2, self.device = encoder, size, a_max_m2, device
        self._kept = True

    def frozen(self, polygons: np.ndarray) -> Frozen:
        """Return the features of footprints (p,), with the weights the encoder has now."""
        made = _computed(
            "shape",
            self.encoder,
            lambda: shapes_digest(polygons, self.size),
            lambda: self._encoded(polygons),
            device=self.device,
            kept=self._kept,
        )
        return Frozen(made)

    def tuned(self, polygons: np.ndarray) -> TunedShapes:
        """Return footprints behind the encoder, to be trained."""
        self._kept = False
        return TunedShapes(self.encoder, polygons, size=self.size, device=self.device)

    def surface(self, polygons: np.ndarray) -> Tensor:
        """Return the surface shares (p,) of footprints."""
        return torch.from_numpy(surface_share(shapely.area(polygons), a_max_m2=self.a_max_m2)).to(self.device)

    def _encoded(self, polygons: np.ndarray) -> np.ndarray:
        features = np.empty((len(polygons), self.encoder.dim), dtype=np.float32)
        self.encoder.eval().to(self.device)
        step = pictures_at_once(self.size, self.device)
        with torch.inference_mode(), tracking(f"encode {len(polygons)} shapes", len(polygons)) as bar:
            for start in range(0, len(polygons), step):
                part = drawn(polygons[start : start + step], self.size, self.device)
                features[start : start + step] = self.encoder(part).cpu().numpy()
                bar.advance(len(part))
        return features


def drawn(polygons: np.ndarray, size: int, device: str) -> Tensor:
    """Draw footprints (p,) as pictures of zeros and ones in three equal channels, float32 (p, 3, size, size)."""
    made = torch.from_numpy(rasterise(polygons, size)).to(device, torch.float32)
    return made[:, None].expand(-1, 3, -1, -1)


def _computed(
    kind: str,
    encoder: nn.Module,
    inputs_digest: Callable[[], str],
    compute: Callable[[], np.ndarray],
    *,
    device: str,
    kept: bool,
) -> Tensor:
    """Compute features, through the cache folder if the encoder has its first weights."""
    made = (
        cached_features(kind, encoder_digest(encoder, device), inputs_digest(), compute)
        if kept
        else compute()
    )
    return torch.from_numpy(np.ascontiguousarray(made)).to(device)


def _forgetful(encoder: nn.Module, inputs: object) -> Tensor:
    """Run an encoder without keeping its inner values, where there will be a backward pass."""
    if not torch.is_grad_enabled():
        return encoder(inputs)  # type: ignore[no-any-return]  # modules are called through an untyped method
    return checkpoint(encoder, inputs, use_reentrant=False)  # type: ignore[no-any-return]
