"""The two encoders with what they say of texts and footprints: kept, until they are given away to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor

from urbanbench.toolkit.features._feature_rows import Frozen, TunedShapes, TunedTexts
from urbanbench.toolkit.features.encoded import shape_features, text_features
from urbanbench.toolkit.shapes.polygon import surface_share

if TYPE_CHECKING:
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.toolkit.texts._text_nets import TextEncoder

__all__ = ["ShapeReader", "TextReader"]


class TextReader:
    """A text encoder and the distinct texts of a city."""

    def __init__(self, encoder: TextEncoder, texts: Sequence[str], device: str) -> None:
        self.encoder, self.texts, self.device = encoder, texts, device
        self._kept = True
        self._features: Frozen | None = None

    def frozen(self) -> Frozen:
        """Return the features of all texts, with the weights the encoder has now."""
        if self._features is None:
            made = text_features(self.encoder, self.texts, device=self.device, keep=self._kept)
            self._features = _as_rows(made, self.device)
        return self._features

    def forget(self) -> None:
        """Forget what the encoder said: its weights are others now."""
        self._kept, self._features = False, None

    def tuned(self) -> TunedTexts:
        """Return the texts behind the encoder, to be trained; what it said before is forgotten."""
        self.forget()
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
        made = shape_features(self.encoder, polygons, size=self.size, device=self.device, keep=self._kept)
        return _as_rows(made, self.device)

    def forget(self) -> None:
        """Keep no features on disk any more: the encoder's weights are others now."""
        self._kept = False

    def tuned(self, polygons: np.ndarray) -> TunedShapes:
        """Return footprints behind the encoder, to be trained."""
        self.forget()
        return TunedShapes(self.encoder, polygons, size=self.size, device=self.device)

    def surface(self, polygons: np.ndarray) -> Tensor:
        """Return the surface shares (p,) of footprints."""
        return torch.from_numpy(surface_share(shapely.area(polygons), a_max_m2=self.a_max_m2)).to(self.device)


def _as_rows(features: np.ndarray, device: str) -> Frozen:
    return Frozen(torch.from_numpy(np.ascontiguousarray(features)).to(device))
