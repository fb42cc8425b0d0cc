"""The two backbones and what they say of a city: features computed once, kept on disk, forgotten when a stage trains an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor

from urbanbench.errors import BadInput, UnknownName
from urbanbench.models._urbanmfm.shapes import Shapes, shape_surface
from urbanbench.progress import note
from urbanbench.toolkit.features._feature_rows import Frozen, FrozenPictures, TunedPictures, TunedTexts
from urbanbench.toolkit.features.encoded import (
    has_picture_features,
    picture_features,
    shape_features,
    text_features,
)
from urbanbench.toolkit.pictures.pixel_store import open_pixel_store
from urbanbench.toolkit.pictures.table import PictureTable, without_broken

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanbench.models._urbanmfm.overheads import Overheads
    from urbanbench.models._urbanmfm.streets import Streets
    from urbanbench.toolkit.ground.places import Places
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.toolkit.texts._text_nets import TextEncoder

KINDS = ("street", "overhead")
"""Kinds of pictures."""


class Backbones:
    """Text and image encoder with the places, street views and overhead pictures of one city.

    Features are computed when first asked for, once per distinct input. As long as an encoder has its first weights, its features
    are also kept in the cache folder; from the moment it is given away to be trained they are computed anew and live only here.

    Parameters
    ----------
    text_encoder, image_encoder
        The encoders; None for no image encoder.
    places
        POIs with their texts and footprints.
    streets, overheads
        Pictures as they were gathered, or None. Use the attributes of the same name, which leave out pictures that cannot be opened.
    open_image, picture_digest
        Of the view: a path to its picture, and paths to the hash of their files.
    raster_size, picture_sizes
        Pixels per side of a drawn footprint, and of "street" and "overhead" pictures.
    a_max_m2
        Surface that counts as 1 in Eq. 4; None for the largest footprint of a place.
    device
        Where to compute.
    keep_pixels
        Whether decoded pictures are kept in the cache folder: worth their space when the image encoder is trained.
    """

    def __init__(
        self,
        text_encoder: TextEncoder,
        image_encoder: ImageEncoder | None,
        places: Places,
        streets: Streets | None,
        overheads: Overheads | None,
        *,
        open_image: Callable[[str], Image],
        picture_digest: Callable[[Sequence[str]], str],
        raster_size: int,
        picture_sizes: Mapping[str, int],
        a_max_m2: float | None,
        device: str,
        keep_pixels: bool = False,
    ) -> None:
        self.text_encoder, self.image_encoder, self.places = text_encoder, image_encoder, places
        self._given_streets, self._given_overheads = streets, overheads
        self._paths = {
            kind: None if given is None else given.pictures
            for kind, given in (("street", streets), ("overhead", overheads))
        }
        self.open_image, self.picture_digest = open_image, picture_digest
        self.raster_size, self.picture_sizes = raster_size, picture_sizes
        self.a_max_m2 = float(shapely.area(places.shapes).max(initial=1.0)) if a_max_m2 is None else a_max_m2
        self.device, self.keep_pixels = device, keep_pixels
        self._moved: set[str] = set()
        self._texts: Frozen | None = None
        self._shapes: Shapes | None = None
        self._tables: dict[str, PictureTable] = {}
        self._pictures: dict[str, FrozenPictures] = {}

    @cached_property
    def streets(self) -> Streets | None:
        """Sampling points that have at least one picture that can be opened; None where there are none."""
        given = self._given_streets
        if given is None or self.image_encoder is None:
            return given
        picture = without_broken(given.picture, self._ok("street"))
        kept: np.ndarray = np.asarray((picture >= 0).any(axis=1))
        if not kept.any():
            return None
        view_ids = tuple(ids for ids, good in zip(given.view_ids, kept, strict=True) if good)
        return replace(
            given, xy=given.xy[kept], picture=picture[kept], view_ids=view_ids, region=given.region[kept]
        )

    @cached_property
    def overheads(self) -> Overheads | None:
        """Overhead pictures that can be opened; None where there are none."""
        given = self._given_overheads
        if given is None or self.image_encoder is None:
            return given
        picture = without_broken(given.picture, self._ok("overhead"))
        return replace(given, picture=picture) if (picture >= 0).any() else None

    def texts(self) -> Frozen:
        """Return the features of the places' distinct texts."""
        if self._texts is None:
            self._texts = Frozen(self.encode_texts(self.places.texts))
        return self._texts

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Return features float32 (n, dim) of any texts, such as names of scenes."""
        made = text_features(self.text_encoder, texts, device=self.device, keep="text" not in self._moved)
        return torch.from_numpy(np.ascontiguousarray(made)).to(self.device)

    def shapes(self) -> Shapes | None:
        """Return the features of the places' footprints; None without an image encoder or footprints."""
        if self._shapes is None and self.image_encoder is not None and len(self.places.shapes):
            self._shapes = self.encode_shapes(self.places.shapes)
        return self._shapes

    def encode_shapes(self, polygons: np.ndarray) -> Shapes:
        """Return features of any footprints, Shapely geometries (p,); BadInput without an image encoder."""
        encoder, size = self._image_encoder(), self.raster_size
        keep = "image" not in self._moved
        made = shape_features(encoder, polygons, size=size, device=self.device, keep=keep)
        features = torch.from_numpy(np.ascontiguousarray(made)).to(self.device)
        return Shapes(features, shape_surface(polygons, self.a_max_m2, self.device))

    def street_pictures(self) -> FrozenPictures | None:
        """Return the features of the street views' distinct pictures; None without pictures or image encoder."""
        return self._frozen("street")

    def overhead_pictures(self) -> FrozenPictures | None:
        """Return the features of the distinct overhead pictures; None without pictures or image encoder."""
        return self._frozen("overhead")

    def compute_all(self) -> None:
        """Compute all features now, while the encoders have the weights they have."""
        self.texts(), self.shapes(), self.street_pictures(), self.overhead_pictures()

    def tuned_texts(self) -> TunedTexts:
        """Return the places' texts behind the encoder, to be trained; call `text_moved` afterwards."""
        self._moved.add("text")
        return TunedTexts(self.text_encoder, self.places.texts, self.device)

    def tuned_pictures(self, kind: str) -> TunedPictures:
        """Return "street" or "overhead" pictures behind the encoder, to be trained; call `image_moved` afterwards.

        Raises
        ------
        UnknownName
            No such kind.
        BadInput
            There are no such pictures, or there is no image encoder.
        """
        tuned = TunedPictures(self._image_encoder(), self._table(kind), self.device)
        self._moved.add("image")
        return tuned

    def text_moved(self) -> None:
        """Forget what the text encoder said: its weights have changed."""
        self._moved.add("text")
        self._texts = None

    def image_moved(self) -> None:
        """Forget what the image encoder said: its weights have changed."""
        self._moved.add("image")
        self._shapes = None
        self._pictures.clear()

    def _image_encoder(self) -> ImageEncoder:
        if self.image_encoder is None:
            msg = "The backbones have no image encoder. Expected one for footprints and pictures."
            raise BadInput(msg)
        return self.image_encoder

    def _frozen(self, kind: str) -> FrozenPictures | None:
        if self.image_encoder is None or self._paths[kind] is None:
            return None
        if kind not in self._pictures:
            encoder, table = self.image_encoder, self._table(kind)
            keep = "image" not in self._moved
            made = picture_features(encoder, table, self.picture_digest, device=self.device, keep=keep)
            features = torch.from_numpy(np.ascontiguousarray(made)).to(self.device)
            self._pictures[kind] = FrozenPictures(features)
        return self._pictures[kind]

    def _table(self, kind: str) -> PictureTable:
        if kind not in KINDS:
            raise UnknownName("kind of pictures", kind, KINDS)
        paths = self._paths[kind]
        if paths is None:
            msg = f"There are no {kind} pictures. Expected a view that shows some. Leave the stage out that needs them."
            raise BadInput(msg)
        if kind not in self._tables:
            size, digest = self.picture_sizes[kind], self.picture_digest
            store = open_pixel_store(digest(paths), len(paths), size) if self.keep_pixels else None
            self._tables[kind] = PictureTable(self.open_image, paths, size, store=store)
        return self._tables[kind]

    def _ok(self, kind: str) -> np.ndarray:
        """Which pictures can be opened, broken ones told; from features that are needed anyway, so that none is decoded twice."""
        table = self._table(kind)
        told = kind in self._pictures or (
            "image" not in self._moved and (not self.keep_pixels or self._has_features(kind))
        )
        frozen = self._frozen(kind) if told else None
        ok = table.ok if frozen is None else frozen.ok
        broken = np.flatnonzero(~ok)
        if len(broken):
            first = ", ".join(table.paths[row] for row in broken[:3])
            note(
                f"{len(broken)} of {len(ok)} {kind} pictures cannot be opened and are left out ({first}{', …' if len(broken) > 3 else ''})."
            )
        return ok

    def _has_features(self, kind: str) -> bool:
        encoder, table = self._image_encoder(), self._table(kind)
        return has_picture_features(encoder, table, self.picture_digest, device=self.device)
