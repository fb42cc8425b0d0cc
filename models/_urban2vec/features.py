"""What the image encoder says of the pictures: computed once where it is frozen, at every step where it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor, nn

from urbanbench.progress import note
from urbanbench.toolkit.features._feature_rows import Frozen, FrozenPictures, TunedPictures, TunedShapes
from urbanbench.toolkit.features.encoded import picture_features, shape_features
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.picture_versions import Versions
from urbanbench.toolkit.pictures.pixel_store import open_pixel_store
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.training import seeded_torch, take_rows

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urban2vec.pictures import Pictures
    from urbanbench.models.urban2vec import Urban2Vec
    from urbanbench.toolkit.features._feature_rows import FeatureRows
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder


@dataclass(frozen=True, eq=False)
class SourceFeatures:
    """Features of some of a city's picture sources, by row of `Pictures.sources`.

    Parameters
    ----------
    made
        Gives the features of the k sources, and of their mirror images behind them where the encoder is trained.
    place
        int64 (s,): row of every source in `made`, -1 where it has none.
    ok
        bool (s,): sources with features; those that cannot be opened have none.
    mirrors
        Whether mirror images stand k rows behind the pictures themselves.
    device
        Where the features are.
    """

    made: FeatureRows
    place: np.ndarray
    ok: np.ndarray
    mirrors: bool
    device: str

    @property
    def dim(self) -> int:
        """Length of the features."""
        return self.made.dim

    def rows(self, source: np.ndarray, mirrored: np.ndarray | None = None) -> Tensor:
        """Return features (..., dim) of sources int64 (...); each distinct picture is encoded once.

        Parameters
        ----------
        source
            Rows of sources that are `ok`.
        mirrored
            bool (...): which are mirrored; it counts only where the encoder is trained.
        """
        index = self.place[source]
        if mirrored is not None and self.mirrors:
            index = index + mirrored * int((self.place >= 0).sum())
        distinct, back = np.unique(index, return_inverse=True)
        made = self.made.rows(torch.from_numpy(distinct).to(self.device))
        return take_rows(made, torch.from_numpy(back.reshape(source.shape)).to(self.device))

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained along: the encoder, or nothing."""
        return self.made.modules()


def mirror_shapes(polygons: np.ndarray) -> np.ndarray:
    """Turn Shapely geometries (p,) over, west to east."""
    xy = shapely.get_coordinates(polygons)
    return np.asarray(shapely.set_coordinates(np.array(polygons), xy * [-1.0, 1.0]))


def source_features(
    model: Urban2Vec, view: View, pictures: Pictures, known: np.ndarray, *, seed: int, device: str
) -> SourceFeatures:
    """Load the encoder and make the features of some sources, int64 (k,) sorted; tell which pictures cannot be opened."""
    with seeded_torch(seed, "urban2vec", "image encoder"):
        encoder = load_image_encoder(model.image_encoder)
    some, trained = pictures.sources[known], model.train_image_encoder
    of_kind = _of_shapes if pictures.kind == "polygon" else _of_pictures
    made, opened = of_kind(model, view, some, encoder, device)
    place, ok = (
        np.full(len(pictures.sources), -1, dtype=np.int64),
        np.zeros(len(pictures.sources), dtype=bool),
    )
    place[known], ok[known] = np.arange(len(known)), opened
    _tell_broken(some[~opened], len(some))
    return SourceFeatures(made, place, ok, trained, device)


def _of_shapes(
    model: Urban2Vec, view: View, some: np.ndarray, encoder: ImageEncoder, device: str
) -> tuple[FeatureRows, np.ndarray]:
    """Return features of footprints, and that all of them can be drawn."""
    del view
    size, drawn = model.raster_size, np.ones(len(some), dtype=bool)
    if model.train_image_encoder:
        both = np.concatenate([some, mirror_shapes(some)])
        return TunedShapes(encoder, both, size=size, device=device), drawn
    made = shape_features(encoder, some, size=size, device=device)
    return Frozen(torch.from_numpy(np.ascontiguousarray(made)).to(device)), drawn


def _of_pictures(
    model: Urban2Vec, view: View, some: np.ndarray, encoder: ImageEncoder, device: str
) -> tuple[FeatureRows, np.ndarray]:
    """Return features of pictures, and which can be opened."""
    paths, size = some.tolist(), model.street_size
    if model.train_image_encoder:
        store = open_pixel_store(view.picture_digest(paths), len(paths), size)
        table = Versions(PictureTable(view.open_image, paths, size, store=store), "mirror")
        return TunedPictures(encoder, table, device), table.ok
    plain = PictureTable(view.open_image, paths, size)
    made = picture_features(encoder, plain, view.picture_digest, device=device)
    frozen = FrozenPictures(torch.from_numpy(np.ascontiguousarray(made)).to(device))
    return frozen, frozen.ok


def _tell_broken(broken: np.ndarray, count: int) -> None:
    if len(broken):
        first = ", ".join(map(str, broken[:3].tolist()))
        note(f"{len(broken)} of {count} pictures cannot be opened and are left out ({first}).")
