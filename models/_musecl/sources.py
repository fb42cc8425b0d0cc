"""Features of pictures: of a frozen encoder, or of one that is trained on changed pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.toolkit._feature_rows import FrozenPictures, TunedPictures
from urbanbench.toolkit.features import picture_features
from urbanbench.toolkit.pictures import PictureTable

if TYPE_CHECKING:
    from urbanbench.models._musecl.pictures import Pictures
    from urbanbench.toolkit._feature_rows import PictureRows
    from urbanbench.toolkit._image_nets import ImageEncoder

VERSIONS = {"mirror": 2, "turn": 4}
"""In how many versions a picture is seen in training: as it is and mirrored, or turned by quarters."""


class Versions(PictureTable):
    """The p pictures of a table in several versions: row v p + r is version v of picture r.

    Parameters
    ----------
    table
        The pictures.
    change
        "mirror", left to right, or "turn", by v quarters.
    """

    def __init__(self, table: PictureTable, change: str) -> None:
        super().__init__(table.open_image, table.paths, table.size, store=table.store, threads=table.threads)
        self.change = change

    def batches(self, rows: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give pixels as `PictureTable.batches` does."""
        parts = super().batches(rows % len(self), batch)
        for start, (pixels, ok) in zip(range(0, len(rows), batch), parts, strict=True):
            version = rows[start : start + batch] // len(self)
            for one in range(1, VERSIONS[self.change]):
                chosen = pixels[version == one]
                pixels[version == one] = (
                    chosen[..., ::-1] if self.change == "mirror" else np.rot90(chosen, one, (2, 3))
                )
            yield pixels, ok


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
