"""Features of pictures: of a frozen encoder, or of one that is trained on changed pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.toolkit.features._feature_rows import FrozenPictures, TunedPictures
from urbanbench.toolkit.features.encoded import picture_features
from urbanbench.toolkit.pictures.picture_versions import VERSIONS, Versions

if TYPE_CHECKING:
    from urbanbench.models._musecl.pictures import Pictures
    from urbanbench.toolkit.features._feature_rows import PictureRows
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder


@dataclass(frozen=True, eq=False)
class Source:
    """Features of p pictures.

    Parameters
    ----------
    made
        Gives them by row of a table with all versions.
    ok
        bool (p,): pictures that can be opened.
    versions
        How many there are of each; 1 where the encoder is frozen.
    device
        Where they are.
    """

    made: PictureRows
    ok: np.ndarray
    versions: int
    device: str

    @property
    def dim(self) -> int:
        """Length of the features."""
        return self.made.dim

    def rows(self, picture: np.ndarray, rng: np.random.Generator | None = None) -> Tensor:
        """Return features (n, dim) of pictures, int64 (n,): as they are, or with `rng` each in a version of its own, all as likely."""
        version = 0 if rng is None else rng.integers(0, self.versions, len(picture))
        return self.made.rows(torch.from_numpy(picture + len(self.ok) * version).to(self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""
        return self.made.modules()


def frozen_source(encoder: ImageEncoder, pictures: Pictures, device: str) -> Source:
    """Return features of an encoder that stays as it is; they are kept in the cache folder."""
    made = picture_features(encoder, pictures.table, pictures.digest, device=device)
    rows = FrozenPictures(torch.from_numpy(np.ascontiguousarray(made)).to(device))
    return Source(rows, rows.ok, 1, device)


def trained_source(encoder: ImageEncoder, pictures: Pictures, change: str, device: str) -> Source:
    """Return features of an encoder that is trained on pictures changed by "mirror" or "turn"; all of them are opened now."""
    table = Versions(pictures.table, change)
    return Source(TunedPictures(encoder, table, device), table.ok, VERSIONS[change], device)
