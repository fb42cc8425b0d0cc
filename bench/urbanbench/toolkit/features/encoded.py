"""Features that frozen encoders give texts, pictures and footprints: computed once, kept in the cache folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from urbanbench.need import NUMBER, refuse_beyond_memory
from urbanbench.toolkit.features.picture_store import has_pictures, stored_pictures
from urbanbench.toolkit.kept.feature_store import cached_features, encoder_digest, shapes_digest, texts_digest
from urbanbench.toolkit.pictures.image_encoders import encode_pictures, encode_shapes
from urbanbench.toolkit.texts.text_encoders import encode_texts

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.toolkit.pictures.table import PictureTable
    from urbanbench.toolkit.texts._text_nets import TextEncoder

__all__ = ["has_picture_features", "picture_features", "shape_features", "text_features"]


def text_features(
    encoder: TextEncoder, texts: Sequence[str], *, device: str, keep: bool = True
) -> np.ndarray:
    """Return features float32 (n, dim) of texts.

    Parameters
    ----------
    encoder
        Text encoder.
    texts
        n texts.
    device
        Where to compute.
    keep
        Whether they are read from and written into the cache folder; not worth it with weights that are being trained.
    """
    _check_room("texts", len(texts), encoder.dim)

    def compute() -> np.ndarray:
        return encode_texts(encoder, texts, device=device)

    if not keep:
        return compute()
    return cached_features("text", encoder_digest(encoder, device), texts_digest(texts), compute)


def shape_features(
    encoder: ImageEncoder, polygons: np.ndarray, *, size: int, device: str, keep: bool = True
) -> np.ndarray:
    """Return features float32 (p, dim) of footprints, Shapely geometries (p,), drawn with `size` pixels per side; `keep` as in `text_features`."""
    _check_room("footprints", len(polygons), encoder.dim)

    def compute() -> np.ndarray:
        return encode_shapes(encoder, polygons, size=size, device=device)

    if not keep:
        return compute()
    return cached_features("shape", encoder_digest(encoder, device), shapes_digest(polygons, size), compute)


def picture_features(
    encoder: ImageEncoder,
    pictures: PictureTable,
    digest: Callable[[Sequence[str]], str],
    *,
    device: str,
    keep: bool = True,
) -> np.ndarray:
    """Return features float32 (p, dim) of pictures, NaN for those that cannot be opened; `keep` as in `text_features`.

    `digest` hashes the files of paths, as `urbanbench.city.view.View.picture_digest` does.
    """
    _check_room("pictures", len(pictures), encoder.dim)
    if not keep:
        return encode_pictures(encoder, pictures, device=device)
    return stored_pictures(encoder, pictures, _digests(pictures, digest), device=device)


def has_picture_features(
    encoder: ImageEncoder, pictures: PictureTable, digest: Callable[[Sequence[str]], str], *, device: str
) -> bool:
    """Tell whether the cache folder has the features of all pictures; parameters as of `picture_features`."""
    return has_pictures(encoder, pictures.size, _digests(pictures, digest), device=device)


def _check_room(what: str, count: int, dim: int) -> None:
    """Refuse a table of features that memory cannot hold, before a single one is encoded; it is held a second time where it is written or read."""
    mend = "use an encoder with shorter vectors, a smaller city, or a machine with more memory"
    refuse_beyond_memory(f"{count:,} {what} with {dim:,} features each", 2 * count * dim * NUMBER, mend=mend)


def _digests(pictures: PictureTable, digest: Callable[[Sequence[str]], str]) -> list[str]:
    """Hash pictures one by one: each is kept for itself."""
    return [digest([path]) for path in pictures.paths]
