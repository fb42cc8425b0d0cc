"""Names of the scenes that groups of pictures show: given, recognised by CLIP, or clusters of picture features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PROVIDERS", "SCENES", "Scenes", "given_scenes", "label_scenes", "scene_provider"]

PROVIDERS = ("auto", "precomputed", "clip", "kmeans", "none")

CLIP = "openai/clip-vit-base-patch32"

SCENES = (
    "beach", "coast", "downtown", "neighbourhood", "suburb", "factory", "warehouse", "campus", "mall", "market", "park", "gym",
    "stadium", "bus stop", "station", "airport", "port", "pier", "road", "parking lot", "tourist attraction",
)  # fmt: skip
"""The scenes that CLIP chooses among: those of UrbanMFM's authors."""

PROMPT = "scene: {}"
"""How a scene is put into words, for CLIP and for the text encoder."""

CLUSTERS = len(SCENES)

MOST_CLUSTERED = 20_000
"""Groups of pictures that clusters are found from; in larger cities a sample, to whose clusters the others are given."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """What g groups of pictures show.

    Parameters
    ----------
    texts
        The s distinct texts, such as "scene: market".
    of_group
        int64 (g,): which one a group shows, -1 where it is not known.
    name
        Where the scenes come from, for results: "precomputed", "clip (<weights>)", "kmeans-<clusters>" or "none".
    """

    texts: tuple[str, ...]
    of_group: np.ndarray
    name: str


def scene_provider(provider: str, *, has_given: bool, encoder: str = CLIP) -> str:
    """Return the provider that a word chooses: "auto" takes what is given, else CLIP if its weights are here, else "kmeans".

    Raises
    ------
    UnknownName
        No such provider.
    BadInput
        "precomputed", and nothing is given.
    """
    if provider not in PROVIDERS:
        raise UnknownName("scene provider", provider, PROVIDERS)
    if provider == "precomputed" and not has_given:
        msg = "Scenes are to be read from the city, but it has no features/scenes.parquet that may be seen. Expected its columns view_id and scene. Mend: add the file, or choose another of auto, clip, kmeans, none."
        raise BadInput(msg)
    if provider != "auto":
        return provider
    if has_given:
        return "precomputed"
    from urbanbench.toolkit.pictures._clip_nets import clip_is_here

    return "clip" if clip_is_here(encoder) else "kmeans"


def given_scenes(scene_of_view: Mapping[str, str | None], view_ids: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the scene of every group of views, object (g,): the most frequent one, of equals the first; None where none is known."""
    made = np.full(len(view_ids), None, dtype=object)
    for group, ids in enumerate(view_ids):
        known = [scene for one in ids if isinstance(scene := scene_of_view.get(one), str) and scene]
        made[group] = max(known, key=known.count, default=None)
    return made


def label_scenes(
    provider: str,
    *,
    pictures_of_group: np.ndarray,
    features: np.ndarray | None,
    open_image: Callable[[int], Image],
    given: np.ndarray | None,
    seed: int,
    encoder: str = CLIP,
    device: str = "cpu",
) -> Scenes:
    """Name the scene of every group of pictures.

    Parameters
    ----------
    provider
        One of `PROVIDERS`. "clip" chooses among `SCENES` the one whose text is most similar to the group's pictures: mean of the
        cosines over the pictures. "kmeans" clusters the groups by their mean picture features, each picture scaled to length 1.
    pictures_of_group
        int64 (g, k): rows of pictures, -1 for none.
    features
        Picture features (p, dim), needed by "kmeans".
    open_image
        Opens a picture by its row, needed by "clip"; `CityFaults` or FileNotFoundError for one that cannot be opened.
    given
        Scenes object (g,) as from `given_scenes`, needed by "precomputed".
    seed
        Seed of the clustering.
    encoder
        Folder or hub name of a CLIP.
    device
        Where CLIP runs.

    Raises
    ------
    UnknownName, BadInput
        As `scene_provider`; or "kmeans" without features.
    ExtraMissing
        CLIP's weights are not on this machine and cannot be fetched.
    """
    chosen = scene_provider(provider, has_given=given is not None, encoder=encoder)
    if chosen == "precomputed" and given is not None:
        return _from_words(given)
    if chosen == "clip":
        return _recognised(pictures_of_group, open_image, encoder, device)
    if chosen == "kmeans":
        if features is None:
            msg = "Scenes are to be clusters of pictures, but there are no picture features. Expected features (p, dim). Mend: choose the scenes none."
            raise BadInput(msg)
        return _clustered(pictures_of_group, features, seed)
    return Scenes((), np.full(len(pictures_of_group), -1, dtype=np.int64), "none")


def _from_words(given: np.ndarray) -> Scenes:
    words = [one if isinstance(one, str) and one else None for one in given.tolist()]
    known = sorted({one for one in words if one is not None})
    row = {one: place for place, one in enumerate(known)}
    of_group = np.array([-1 if one is None else row[one] for one in words], dtype=np.int64)
    return Scenes(tuple(PROMPT.format(one) for one in known), of_group, "precomputed")


def _recognised(
    pictures_of_group: np.ndarray, open_image: Callable[[int], Image], encoder: str, device: str
) -> Scenes:
    import torch

    from urbanbench.toolkit.pictures.clip_encoders import load_clip_encoder
    from urbanbench.toolkit.pictures.image_encoders import encode_pictures
    from urbanbench.toolkit.pictures.table import PictureTable

    mend = "name a folder with it, or choose the scenes kmeans, precomputed or none"
    clip = load_clip_encoder(encoder, mend=mend).to(device)
    used = np.unique(pictures_of_group[pictures_of_group >= 0])
    table = PictureTable(lambda row: open_image(int(row)), [str(row) for row in used], clip.size)
    pictures = encode_pictures(clip, table, device=device)
    texts = tuple(PROMPT.format(one) for one in SCENES)
    with torch.inference_mode():
        words = clip.encode_texts(texts).cpu().numpy()
    cosine = np.full((int(pictures_of_group.max(initial=-1)) + 1, len(texts)), np.nan)
    cosine[used] = pictures @ words.T
    mean, known = _group_means(pictures_of_group, cosine)
    of_group = np.where(known, mean.argmax(axis=1), -1)
    return Scenes(texts, of_group.astype(np.int64), f"clip ({clip.name})")


def _clustered(pictures_of_group: np.ndarray, features: np.ndarray, seed: int) -> Scenes:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from urbanbench.seeds import generator, integer_seed

    length = np.linalg.norm(features, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, known = _group_means(pictures_of_group, features / length)
    rows = mean[known]
    count = min(CLUSTERS, len(np.unique(rows, axis=0)))
    of_group = np.full(len(pictures_of_group), -1, dtype=np.int64)
    if count:
        state = integer_seed(seed, "scenes") % 2**32
        # One thread: several add up the cluster centres in any order.
        with threadpool_limits(limits=1):
            kmeans = KMeans(count, n_init=4, random_state=state)
            if len(rows) <= MOST_CLUSTERED:
                of_group[known] = kmeans.fit_predict(rows)
            else:
                drawn = generator(seed, "scenes", "sample").choice(len(rows), MOST_CLUSTERED, replace=False)
                of_group[known] = kmeans.fit(rows[drawn]).predict(rows)
    texts = tuple(PROMPT.format(f"cluster {one}") for one in range(count))
    return Scenes(texts, of_group, f"kmeans-{count}")


def _group_means(pictures_of_group: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the values (p, dim) over each group's pictures, (g, dim), and which groups have any; NaN rows do not count."""
    usable = np.append(np.isfinite(values).all(axis=1), False)
    padded = np.vstack([values, np.zeros((1, values.shape[1]), dtype=values.dtype)])
    padded[~usable] = 0
    there = usable[pictures_of_group]
    total = np.zeros((len(pictures_of_group), values.shape[1]))
    for column in pictures_of_group.T:
        total += padded[column]
    count = there.sum(axis=1)
    return total / np.maximum(count, 1)[:, None], count > 0
